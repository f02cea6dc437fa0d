"""Scope text (RFC 6749 3.3) and the scopes that are this server's own; the record's come from its sections."""

from collections.abc import Mapping

Localised = Mapping[str, str]
"""Words for people by language: {"vi": ..., "en": ...}."""

OWN: Mapping[str, Localised] = {
    "openid": {"vi": "Xác nhận bạn là ai với ứng dụng này", "en": "Confirm to this app who you are"},
    "profile": {"vi": "Tên hiển thị của bạn", "en": "Your display name"},
    "offline_access": {
        "vi": "Giữ đăng nhập trong 30 ngày, cho đến khi bạn ngắt ứng dụng",
        "en": "Stay signed in for 30 days, until you disconnect the app",
    },
    "record:submit": {"vi": "Gửi hồ sơ vào sổ sức khỏe", "en": "Send records to the health book"},
}
ALWAYS = frozenset({"openid", "profile", "offline_access"})
"""Not sections of a book: a citizen takes these with the app or leaves the app."""


def split(scope: str | None) -> list[str]:
    """The scope's names in their order, each once. Other white space than U+0020 is part of a name, so unknown."""
    return list(dict.fromkeys(name for name in (scope or "").split(" ") if name))


def narrow(scope: str, ticked: frozenset[str]) -> str:
    """Asked and ticked; what was ticked without being asked for is dropped (a hostile form)."""
    return " ".join(name for name in split(scope) if name in ALWAYS or name in ticked)

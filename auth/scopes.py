"""Scope text (RFC 6749 3.3) and the scopes that are this server's own; the record's come from its sections."""

from collections.abc import Mapping

from auth.clients.profiles import AT_THE_DESK, PROFILES

Localised = Mapping[str, str]
"""Words for people by language: {"vi": ..., "en": ...}."""

OWN: Mapping[str, Localised] = {
    "openid": {"vi": "Xác nhận bạn là ai với ứng dụng này", "en": "Confirm to this app who you are"},
    "profile": {"vi": "Tên hiển thị của bạn", "en": "Your display name"},
    "fhirUser": {"vi": "Cho ứng dụng biết hồ sơ nào là của bạn", "en": "Tell the app which record is yours"},
    "launch/patient": {"vi": "Mở sẵn sổ sức khỏe của bạn trong ứng dụng", "en": "Open your health book in the app"},
    "offline_access": {
        "vi": "Giữ đăng nhập cho đến khi hết hạn hoặc bạn ngắt ứng dụng, lâu nhất 30 ngày",
        "en": "Stay signed in until it expires or you disconnect the app, 30 days at most",
    },
    "record:submit": {"vi": "Gửi hồ sơ vào sổ sức khỏe", "en": "Send records to the health book"},
    "consent:read": {"vi": "Xem những gì bạn đã cho phép", "en": "See what you have allowed"},
    "consent:manage": {"vi": "Cho phép và rút lại sự cho phép thay bạn", "en": "Allow and withdraw on your behalf"},
    "log:read": {"vi": "Xem ai đã đọc sổ sức khỏe của bạn", "en": "See who has read your health book"},
    "delegate:manage": {
        "vi": "Chọn người được xem sổ sức khỏe giúp bạn",
        "en": "Choose who may look after your health book for you",
    },
    "inbox:read": {"vi": "Xem hộp tin của bạn", "en": "Read your inbox"},
    "device:manage": {"vi": "Gửi thông báo đến điện thoại của bạn", "en": "Send notices to your phone"},
    "emergency:open": {"vi": "Mở sổ sức khỏe khi cấp cứu", "en": "Open a health book in an emergency"},
    "patient:find": {"vi": "Tìm người bệnh đang khám", "en": "Find the patient who is being treated"},
    "consent:request": {"vi": "Xin người bệnh cho xem sổ sức khỏe", "en": "Ask a patient to share the health book"},
    "visit:manage": {"vi": "Làm thủ tục khi đến khám và khi về", "en": "Check patients in and out of a visit"},
    "appointment:read": {"vi": "Xem lịch hẹn khám của bạn", "en": "See your appointments"},
    "appointment:write": {"vi": "Đặt, đổi và hủy lịch hẹn khám", "en": "Book, move and cancel appointments"},
    "schedule:manage": {"vi": "Quản lý giờ khám của cơ sở", "en": "Manage the working hours of the facility"},
    "appointment:manage": {"vi": "Quản lý lịch hẹn trong ngày", "en": "Manage the appointments of the day"},
    "dev:clients": {"vi": "Quản lý ứng dụng thử nghiệm của bạn", "en": "Manage your test apps"},
}
ALWAYS = frozenset(OWN) - {"record:submit"}
"""Not sections of a book: a citizen takes these with the app or leaves the app."""

WITHOUT_A_PERSON = AT_THE_DESK | {"record:submit"}
"""The only ones of OWN that a client may have on its own behalf, with client_credentials."""


def scopes_allowed(kind: str) -> frozenset[str]:
    """Those of OWN that a client of this kind may be registered with; scopes of sections are open to every kind."""
    return PROFILES[kind].scopes & OWN.keys()


def split(scope: str | None) -> list[str]:
    """The scope's names in their order, each once. Other white space than U+0020 is part of a name, so unknown."""
    return list(dict.fromkeys(name for name in (scope or "").split(" ") if name))


def narrow(scope: str, ticked: frozenset[str]) -> str:
    """Asked and ticked; what was ticked without being asked for is dropped (a hostile form)."""
    return " ".join(name for name in split(scope) if name in ALWAYS or name in ticked)

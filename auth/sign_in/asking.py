"""What a visit of `/login` asks for: where to go afterwards, how strong a sign-in, and how fresh.

A stronger or fresher sign-in (step-up, RFC 9470) is asked for by a page of this server that checks it again when the
citizen comes back; here it only decides which ways are shown and what the national provider is asked.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from auth.requests import Malformed, Pairs
from auth.sign_in.levels import WEAK, asked_level

ACCOUNT = "/account"
LOGIN = "/login"
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_STEPS_UP = ("/oauth/authorize", "/oauth/consent", "/device", ACCOUNT)
_MAX_AGE = re.compile(r"[0-9]{1,9}")
_MAX_NEXT = 8192


def own_path(address: str) -> str:
    """The address if it is a path of this server, else `/`: no scheme, `//host`, backslash or control character."""
    return address if len(address) <= _MAX_NEXT and _OWN_PATH.fullmatch(address) else "/"


@dataclass(frozen=True, slots=True)
class Asking:
    """`next` is an own path. `max_age`: how many seconds old the sign-in may be; None if that was not asked."""

    next: str = ACCOUNT
    level: int = WEAK
    max_age: int | None = None

    @classmethod
    def of(cls, pairs: Pairs) -> "Asking":
        """From a query or a form. Malformed if a parameter is repeated or says nothing this server knows."""
        told = single(pairs, "next", "acr", "max_age")
        after = own_path(told.get("next") or ACCOUNT)
        if after.partition("?")[0] not in _STEPS_UP:
            return cls(after)
        level = asked_level(told["acr"]) if told.get("acr") else WEAK
        max_age = told.get("max_age") or None
        if level is None or (max_age and not _MAX_AGE.fullmatch(max_age)):
            raise Malformed("Invalid acr or max_age.")
        return cls(after, level, int(max_age) if max_age else None)

    @property
    def fields(self) -> dict[str, str]:
        """What a form or link carries on to the next step of this sign-in."""
        told = {"next": self.next, "acr": str(self.level) if self.level > WEAK else ""}
        told["max_age"] = "" if self.max_age is None else str(self.max_age)
        return {name: value for name, value in told.items() if value}

    @property
    def is_step_up(self) -> bool:
        return self.level > WEAK or self.max_age is not None


def address(after: str, *, level: int = WEAK, max_age: int | None = None, lang: str = "") -> str:
    """The address of the sign-in page that comes back to `after`."""
    fields = Asking(after, level, max_age).fields
    return f"{LOGIN}?{urlencode({'lang': lang, **fields} if lang else fields)}"


def single(pairs: Pairs, *names: str) -> dict[str, str]:
    """The named parameters, each at most once and without control characters; Malformed else."""
    told: dict[str, str] = {}
    for name, value in pairs:
        if name not in names:
            continue
        if name in told or not value.isprintable():
            raise Malformed(f"The parameter {name} is repeated or malformed.")
        told[name] = value
    return told

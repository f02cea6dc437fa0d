"""What a client of each kind may be: how it proves itself, which grants and scopes it may have, what is asked of it.

`registration.py` holds every registration to this table, whoever registers; a client never says its own kind.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

SECTIONS = "record:<section>:read"
"""Stands in the table for the read scope of every section."""

SIGN_IN = frozenset({"openid", "profile", "offline_access", "fhirUser", "launch/patient"})
CITIZENS_OWN = frozenset(
    {
        "consent:read", "consent:manage", "log:read", "delegate:manage", "appointment:read", "appointment:write",
        "inbox:read", "device:manage", "dev:clients",
    }
)  # fmt: skip
AT_THE_DESK = frozenset({"patient:find", "consent:request", "visit:manage", "schedule:manage", "appointment:manage"})
_SECTION_SCOPE = re.compile(r"record:[a-z][a-z0-9_]*:read")


@dataclass(frozen=True, slots=True)
class Profile:
    """`par`: which clients of the kind must push their requests (RFC 9126): `all`, `confidential` or `none` of them."""

    auth_methods: frozenset[str]
    grant_types: frozenset[str]
    scopes: frozenset[str]
    par: str = "none"
    requires_dpop: bool = False
    needs_organization: bool = False

    def excess(self, scopes: Iterable[str]) -> list[str]:
        """The scopes that a client of this kind may not have, in their order."""
        return [name for name in scopes if name not in self.scopes and not self._is_section(name)]

    def requires_par(self, auth_method: str) -> bool:
        return self.par == "all" or (self.par == "confidential" and auth_method != "none")

    def _is_section(self, name: str) -> bool:
        return SECTIONS in self.scopes and _SECTION_SCOPE.fullmatch(name) is not None


PROFILES: dict[str, Profile] = {
    "first_party": Profile(
        auth_methods=frozenset({"none"}),
        grant_types=frozenset({CODE, REFRESH, DEVICE, EXCHANGE}),
        scopes=SIGN_IN | CITIZENS_OWN | {SECTIONS},
        requires_dpop=True,
    ),
    "facility": Profile(
        auth_methods=frozenset({"private_key_jwt", "client_secret_basic"}),
        grant_types=frozenset({CREDENTIALS, EXCHANGE}),
        scopes=AT_THE_DESK | {"record:submit", SECTIONS},
        needs_organization=True,
    ),
    "clinician": Profile(
        auth_methods=frozenset({"private_key_jwt"}),
        grant_types=frozenset({CODE, REFRESH, EXCHANGE}),
        scopes=SIGN_IN | AT_THE_DESK | {"emergency:open", "record:submit", SECTIONS},
        par="all",
        needs_organization=True,
    ),
    "third_party": Profile(
        auth_methods=frozenset({"none", "private_key_jwt"}),
        grant_types=frozenset({CODE, REFRESH, DEVICE}),
        scopes=SIGN_IN | {SECTIONS},
        par="all",
    ),
    "sandbox": Profile(
        auth_methods=frozenset({"none", "private_key_jwt"}),
        grant_types=frozenset({CODE, REFRESH, DEVICE}),
        scopes=SIGN_IN | {SECTIONS},
        par="confidential",
    ),
}

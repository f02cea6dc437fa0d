"""What a stranger says of his client (RFC 7591 2): read, bounded, and never fetched from anywhere.

Only the members named here are looked at, so nobody gives himself a kind, a status or a scope (mass assignment). What
would make this server open an address (`jwks_uri` and its kin) is refused, other unknown members are dropped.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from auth.clients import names
from auth.clients.profiles import CODE, PROFILES
from auth.clients.registration import check, public_jwks
from auth.scopes import split
from domain.errors import Invalid

LIMIT_BYTES = 16_384
KIND = "sandbox"
_FETCHED = ("jwks_uri", "sector_identifier_uri", "request_uris", "backchannel_logout_uri")
_MAX_TEXT, _MAX_ITEMS = 4096, 20


class Refused(Exception):
    """An answer of the registration endpoint; the message is fit for an error_description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Metadata:
    """A valid registration. `scope` is what of the asked one a sandbox client may have."""

    name: str
    auth_method: str
    grant_types: list[str]
    scope: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    jwks: dict[str, Any] | None


def read(body: bytes) -> dict[str, Any]:
    """The JSON object of a request's body."""
    if len(body) > LIMIT_BYTES:
        raise _wrong("The request is too long.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _wrong("The body must be a JSON object.") from None
    if not isinstance(found, dict):
        raise _wrong("The body must be a JSON object.")
    return found


def parse(told: dict[str, Any], scopes: Collection[str]) -> Metadata:
    """`scopes` are all that this server knows. Refused says which member is wrong (RFC 7591 3.2.2)."""
    fetched = next((name for name in _FETCHED if name in told), None)
    if fetched:
        raise _wrong(f"{fetched} is not supported: this server opens no addresses of clients.")
    metadata = Metadata(
        name=_name(told),
        auth_method=_text(told, "token_endpoint_auth_method") or ("private_key_jwt" if "jwks" in told else "none"),
        grant_types=_texts(told, "grant_types", [CODE]),
        scope=_scope(_text(told, "scope"), scopes),
        redirect_uris=_texts(told, "redirect_uris", []),
        post_logout_redirect_uris=_texts(told, "post_logout_redirect_uris", []),
        jwks=_jwks(told),
    )
    _check(metadata)
    _check_responses(_texts(told, "response_types", ["code"] if CODE in metadata.grant_types else []), metadata)
    return metadata


def _name(told: dict[str, Any]) -> str:
    name = _text(told, "client_name")
    refusal = names.refusal(name)
    if refusal:
        raise _wrong(refusal)
    return name


def _text(told: dict[str, Any], member: str) -> str:
    """Empty where absent."""
    found = told.get(member, "")
    if not isinstance(found, str) or len(found) > _MAX_TEXT:
        raise _wrong(f"{member} must be a text.")
    return found


def _texts(told: dict[str, Any], member: str, default: list[str]) -> list[str]:
    found = told.get(member, default)
    is_list = isinstance(found, list) and len(found) <= _MAX_ITEMS
    if not is_list or not all(isinstance(one, str) and len(one) <= _MAX_TEXT for one in found):
        raise _wrong(f"{member} must be a list of at most {_MAX_ITEMS} texts.")
    return list(dict.fromkeys(found))


def _scope(asked: str, known: Collection[str]) -> str:
    """What was asked, or all there is, as far as a sandbox client may have it (RFC 7591 3.2.1 lets us replace it)."""
    profile = PROFILES[KIND]
    allowed = [name for name in known if not profile.excess([name])]
    scope = [name for name in split(asked) if name in allowed] if asked else allowed
    if not scope:
        raise _wrong("scope names nothing that a sandbox client may have.")
    return " ".join(scope)


def _jwks(told: dict[str, Any]) -> dict[str, Any] | None:
    if "jwks" not in told:
        return None
    if not isinstance(told["jwks"], dict):
        raise _wrong("jwks must be a JSON Web Key Set.")
    try:
        return public_jwks(told["jwks"])
    except Invalid as invalid:
        raise _wrong(f"jwks: {invalid}.") from None


def _check(metadata: Metadata) -> None:
    try:
        check(
            kind=KIND,
            name=metadata.name,
            auth_method=metadata.auth_method,
            grant_types=metadata.grant_types,
            scope=metadata.scope,
            redirect_uris=[*metadata.redirect_uris, *metadata.post_logout_redirect_uris],
        )
    except Invalid as invalid:
        error = "invalid_redirect_uri" if invalid.field == "redirect_uris" else "invalid_client_metadata"
        raise Refused(400, error, f"{invalid.field}: {invalid}.") from None
    if (CODE in metadata.grant_types) != bool(metadata.redirect_uris):
        raise Refused(400, "invalid_redirect_uri", "redirect_uris: needed for the authorization code, and only for it.")
    if (metadata.auth_method == "private_key_jwt") != (metadata.jwks is not None):
        raise _wrong("jwks is needed for private_key_jwt, and only for it.")


def _check_responses(response_types: list[str], metadata: Metadata) -> None:
    """RFC 7591 2.1: grant and response types must tell the same."""
    if response_types != (["code"] if CODE in metadata.grant_types else []):
        raise _wrong("response_types must be code for the authorization code, and empty without it.")


def _wrong(description: str) -> Refused:
    return Refused(400, "invalid_client_metadata", description)

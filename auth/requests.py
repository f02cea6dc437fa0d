"""From HTTP to the request object that Authlib reads: bounded, ASCII, each parameter once.

RFC 6749 3.1 and 3.2: parameters come from the query of a GET or the form body of a POST, never merged; one without
a value counts as absent; one that is repeated is an error. Unknown parameters are ignored.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from starlette.datastructures import Headers
from starlette.requests import Request

LIMIT_BYTES = 16_384
FORM = "application/x-www-form-urlencoded"
Pairs = list[tuple[str, str]]

_MAX_FIELDS = 64
_LONG = {
    "client_assertion": 8192,
    "token": 8192,
    "subject_token": 8192,
    "id_token_hint": 8192,
    "redirect_uri": 2000,
    "post_logout_redirect_uri": 2000,
    "scope": 4096,
}
_SHORT = 1024
_KNOWN = frozenset(
    {
        "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age",
        "code_challenge", "code_challenge_method", "request", "request_uri", "grant_type", "code", "code_verifier",
        "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "token", "token_type_hint",
        "device_code", "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type",
        "requested_subject", "audience", "resource",
        "aud", "acr_values", "dpop_jkt", "id_token_hint", "post_logout_redirect_uri", "purpose",
        "ui_locales",
    }
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_VSCHAR = re.compile(r"[\x20-\x7e]*")
_NQSCHAR = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
_VERBATIM = frozenset({"state", "nonce"})


class Malformed(ValueError):
    """The request as a whole cannot be read; the message is fit for an error_description."""


def query_pairs(request: Request) -> Pairs:
    return _pairs(request.scope["query_string"])


async def form_pairs(request: Request) -> Pairs:
    """The body's pairs; at most LIMIT_BYTES are ever read."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Malformed(f"The body must be {FORM}.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            raise Malformed("The request is too long.")
    return _pairs(body)


def _pairs(raw: bytes) -> Pairs:
    if len(raw) > LIMIT_BYTES:
        raise Malformed("The request is too long.")
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise Malformed("The parameters are not form-encoded UTF-8.") from None


class Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib is untyped
    """The known parameters that are well-formed, and in `fault` what was wrong with the first that is not."""

    def __init__(self, pairs: Pairs) -> None:
        self.fault: str | None = None
        self._data: dict[str, str] = {}
        broken: set[str] = set()
        for name, value in pairs:
            problem = _problem(name, value, self._data)
            if problem:
                self.fault = self.fault or problem
                broken.add(name)
            elif value and name in _KNOWN:
                self._data[name] = value
        for name in broken:
            self._data.pop(name, None)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [value] for name, value in self._data.items()}


def _problem(name: str, value: str, seen: Mapping[str, str]) -> str | None:
    if _CONTROL.search(name) or _CONTROL.search(value):
        return "A parameter contains control characters."
    if name not in _KNOWN:
        return None
    if name in seen:
        return f"The parameter {name} is repeated."
    if len(value) > _LONG.get(name, _SHORT):
        return f"The parameter {name} is too long."
    allowed = _VSCHAR if name in _VERBATIM else _NQSCHAR
    return None if allowed.fullmatch(value) else f"The parameter {name} contains characters that are not allowed."


class OAuthRequest(OAuth2Request):  # type: ignore[misc]  # Authlib is untyped
    """One request as Authlib wants it. `uri` is built from the issuer, never from the Host header.

    On the way it learns more: `grant_row`, the TokenGrant that the answer's tokens belong to; `jkt`, the thumbprint of
    the key that was proved; `pushed`, the PushedRequest its parameters were taken from; `bound_to`, the key that its
    code will need; `asked`, its scope as the client wrote it, with SMART names, and `aliases`, those of them that were
    translated.
    """

    def __init__(self, method: str, uri: str, headers: Headers, pairs: Pairs) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload: Payload = Payload(pairs)
        self.grant_row: Any = None
        self.jkt: str | None = None
        self.pushed: Any = None
        self.bound_to: str | None = None
        self.asked: str | None = self.payload.data.get("scope")
        self.aliases: list[str] = []

    @classmethod
    def of(cls, method: str, uri: str, pairs: Pairs) -> "OAuthRequest":
        """Without headers: nobody authenticates by header at the authorization endpoint."""
        return cls(method, uri, Headers(), pairs)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

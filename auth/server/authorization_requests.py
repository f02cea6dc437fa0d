"""What an authorization request may ask beyond RFC 6749: how fresh and strong a sign-in, for which resource and key.

OpenID Connect Core 3.1.2.1 (`prompt`, `max_age`), RFC 9470 (`acr_values`), SMART App Launch 2.1 (`aud`), RFC 9449 10
(`dpop_jkt`), and what an app wants to read for (`purpose`: HL7 v3 PurposeOfUse; our own parameter). Checked with the
request itself, so a pushed request that is accepted is one that can be answered.
"""

from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from auth.requests import OAuthRequest
from auth.scopes import split
from auth.settings import AuthSettings
from auth.sign_in.levels import asked_level, level_of
from auth.smart import audiences
from auth.tokens.dpop import is_thumbprint
from auth.web_sessions import SignedIn
from domain.consents.terms import APP_PURPOSES

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_ANEW = frozenset({"login", "select_account"})
_MAX_AGE_DIGITS = 9


class Unmet(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """RFC 9470 5: a sign-in as strong as this is not to be had, or not the one that was made."""

    error = "unmet_authentication_requirements"


class Asked:
    """The check as Authlib's extension of a grant: what it raises returns to the client's registered address."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self._check)

    def _check(self, grant: Any, _redirect_uri: str) -> None:
        asked: dict[str, str] = grant.request.payload.data
        prompts = set(split(asked.get("prompt")))
        if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
            raise InvalidRequestError("Invalid prompt parameter.")
        max_age = asked.get("max_age", "0")
        if not max_age.isdecimal() or len(max_age) > _MAX_AGE_DIGITS:
            raise InvalidRequestError("Invalid max_age parameter.")
        if "aud" in asked and asked["aud"] not in audiences(self._settings):
            raise InvalidRequestError("The aud parameter names another resource.")
        if asked.get("purpose", APP_PURPOSES[0]) not in APP_PURPOSES:
            raise InvalidRequestError("Invalid purpose parameter.")
        if "dpop_jkt" in asked and not is_thumbprint(asked["dpop_jkt"]):
            raise InvalidRequestError("Invalid dpop_jkt parameter.")
        if "acr_values" in asked and not wanted_level(grant.request):
            raise Unmet("The acr_values are not known.")


def needs_sign_in(settings: AuthSettings, request: OAuthRequest, signed_in: SignedIn | None, now: datetime) -> bool:
    """Whether the citizen must sign in (again) before he may be asked.

    A sign-in after the request was pushed is the one that the request asked for. Without a push, the page that leads to
    sign-in takes `prompt` and `max_age` out of the address instead.
    """
    if signed_in is None or not is_strong_enough(settings, request, signed_in.acr):
        return True
    if request.pushed is not None and signed_in.auth_time >= request.pushed.created_at:
        return False
    if _is_anew(request):
        return True
    max_age = wanted_age(request)
    return max_age is not None and now - signed_in.auth_time > timedelta(seconds=max_age)


def wanted_age(request: OAuthRequest) -> int | None:
    """How many seconds old the sign-in may be; None if that was not asked."""
    if _is_anew(request):
        return 0
    asked = request.payload.data
    return int(asked["max_age"]) if "max_age" in asked else None


def _is_anew(request: OAuthRequest) -> bool:
    return bool(_ANEW & set(split(request.payload.data.get("prompt"))))


def wanted_level(request: OAuthRequest) -> int:
    """How strong a sign-in is asked for (`auth.sign_in.levels`); 0 if any will do."""
    return asked_level(request.payload.data.get("acr_values", "")) or 0


def is_strong_enough(settings: AuthSettings, request: OAuthRequest, acr: str) -> bool:
    return level_of(acr, demo=settings.demo_sign_in) >= wanted_level(request)

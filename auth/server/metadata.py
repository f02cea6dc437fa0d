"""What clients can find out by themselves: RFC 8414 and OpenID Connect Discovery 1.0, one document for both."""

from collections.abc import Iterable
from typing import Any

from auth.clients.authentication import ASSERTION_ALGORITHMS
from auth.clients.profiles import CODE, CREDENTIALS, DEVICE, EXCHANGE, REFRESH
from auth.pages.words import LANGUAGES
from auth.server.authorization_requests import PROMPTS
from auth.settings import AuthSettings
from auth.sign_in.levels import CODE_ACR, STRONG_ACR
from auth.signing.keys import ALGORITHM
from auth.tokens.dpop import ALGORITHMS as DPOP_ALGORITHMS

_CLAIMS = [
    "iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "nonce", "at_hash", "sid", "act", "name", "fhirUser",
]  # fmt: skip


def document(settings: AuthSettings, scopes: Iterable[str]) -> dict[str, Any]:
    at = settings.issuer
    confidential = ["client_secret_basic", "private_key_jwt"]
    return {
        "issuer": at,
        "authorization_endpoint": f"{at}/oauth/authorize",
        "token_endpoint": f"{at}/oauth/token",
        "revocation_endpoint": f"{at}/oauth/revoke",
        "introspection_endpoint": f"{at}/oauth/introspect",
        "pushed_authorization_request_endpoint": f"{at}/oauth/par",
        "device_authorization_endpoint": f"{at}/oauth/device",
        "registration_endpoint": f"{at}/oauth/register",
        "userinfo_endpoint": f"{at}/oauth/userinfo",
        "end_session_endpoint": f"{at}/oauth/logout",
        "jwks_uri": f"{at}/oauth/jwks",
        "scopes_supported": sorted(scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CODE, REFRESH, CREDENTIALS, DEVICE, EXCHANGE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", *confidential],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["none", *confidential],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "require_pushed_authorization_requests": False,
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "acr_values_supported": [CODE_ACR, STRONG_ACR],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": _CLAIMS,
        "prompt_values_supported": sorted(PROMPTS),
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": list(LANGUAGES),
    }

"""The endpoints of the authorization server that programs call. Where RFCs say it all, they are named instead."""

from typing import Any

from api.rest.description.answers import answer, content, response

AUTHORIZE, TOKEN = "/oauth/authorize", "/oauth/token"
FORM = "application/x-www-form-urlencoded"

SIGNED_IN = {
    "access_token": "eyJhbGciOiJFUzI1NiIs...",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "record:submit",
}
METADATA = {
    "issuer": "https://book.example.vn",
    "token_endpoint": "https://book.example.vn/oauth/token",
    "jwks_uri": "https://book.example.vn/oauth/jwks",
}
SMART = METADATA | {"capabilities": ["launch-standalone", "client-public", "permission-v2"]}
PUSHED = {
    "response_type": "code",
    "client_id": "demo-app",
    "redirect_uri": "https://app.example.vn/callback",
    "scope": "openid record:labs:read",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
REFERENCE = {"request_uri": "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c", "expires_in": 60}
KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "kid": "2026-11", "use": "sig", "alg": "ES256", "x": "...", "y": "..."}]}
SUBMITTING = {"grant_type": "client_credentials", "scope": "record:submit"}
ABOUT_TOKEN = {"token": "eyJhbGciOiJFUzI1NiIs..."}
ACTIVE = {"active": True, "client_id": "demo-facility", "scope": "record:submit", "exp": 1_790_000_000}


def _get(name: str, summary: str, description: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "description": description,
            "tags": ["oauth"],
            "security": [],
            "responses": {"200": found},
        }
    }


def _userinfo(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": "OpenID Connect Core 5.3, for an access token of a living sign-in with the scope openid.",
        "tags": ["oauth"],
        "security": [{"oauth2": ["openid"]}],
        "responses": {
            "200": answer("Claims by scope.", "Userinfo", {"sub": "0190a000-0000-7000-8000-000000000001"}),
            "401": response("NoToken"),
            "403": response("Forbidden"),
        },
    }


def _post(
    name: str,
    summary: str,
    description: str,
    *,
    form: str,
    asked: dict[str, str],
    found: dict[str, Any],
    public: bool,
    created: bool = False,
) -> dict[str, Any]:
    """`public`: clients without a secret may ask too. `created`: the answer is a 201."""
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "description": description,
            "tags": ["oauth"],
            "security": [{"client": []}, {}] if public else [{"client": []}],
            "requestBody": {"required": True, "description": "A form.", "content": content(FORM, form, asked)},
            "responses": {
                "201" if created else "200": found,
                "400": response("InvalidRequest"),
                "401": response("InvalidClient"),
            },
        }
    }


PATHS: dict[str, Any] = {
    "/.well-known/openid-configuration": _get(
        "openidConfiguration",
        "What this server can do",
        "OpenID Connect Discovery 1.0 and RFC 8414 in one document.",
        answer("Server metadata.", "ServerMetadata", METADATA),
    ),
    "/.well-known/oauth-authorization-server": _get(
        "authorizationServerMetadata",
        "What this server can do, by the name of RFC 8414",
        "The same document as /.well-known/openid-configuration.",
        answer("Server metadata.", "ServerMetadata", METADATA),
    ),
    "/.well-known/smart-configuration": _get(
        "smartConfiguration",
        "What SMART apps need to know",
        "SMART App Launch 2.2. Its scope names are aliases: each stands for one or several sections of the book.",
        answer("The configuration.", "ServerMetadata", SMART),
    ),
    "/fhir/.well-known/smart-configuration": _get(
        "smartConfigurationOfFhir",
        "What SMART apps need to know, where they look for it",
        "The same document as /.well-known/smart-configuration.",
        answer("The configuration.", "ServerMetadata", SMART),
    ),
    "/oauth/par": _post(
        "pushAuthorizationRequest",
        "Send an authorization request ahead",
        "RFC 9126, with DPoP (RFC 9449 10.1) where a proof comes along. The reference is used once, within a minute.",
        form="PushedRequest",
        asked=PUSHED,
        found=answer("The reference to carry in the browser.", "PushedAnswer", REFERENCE),
        public=True,
        created=True,
    ),
    "/oauth/userinfo": {
        "get": _userinfo("userinfo", "Who signed in"),
        "post": _userinfo("userinfoByPost", "Who signed in, asked by POST")
        | {"requestBody": {"required": False, "description": "Empty.", "content": content(FORM, "Nothing", {})}},
    },
    "/oauth/jwks": _get(
        "jwks",
        "The public keys that tokens are signed with",
        "RFC 7517. A key stays listed for as long as tokens that it signed live.",
        answer("A key set.", "KeySet", KEYS),
    ),
    TOKEN: _post(
        "token",
        "Get tokens",
        "RFC 6749 3.2 for the grant types authorization_code (with PKCE, S256), refresh_token (rotating) and "
        "client_credentials.",
        form="TokenRequest",
        asked=SUBMITTING,
        found=answer("Tokens (RFC 6749 5.1).", "TokenAnswer", SIGNED_IN),
        public=True,
    ),
    "/oauth/revoke": _post(
        "revoke",
        "End a sign-in",
        "RFC 7009. Either kind of token ends the grant it stands on, at the next request.",
        form="TokenOnly",
        asked=ABOUT_TOKEN,
        found=answer("It is ended, or was not this client's.", "Nothing", {}),
        public=True,
    ),
    "/oauth/introspect": _post(
        "introspect",
        "Ask about a token of one's own",
        "RFC 7662. A token of another client looks like one that does not exist.",
        form="TokenOnly",
        asked=ABOUT_TOKEN,
        found=answer("What it stands for (RFC 7662 2.2).", "Introspection", ACTIVE),
        public=False,
    ),
}

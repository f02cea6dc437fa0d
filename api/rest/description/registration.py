"""Registering sandbox clients, signing in on a device without a browser, and the keys of receipts."""

from typing import Any

from api.rest.description.answers import HEADERS_OF_ALL, JSON, answer, content, response

FORM = "application/x-www-form-urlencoded"
CLIENT_ID = "0b6e7f8a-4f1a-4c7d-9e8b-1a6f4c30d5b6"
ASKED = {"client_name": "Nhật ký đường huyết", "redirect_uris": ["https://app.example.vn/callback"]}
CLIENT = ASKED | {
    "client_id": CLIENT_ID,
    "client_id_issued_at": 1_790_000_000,
    "client_secret_expires_at": 0,
    "registration_access_token": "q8yVw0...",
    "registration_client_uri": f"https://book.example.vn/oauth/register/{CLIENT_ID}",
}
WAITING = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://book.example.vn/device",
    "verification_uri_complete": "https://book.example.vn/device?user_code=WDJB-MJHT",
    "expires_in": 600,
    "interval": 5,
}
KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "kid": "2026-11", "use": "sig", "alg": "ES256", "x": "...", "y": "..."}]}
WHICH = {
    "name": "client_id",
    "in": "path",
    "required": True,
    "description": "The client, as its registration told it.",
    "schema": {"type": "string"},
    "example": CLIENT_ID,
}


def _operation(name: str, summary: str, found: dict[str, Any], status: str = "200", **more: Any) -> dict[str, Any]:
    refused = {code: response(shape) for code, shape in (("400", "InvalidRequest"), ("401", "NoToken"))}
    return {
        "operationId": name,
        "summary": summary,
        "description": "RFC 7591, RFC 7592, with a registration token as bearer. Nothing a client names is fetched.",
        "tags": ["oauth"],
        "security": [{"registration": []}],
        "responses": {status: found, **refused},
        **more,
    }


def _body(example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "description": "Client metadata.", "content": content(JSON, "ClientMetadata", example)}


PATHS: dict[str, Any] = {
    "/oauth/register": {
        "post": _operation(
            "registerClient",
            "Register a sandbox client",
            answer("The client and the token that manages it.", "ClientInformation", CLIENT),
            "201",
            requestBody=_body(ASKED),
        )
    },
    "/oauth/register/{client_id}": {
        "get": _operation(
            "readClient",
            "Read a registration",
            answer("The registration.", "ClientInformation", CLIENT),
            parameters=[WHICH],
        ),
        "put": _operation(
            "replaceClient",
            "Replace a registration",
            answer("The registration as it is now.", "ClientInformation", CLIENT),
            parameters=[WHICH],
            requestBody=_body(ASKED | {"client_id": CLIENT_ID}),
        ),
        "delete": _operation(
            "deleteClient",
            "End a registration and all its sign-ins",
            {"description": "It is gone.", "headers": HEADERS_OF_ALL},
            "204",
            parameters=[WHICH],
        ),
    },
    "/oauth/device": {
        "post": {
            "operationId": "authorizeDevice",
            "summary": "Start a sign-in on a device without a browser",
            "description": "RFC 8628 3.1. The citizen types `user_code` at `verification_uri`; poll for the token.",
            "tags": ["oauth"],
            "security": [{"client": []}, {}],
            "requestBody": {
                "required": True,
                "description": "A form.",
                "content": content(FORM, "DeviceRequest", {"client_id": "demo-app", "scope": "record:labs:read"}),
            },
            "responses": {
                "200": answer("What to show and what to poll with.", "DeviceAnswer", WAITING),
                "400": response("InvalidRequest"),
                "401": response("InvalidClient"),
            },
        }
    },
    "/oauth/receipt-jwks": {
        "get": {
            "operationId": "receiptKeys",
            "summary": "The public keys that consent receipts and day roots are signed with",
            "description": "RFC 7517. A key stays listed for ever, so that a receipt of years ago can be verified.",
            "tags": ["oauth"],
            "security": [],
            "responses": {"200": answer("A key set.", "KeySet", KEYS)},
        }
    },
    "/oauth/pass-jwks": {
        "get": {
            "operationId": "passKeys",
            "summary": "The public keys that check-in passes are signed with",
            "description": (
                "RFC 7517. The next key is listed long before it signs: a clinic that fetches them daily verifies "
                "passes without a connection (docs/appointments.md)."
            ),
            "tags": ["oauth"],
            "security": [],
            "responses": {"200": answer("A key set.", "KeySet", KEYS)},
        }
    },
}

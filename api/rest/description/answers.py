"""Answers that several endpoints share, and the small words that OpenAPI is made of."""

from typing import Any

JSON, PROBLEM = "application/json", "application/problem+json"
HEADERS_OF_ALL: dict[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
REQUEST_ID = "3f0c8a4d5b6e4f1a9c7d2e8b1a6f4c30"


def ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def response(name: str) -> dict[str, str]:
    """One of RESPONSES."""
    return {"$ref": f"#/components/responses/{name}"}


def content(media_type: str, schema: str, example: Any) -> dict[str, Any]:
    return {media_type: {"schema": ref(schema), "example": example}}


def answer(description: str, schema: str, example: Any, media_type: str = JSON) -> dict[str, Any]:
    return {"description": description, "headers": HEADERS_OF_ALL, "content": content(media_type, schema, example)}


def challenged(description: str, example: dict[str, str], challenge: str) -> dict[str, Any]:
    """An answer that says what to prove oneself with (RFC 9110 11.6.1)."""
    header = {"description": "What is asked for.", "schema": {"type": "string", "examples": [challenge]}}
    made = answer(description, "OAuthError", example)
    return made | {"headers": HEADERS_OF_ALL | {"WWW-Authenticate": header}}


HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Name of this request in the server's log.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$", "examples": [REQUEST_ID]},
    }
}
RESPONSES: dict[str, Any] = {
    "Malformed": {
        "description": "The Authorization header or Content-Length is malformed, or there are several tokens.",
        "headers": HEADERS_OF_ALL,
        "content": content(
            JSON, "OAuthError", {"error": "invalid_request", "error_description": "The bearer token is malformed."}
        )
        | content(PROBLEM, "Problem", {"type": "about:blank", "title": "Bad Request", "status": 400}),
    },
    "NoToken": challenged(
        "There is no bearer token, or it is expired, forged or revoked (RFC 6750 3).",
        {"error": "invalid_token", "error_description": "The access token expired."},
        'Bearer realm="healthbook", error="invalid_token", error_description="The access token expired."',
    ),
    "Forbidden": challenged(
        "The token lacks `record:submit` (then with a challenge), or its client does not stand for a facility.",
        {"error": "insufficient_scope"},
        'Bearer realm="healthbook", error="insufficient_scope", scope="record:submit"',
    ),
    "TooLarge": answer(
        "The body is larger than 512 MiB.",
        "Problem",
        {"type": "about:blank", "title": "Content Too Large", "status": 413},
        PROBLEM,
    ),
    "Unexpected": answer(
        "A fault of ours. Nothing is told of it but the name under which it stands in the log.",
        "Problem",
        {"type": "about:blank", "title": "Unexpected error.", "status": 500, "instance": f"urn:uuid:{REQUEST_ID}"},
        PROBLEM,
    ),
    "InvalidRequest": answer(
        "The form is malformed or misses something, or the grant does not hold (RFC 6749 5.2).",
        "OAuthError",
        {"error": "invalid_grant"},
    ),
    "InvalidClient": challenged(
        "The client did not prove itself; it is not told why.",
        {"error": "invalid_client", "error_description": "Client authentication failed."},
        'Basic realm="healthbook"',
    ),
}

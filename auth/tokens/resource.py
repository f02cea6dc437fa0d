"""A request at a resource and its refusal, between HTTP and `auth.tokens.bearer`."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from auth.tokens.bearer import InvalidToken, Offered


def offered(request: Request, issuer: str) -> Offered:
    """What the request shows of its caller; its address begins with the issuer, whatever the Host header says."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    return Offered(
        request.headers.getlist("authorization"),
        request.headers.getlist("dpop"),
        request.method,
        issuer + path.partition(b"?")[0].decode("latin-1"),
    )


def refusal(refused: InvalidToken) -> JSONResponse:
    """RFC 6750 3 and RFC 9449 7.1."""
    body = {"error": refused.error or "unauthorized", "error_description": refused.description}
    headers = {"WWW-Authenticate": refused.challenge(), "Cache-Control": "no-store"}
    return JSONResponse(body, refused.status, headers=headers)

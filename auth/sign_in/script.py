"""GET /login/passkey.js: the one script of these pages, ours, from our own path, named exactly by the CSP."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

import auth.pages

SCRIPT_PATH = "/login/passkey.js"
_SCRIPT = (Path(auth.pages.__file__).parent / "passkey.js").read_bytes()
_HEADERS = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


async def script(_request: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript", headers=_HEADERS)

"""/audit/roots: the signed ends of days, for everybody. Who keeps a copy can prove that the log was not rewritten.

Days, numbers of seals, hashes and signatures (JWS, typ `access-log-root+jwt`); nothing of any person.
"""

from collections.abc import Callable
from datetime import date

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.planner.read import RecordReader

PATH, KEYS = "/audit/roots", "/oauth/receipt-jwks"
ROOTS = "select access.day_roots($1, $2)"
DAYS = 366
_PUBLIC = {"Cache-Control": "public, max-age=300"}


def routes(reader: Callable[[Request], RecordReader], issuer: str) -> list[Route]:
    async def roots(request: Request) -> Response:
        """A year of days after `after`, in order; `next` leads to the following year, if there is one."""
        given = request.query_params.getlist("after")
        if len(given) > 1 or not all(map(_is_day, given)):
            problem = {"type": "about:blank", "title": "`after` is one day, YYYY-MM-DD.", "status": 400}
            return JSONResponse(problem, 400, media_type="application/problem+json")
        found = orjson.loads(await reader(request).value(ROOTS, given[0] if given else None, DAYS + 1))
        shown = found[:DAYS]
        following = f"{issuer}{PATH}?after={shown[-1]['day']}" if len(found) > DAYS else None
        told = {"issuer": issuer, "keys": issuer + KEYS, "roots": shown, "next": following}
        return Response(orjson.dumps(told), media_type="application/json", headers=_PUBLIC)

    return [Route(PATH, roots)]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

"""What operators watch: /livez (the process), /readyz (database and migrations), /metrics; and /openapi.json."""

from collections.abc import Callable
from functools import cache

import asyncpg
import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.metrics import CONNECTIONS, refusal
from api.planner.read import RecordReader
from api.rest.description import openapi_document
from domain.database import REVISION

APPLIED = "select access.revision()"


def operations(reader: Callable[[Request], RecordReader], metrics_token: str | None) -> list[Route]:
    async def readyz(request: Request) -> Response:
        """200 when the database answers and holds the schema this code needs; 503 with the reason otherwise."""
        try:
            revision = await reader(request).value(APPLIED)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return JSONResponse({"status": "unready", "reason": "the database does not answer"}, 503)
        if revision != REVISION:
            return JSONResponse({"status": "unready", "reason": "the schema is not migrated"}, 503)
        return JSONResponse({"status": "ready", "schema": revision})

    async def metrics(request: Request) -> Response:
        refused = refusal(request, metrics_token)
        if refused is not None:
            return refused
        in_use, open_ = reader(request).connections
        CONNECTIONS.labels("in_use").set(in_use)
        CONNECTIONS.labels("open").set(open_)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
    ]


async def livez(_request: Request) -> Response:
    return JSONResponse({"status": "alive"})


async def openapi(_request: Request) -> Response:
    return Response(_document(), media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@cache
def _document() -> bytes:
    return orjson.dumps(openapi_document())

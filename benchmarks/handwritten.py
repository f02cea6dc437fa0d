"""The limit: one SQL statement written by hand for a screen, its bytes passed through. No sign-in, no rules, no log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HERE = Path(__file__).parent
CURSORS = {"deep": "after", "sync": "since"}


def statement(screen: str) -> str:
    """The SQL of a screen (benchmarks/screens.py). Its arguments are the patient and, of some, a cursor."""
    return (HERE / ("handwritten.sql" if screen == "record" else f"handwritten_{screen}.sql")).read_text()


def create_app(dsn: str, connections: int) -> Starlette:
    statements = {screen: statement(screen) for screen in ("record", "home", "section", "deep", "sync")}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            dsn, min_size=2, max_size=connections, reset=_nothing, server_settings={"jit": "off"}
        ) as app.state.pool:
            yield

    async def read(request: Request) -> Response:
        screen, told = request.path_params["screen"], request.query_params
        cursor = [told.get(CURSORS[screen])] if screen in CURSORS else []
        async with request.app.state.pool.acquire() as connection:
            data = await connection.fetchval(statements[screen], told["patient"], *cursor)
        return Response(f'{{"data":{data}}}', media_type="application/json")

    return Starlette(routes=[Route("/{screen}", read)], lifespan=lifespan)


async def _nothing(_connection: asyncpg.Connection) -> None:
    """No session state to clear."""

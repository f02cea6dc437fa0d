"""The web process: every route, what surrounds them, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from api.access_log import roots
from api.acting import Acting
from api.appointments import feeds
from api.bearer import Bearer
from api.budgets import Budgets
from api.citizens import BookCitizens, Records
from api.documents.automatic import AutomaticQueries
from api.documents.lookup import DocumentLookup
from api.documents.published import TrustedDocuments
from api.errors import MASKED
from api.execution import Executor
from api.graphql import Endpoint, refused
from api.http.media import GRAPHQL
from api.http.refusals import Refused, told
from api.ledger import Ledger
from api.metrics import Measured
from api.middleware import HEADERS, BodyLimit, RequestId, problem
from api.pages import clinic_day, explorer
from api.planner.documents import Documents
from api.planner.read import RecordReader
from api.rest import routes as rest
from api.schema import create_schema, records_of
from api.settings import ApiSettings
from api.subscriptions.live import Live
from api.subscriptions.operations import Operations
from api.toll import Gate
from auth.routes import routes as auth_routes
from auth.scopes import Localised
from auth.server.cors import Cors, Origins
from auth.settings import AuthSettings
from auth.signing.keys import PASS, RECEIPT, KeyStore
from auth.signing.passes import Passes
from auth.signing.receipts import Receipts
from auth.smart import aliases
from auth.tokens.bearer import InvalidToken, Verifier
from domain.database import open_engine
from domain.sections import SECTIONS
from domain.values import utc_now
from notifications.seals import Seals

remove_compress_type("text/event-stream")  # events are short, and a compressor takes a megabyte for each who listens
INGEST_BYTES, GRAPHQL_BYTES, FORM_BYTES = 512 * 1024 * 1024, 1024 * 1024, 64 * 1024
GRAPHQL_PATH = "/graphql"
UNREADABLE = {
    400: ("The length of the body is no number.", "BAD_REQUEST"),
    408: ("The body took too long to arrive.", "REQUEST_TIMEOUT"),
    413: (f"The body is longer than {GRAPHQL_BYTES} bytes.", "CONTENT_TOO_LARGE"),
}
BODY_S = 30.0
add_compress_type(GRAPHQL)


@dataclass(slots=True)
class Services:
    """What the routes use; opened by the lifespan."""

    reader: RecordReader
    intake: AsyncEngine
    acting: Acting
    verifier: Verifier
    live: Live
    documents: DocumentLookup
    toll: Gate


class Late:
    """A route whose app needs services: made at start-up, asked at each request."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            raise RuntimeError("asked before the application had started")
        await self.app(scope, receive, send)


def create_app(settings: ApiSettings, auth: AuthSettings, *, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """The whole application. Nothing is opened before its lifespan starts."""
    engine = open_engine(settings.auth_dsn, pool_size=5, max_overflow=5)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    verifier = Verifier(auth, sessions)
    records = Records(settings.intake_dsn, settings.identifier_key)
    citizens = BookCitizens(sessions, demo=auth.demo_sign_in, records=records)
    receipts = Receipts(KeyStore(sessions, auth.kek, use=RECEIPT), auth.issuer)
    passes = Passes(KeyStore(sessions, auth.kek, use=PASS), auth.issuer)
    graphql, ingest, sockets = Late(), Late(), Late()
    origins, schema = Origins(sessions), create_schema()
    graphql_schema = schema._schema  # noqa: SLF001 -- no public way to the GraphQL schema

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            documents = Documents(graphql_schema, records_of(graphql_schema), introspection=settings.introspection)
            services = await open_services(stack, settings, verifier, documents, origins, fresh=auth.fresh_sign_in)
            app.state.services = services
            seals, key, alarm = Seals.of(auth.kek), settings.identifier_key, settings.emergency_alarm
            executor = Executor(schema, services.reader, services.acting, receipts, passes, key, alarm, seals)
            endpoint = Endpoint(services.documents, services.reader, executor, services.toll)
            graphql.app = Bearer(services.live.streams(endpoint), verifier, unauthenticated)
            sockets.app = services.live.websocket
            ingest.app = Bearer(rest.ingest(services.intake, services.reader, settings.identifier_key, clock), verifier)
            yield

    return Starlette(
        routes=[
            Route(GRAPHQL_PATH, graphql),
            WebSocketRoute(GRAPHQL_PATH, sockets),
            Mount("/ingest", ingest),
            *rest.operations(reader_of, settings.metrics_token),
            *roots.routes(reader_of, auth.issuer),
            *explorer.routes(settings.demo_token),
            *feeds.routes(reader_of),
            *clinic_day.routes(auth, sessions, acting_of),
            *auth_routes(auth, sessions, citizens, record_scopes(), aliases=smart_aliases()),
        ],
        middleware=[
            Middleware(Measured),
            Middleware(RequestId),
            Middleware(BodyLimit, limit_of=body_limit, refuse=unreadable, within_of=body_time),
            Middleware(Cors, origins=origins),
            Middleware(CompressMiddleware, zstd_level=1, brotli_quality=1, gzip_level=1, minimum_size=1024),
        ],
        exception_handlers={ClientDisconnect: gone, Exception: unexpected},
        lifespan=lifespan,
    )


async def open_services(
    stack: AsyncExitStack,
    settings: ApiSettings,
    verifier: Verifier,
    documents: Documents,
    origins: Origins,
    *,
    fresh: timedelta,
) -> Services:
    reader = await stack.enter_async_context(RecordReader.open(settings.web_dsn, size=settings.connections))
    intake = open_engine(settings.intake_dsn, pool_size=2, max_overflow=2)
    stack.push_async_callback(intake.dispose)
    consent = open_engine(settings.consent_dsn, pool_size=5, max_overflow=5)
    stack.push_async_callback(consent.dispose)
    ledger = await stack.enter_async_context(Ledger.open(settings.web_dsn))
    await verifier.refresh()
    toll = Gate(Budgets(ledger, reader.client_profile, settings.budgets))
    lookup = DocumentLookup(documents, await open_trusted(stack, documents, reader), AutomaticQueries(), toll)
    live = Live.open(settings.web_dsn, Operations(lookup, toll), verifier, origins, settings.seats)
    listening = await stack.enter_async_context(live)
    return Services(reader, intake, Acting(consent, fresh=fresh), verifier, listening, lookup, toll)


async def open_trusted(stack: AsyncExitStack, documents: Documents, reader: RecordReader) -> TrustedDocuments:
    """The trusted documents, planned, and looked after for as long as the application lives."""
    trusted = TrustedDocuments(documents, reader)
    await trusted.look()
    looking = asyncio.create_task(trusted.keep_looking())
    stack.push_async_callback(stopped, looking)
    return trusted


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def reader_of(request: Request) -> RecordReader:
    services: Services = request.app.state.services
    return services.reader


def acting_of(request: Request) -> Acting:
    services: Services = request.app.state.services
    return services.acting


def record_scopes() -> dict[str, Localised]:
    """The scopes of the record in the words of the consent page, from SECTIONS."""
    return {section.scope: {"vi": section.vi, "en": section.en} for section in SECTIONS}


def smart_aliases() -> dict[str, list[str]]:
    """The SMART names of the record's scopes, from SECTIONS."""
    return aliases({section.scope: section.smart for section in SECTIONS})


def body_limit(path: str) -> int:
    if path.startswith("/ingest/"):
        return INGEST_BYTES
    return GRAPHQL_BYTES if path == GRAPHQL_PATH else FORM_BYTES


def unreadable(scope: Scope, status: int) -> Response:
    """A body that is too long, or whose length is no number, told as the route's clients expect it."""
    if scope["path"] != GRAPHQL_PATH:
        return problem(scope, status)
    message, code = UNREADABLE[status]
    return refused(Request(scope), Refused([told(message, code)], status))


def unauthenticated(request: Request, why: InvalidToken) -> Response:
    """RFC 6750 3 with a body that GraphQL clients read."""
    headers = {"WWW-Authenticate": why.challenge()}
    return refused(request, Refused([told(why.description, "UNAUTHENTICATED")], why.status, headers=headers))


def body_time(path: str) -> float | None:
    """Seconds a body may take to arrive; large files from a slow line may take theirs."""
    return None if path.startswith("/ingest/") else BODY_S


async def gone(request: Request, error: Exception) -> Response:
    """Whoever asked went away before he had said all: nobody's fault, and nobody reads this."""
    del request, error
    return Response(status_code=400)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: logged under the request's id, told without words."""
    request_id = request.state.request_id
    rest.log.error("unexpected", request_id=request_id, kind=type(error).__name__)
    if request.url.path == GRAPHQL_PATH:
        headers = {**HEADERS, "X-Request-Id": request_id, "Cache-Control": "no-store"}  # answered outside all else
        return refused(request, Refused([told(MASKED, "INTERNAL", requestId=request_id)], 500, headers=headers))
    return rest.problem(500, MASKED, request_id)

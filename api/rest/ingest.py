"""POST /ingest/qd4750 and /ingest/fhir: a facility's own system sends its visits; one answer line each.

Lines are sent as the visits are stored (application/x-ndjson), so a large file needs memory for a batch only. FHIR
answers with an OperationOutcome, as its clients expect.
"""

import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from api.metrics import VISITS
from api.planner.read import RecordReader
from domain.exchange.issues import Issue
from domain.intake.fhir import LARGEST_BUNDLE
from domain.intake.fhir import submissions as fhir_submissions
from domain.intake.importing import Importer
from domain.intake.qd4750 import submissions as qd4750_submissions
from domain.intake.submissions import Outcome
from domain.values import VIETNAM

ME = "select access.me($1)"
SCOPE = "record:submit"
IN_MEMORY = 1024 * 1024
FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Ingest:
    """The two routes. A client without the scope or without a facility of its own is refused before a byte is read."""

    engine: AsyncEngine
    reader: RecordReader
    identifier_key: bytes
    clock: Callable[[], datetime]

    async def qd4750(self, request: Request) -> Response:
        sender = await self._sender(request)
        if isinstance(sender, Response):
            return sender
        spool = await _spooled(request)
        today = self.clock().astimezone(VIETNAM).date()
        lines = self._lines(sender, spool, qd4750_submissions(spool, today=today))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def fhir(self, request: Request) -> Response:
        sender = await self._sender(request)
        if isinstance(sender, Response):
            return sender
        with await _spooled(request) as spool:
            data = spool.read(LARGEST_BUNDLE + 1)
        today = self.clock().astimezone(VIETNAM).date()
        found = fhir_submissions(data, facility=sender.only_facility, today=today)
        outcomes = [outcome async for outcome in sender.take(found)]
        for outcome in outcomes:
            VISITS.labels("fhir", outcome.status).inc()
        status = 422 if outcomes and all(outcome.status == "refused" for outcome in outcomes) else 200
        return JSONResponse(operation_outcome(outcomes), status, media_type=FHIR_JSON)

    async def _sender(self, request: Request) -> Importer | Response:
        """The importer of the facility that the token stands for."""
        caller = request.state.caller
        if SCOPE not in caller.scopes:
            challenge = f'Bearer realm="healthbook", error="insufficient_scope", scope="{SCOPE}"'
            return JSONResponse({"error": "insufficient_scope"}, 403, headers={"WWW-Authenticate": challenge})
        me = await self.reader.value(ME, caller.grant_id)
        known: dict[str, Any] = orjson.loads(me) if me else {}
        if not known:
            challenge = 'Bearer realm="healthbook", error="invalid_token", error_description="The grant has ended."'
            return JSONResponse({"error": "invalid_token"}, 401, headers={"WWW-Authenticate": challenge})
        if known["organization_code"] is None:
            return JSONResponse({"error": "access_denied", "error_description": "Only a facility's client sends."}, 403)
        return Importer(
            engine=self.engine,
            secret=self.identifier_key,
            clock=self.clock,
            client_id=caller.client_id,
            only_facility=known["organization_code"],
            in_thread=True,
        )

    async def _lines(self, sender: Importer, spool: BinaryIO, found: Any) -> AsyncIterator[bytes]:
        try:
            async for outcome in sender.take(found):
                VISITS.labels("qd4750", outcome.status).inc()
                yield orjson.dumps(line(outcome)) + b"\n"
        finally:
            spool.close()


def ingest(engine: AsyncEngine, reader: RecordReader, identifier_key: bytes, clock: Callable[[], datetime]) -> Router:
    """The routes to mount at /ingest, behind the bearer door; what they raise is answered outside."""
    ways_in = Ingest(engine, reader, identifier_key, clock)
    return Router(
        routes=[
            Route("/qd4750", ways_in.qd4750, methods=["POST"]),
            Route("/fhir", ways_in.fhir, methods=["POST"]),
        ]
    )


async def _spooled(request: Request) -> BinaryIO:
    """The body in memory while small, in an unnamed file when large; bounded by the middleware."""
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 -- closed by whoever reads it
    try:
        async for chunk in request.stream():
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast("BinaryIO", spool)


def line(outcome: Outcome) -> dict[str, Any]:
    """One answer line: which visit, what became of it, and every finding with its place."""
    return {
        "position": outcome.position,
        "key": outcome.key,
        "status": outcome.status,
        "kept": list(outcome.kept),
        "issues": [issue.as_dict() for issue in outcome.issues],
    }


def operation_outcome(outcomes: list[Outcome]) -> dict[str, Any]:
    """FHIR R4 OperationOutcome: one information a part, then its findings."""
    issues: list[dict[str, Any]] = []
    for outcome in outcomes:
        severity, code = ("error", "processing") if outcome.status == "refused" else ("information", "informational")
        words = f"{outcome.status}: {outcome.key or 'bundle'}"
        if outcome.kept:
            words += f"; kept as source only: {', '.join(sorted(set(outcome.kept)))}"
        issues.append({"severity": severity, "code": code, "diagnostics": words})
        issues += [_fhir_issue(issue) for issue in outcome.issues]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _fhir_issue(issue: Issue) -> dict[str, Any]:
    """`code` is a FHIR issue-type already; the place as a FHIRPath from the bundle that was sent."""
    place = issue.table
    if issue.row is not None:
        entry = f"Bundle.entry[{issue.row - 1}]"
        place = entry if issue.table == "Bundle" else f"{entry}.resource.ofType({issue.table})"
    field = f".{issue.field}" if issue.field else ""
    words = f"{issue.table}{field} {issue.message}"
    return {"severity": issue.severity, "code": issue.code, "diagnostics": words, "expression": [f"{place}{field}"]}

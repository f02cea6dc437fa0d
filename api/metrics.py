"""What an operator can count, in Prometheus' text format at /metrics. Labels are words of ours from short lists:
never an id, a facility or anything a request says of itself, so that no series names a person and none can multiply.
"""

import hashlib
import hmac
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OTHER, EVENTS = "other", "text/event-stream"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)

REQUESTS = Histogram(
    "healthbook_http_request_seconds",
    "Time from a request's head to the last byte of its answer, by route and class of status.",
    ["route", "status"],
    buckets=BUCKETS,
)
READS = Counter(
    "healthbook_graphql_reads_total",
    "GraphQL operations by the planner's exit: 1 passes PostgreSQL's bytes on, 2 executes in Python.",
    ["exit"],
)
REFUSALS = Counter(
    "healthbook_graphql_refusals_total",
    "Operations refused before they ran: cost (one too expensive), rate (the caller's budget is spent).",
    ["reason"],
)
VISITS = Counter(
    "healthbook_ingested_total",
    "Answer lines to facilities (a visit, or a patient's part of a bundle), by format and outcome.",
    ["format", "outcome"],
)
CONNECTIONS = Gauge(
    "healthbook_record_connections",
    "Connections of this process that read records: in use, and open in all.",
    ["state"],
)
EMERGENCIES = Counter(
    "healthbook_emergencies_total",
    "Emergencies that clinicians asked for: opened, again (the same hour), opted_out, new_reason_needed, widened.",
    ["outcome"],
)
EMERGENCY_ALARMS = Counter(
    "healthbook_emergency_alarms_total",
    "Emergencies beyond the usual number a day, of one practitioner or one organization.",
    ["over"],
)

LOOKUPS = Counter(
    "healthbook_patient_lookups_total",
    "Look-ups of patients by facilities and clinicians: found, not_found, too_many_tries.",
    ["outcome"],
)
LOOKUP_ALARMS = Counter(
    "healthbook_patient_lookup_alarms_total",
    "Times that one client or one practitioner missed with so many look-ups an hour as to be worth a look.",
    ["over"],
)


class Measured:
    """Counts and times every HTTP request. A fault that leaves the application is what its client gets: a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes: frozenset[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        route, status, started, is_stream = self._route(scope), 500, perf_counter(), False

        async def note(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = Headers(raw=message.get("headers", [])).get("content-type", "").startswith(EVENTS)
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            if not is_stream:  # it lasts as long as somebody listens
                _requests(route, status // 100).observe(perf_counter() - started)

    def _route(self, scope: Scope) -> str:
        """The path where it is one of the application's, the mount it lies under, or `other`."""
        if self._routes is None:
            self._routes = fixed_paths(scope["app"].routes)
        path: str = scope["path"]
        if path in self._routes:
            return path
        mount = path[: path.find("/", 1) + 1]
        return mount if mount in self._routes else OTHER


@cache
def _requests(route: str, status_class: int) -> Histogram:
    """The series of a route and a class of status; finding one anew costs more than counting in it."""
    return REQUESTS.labels(route, f"{status_class}xx")


def fixed_paths(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """The paths that an application answers; a mount's ends with a slash and stands for all below it."""
    plain = {route.path for route in routes if isinstance(route, Route)}
    return frozenset(plain | {f"{route.path}/" for route in routes if isinstance(route, Mount)})


def refusal(request: Request, token: str | None) -> Response | None:
    """None where the request may see the numbers: with the operator's token, without one from this machine only.

    A proxy on this machine speaks for others, so what it forwards is not from this machine.
    """
    if token is not None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_hash(given), _hash(token)):
            return None
        return _refused(401, {"WWW-Authenticate": 'Bearer realm="metrics"'})
    is_forwarded = any(name in request.headers for name in FORWARDED)
    return None if _is_loopback(request) and not is_forwarded else _refused(403)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.strip().encode()).digest()


def _is_loopback(request: Request) -> bool:
    try:
        return ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _refused(status: int, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": "The numbers are for the operator of this server.", "status": status}
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)

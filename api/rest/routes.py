"""Plain HTTP beside GraphQL: ways in for facilities, and what operators watch. Described in openapi/openapi.yaml."""

import structlog
from starlette.responses import JSONResponse

from api.middleware import HEADERS
from api.rest.ingest import ingest
from api.rest.operations import operations

log = structlog.get_logger("healthbook.http")


def problem(status: int, title: str, request_id: str) -> JSONResponse:
    """RFC 9457 problem details; the id leads to the log. Complete in itself: a fault is answered outside all else."""
    body = {"type": "about:blank", "title": title, "status": status, "instance": f"urn:uuid:{request_id}"}
    headers = {**HEADERS, "X-Request-Id": request_id, "Cache-Control": "no-store"}
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)


__all__ = ["ingest", "log", "operations", "problem"]

"""What the operator of a server watches, and what everybody may verify of it. None of it tells of a person."""

from typing import Any

from api.rest.description.answers import HEADERS_OF_ALL, PROBLEM, answer, response

PUBLIC: list[Any] = []
METRICS = """# HELP healthbook_http_request_seconds Time from a request's head to the last byte of its answer.
# TYPE healthbook_http_request_seconds histogram
healthbook_http_request_seconds_count{route="/graphql",status="2xx"} 1204.0
"""

ISSUER = "https://book.example.vn"
ROOT = {"day": "2026-11-20", "seal": 1440, "hash": "9f" * 32, "signed": "eyJhbGciOiJFUzI1NiJ9.eyJkYXkiOiIifQ.c2ln"}
ROOTS = {"issuer": ISSUER, "keys": f"{ISSUER}/oauth/receipt-jwks", "roots": [ROOT], "next": None}


def refused(description: str, status: int, title: str) -> dict[str, Any]:
    return answer(description, "Problem", {"type": "about:blank", "title": title, "status": status}, PROBLEM)


PATHS: dict[str, Any] = {
    "/livez": {
        "get": {
            "operationId": "livez",
            "summary": "Whether the process answers",
            "description": "Asks nothing of the database. Restart the process where this fails.",
            "tags": ["operators"],
            "security": PUBLIC,
            "responses": {"200": answer("It does.", "Alive", {"status": "alive"})},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "Whether requests should be sent here",
            "description": "Asks the database, and compares its schema with the one that this version needs.",
            "tags": ["operators"],
            "security": PUBLIC,
            "responses": {
                "200": answer("The database answers and is migrated.", "Ready", {"status": "ready", "schema": "0004"}),
                "503": answer(
                    "The database does not answer, or its schema is not the one this version needs.",
                    "Unready",
                    {"status": "unready", "reason": "the schema is not migrated"},
                ),
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "Counters and times of this process",
            "description": (
                "Requests by route and class of status, planner exits, answer lines by format and outcome, "
                "connections in use. Labels come from short lists; no id and no facility is among them. "
                "For the operator: with the bearer token of HEALTHBOOK_METRICS_TOKEN, without one on the server itself."
            ),
            "tags": ["operators"],
            "security": PUBLIC,
            "responses": {
                "200": {
                    "description": "Prometheus' text format.",
                    "headers": HEADERS_OF_ALL,
                    "content": {
                        "text/plain": {
                            "schema": {"type": "string", "description": "One sample a line."},
                            "example": METRICS,
                        }
                    },
                },
                "401": refused("Not the operator's token.", 401, "The numbers are for the operator of this server."),
                "403": refused("Asked from elsewhere.", 403, "The numbers are for the operator of this server."),
                "500": response("Unexpected"),
            },
        }
    },
    "/audit/roots": {
        "get": {
            "operationId": "auditRoots",
            "summary": "The signed ends of days of the access log",
            "description": (
                "The log of who read whose book is sealed in a chain of hashes; the last seal of each day is signed, "
                "and published here. Whoever keeps a copy can prove that the log was not rewritten. A year a page."
            ),
            "tags": ["operators"],
            "security": PUBLIC,
            "parameters": [
                {
                    "name": "after",
                    "in": "query",
                    "description": "Only days after this one.",
                    "schema": {"type": "string", "format": "date"},
                }
            ],
            "responses": {
                "200": answer("A year of days.", "DayRoots", ROOTS),
                "400": refused("`after` is no day.", 400, "`after` is one day, YYYY-MM-DD."),
            },
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "This document",
            "description": "The description of the version that runs.",
            "tags": ["operators"],
            "security": PUBLIC,
            "responses": {"200": answer("OpenAPI 3.1.", "OpenApiDocument", {"openapi": "3.1.0"})},
        }
    },
}

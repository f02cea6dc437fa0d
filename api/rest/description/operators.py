"""What the operator of a server watches. None of it needs a token, and none of it tells of a person."""

from typing import Any

from api.rest.description.answers import HEADERS_OF_ALL, answer, response

PUBLIC: list[Any] = []
METRICS = """# HELP healthbook_http_request_seconds Time from a request's head to the last byte of its answer.
# TYPE healthbook_http_request_seconds histogram
healthbook_http_request_seconds_count{route="/graphql",status="2xx"} 1204.0
"""

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
                "connections in use. Labels come from short lists; no id and no facility is among them."
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
                "500": response("Unexpected"),
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

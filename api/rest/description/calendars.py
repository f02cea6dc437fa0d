"""The private calendar address, for calendar programs (RFC 5545)."""

from typing import Any

from api.rest.description.answers import HEADERS_OF_ALL

TEXT = {"type": "string"}
ETAG = {"ETag": {"description": "Equal for equal contents (RFC 9110 8.8.3).", "schema": TEXT}}
NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The secret that `createCalendarFeed` told once, and `.ics`.",
    "schema": TEXT,
}
MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the last answer (RFC 9110 13.1.2).",
    "schema": TEXT,
}

PATHS: dict[str, Any] = {
    "/calendar/{name}": {
        "get": {
            "operationId": "calendar",
            "summary": "A patient's appointments as iCalendar",
            "description": (
                "When appointments are, and where only if their owner wished it; never what for. Whoever knows the "
                "address reads it, until it is revoked or its maker may no longer act for the patient."
            ),
            "tags": ["calendars"],
            "security": [],
            "parameters": [NAME, MATCH],
            "responses": {
                "200": {
                    "description": "The calendar.",
                    "headers": HEADERS_OF_ALL | ETAG,
                    "content": {"text/calendar": {"schema": TEXT}},
                },
                "304": {"description": "Nothing has changed.", "headers": HEADERS_OF_ALL | ETAG},
                "404": {
                    "description": "There is no such address, or it works no longer.",
                    "headers": HEADERS_OF_ALL,
                    "content": {"text/plain": {"schema": TEXT}},
                },
            },
        }
    }
}

"""OpenAPI 3.1 of the plain HTTP endpoints, for people who connect a hospital's system or watch a server.

GraphQL describes itself (openapi/schema.graphql). Pages that a citizen sees in a browser are no interface and are
left out. Served at /openapi.json, committed as openapi/openapi.yaml.
"""

from importlib.metadata import version
from typing import Any

from api.rest.description import calendars, ingest, oauth, operators, registration
from api.rest.description.answers import HEADERS, RESPONSES
from api.rest.description.schemas import SCHEMAS
from auth.scopes import OWN
from domain.sections import SECTIONS

__all__ = ["openapi_document"]

ABOUT = """The plain HTTP side of a citizen's health book: ways in for facilities, what operators watch, and
the endpoints of its OAuth 2 server that programs call. Records are read through GraphQL at `/graphql`;
its schema is committed beside this file as `schema.graphql`.

A facility's system gets a token by `client_credentials` with the scope `record:submit` and sends its
visits. Every visit gets an answer of its own; a bad one never stops the good ones beside it.

Every answer carries `X-Request-Id`. Quote it when you ask us about a request: it leads to the log, and
the log holds nothing of a person's record.
"""
TAGS = [
    {"name": "ingest", "description": "A facility sends what it already exports."},
    {"name": "operators", "description": "Whether the server is well, and how busy it is."},
    {"name": "calendars", "description": "What a calendar program reads."},
    {"name": "oauth", "description": "The endpoints of the authorization server that programs call."},
]


def openapi_document() -> dict[str, Any]:
    """The whole document; nothing in it depends on where a server runs."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "healthbook",
            "version": version("healthbook"),
            "summary": "A citizen's electronic health book (Sổ sức khỏe điện tử)",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that serves this document."}],
        "tags": TAGS,
        "paths": ingest.PATHS | operators.PATHS | oauth.PATHS | registration.PATHS | calendars.PATHS,
        "components": {
            "schemas": SCHEMAS,
            "responses": RESPONSES,
            "headers": HEADERS,
            "securitySchemes": security_schemes(),
        },
    }


def security_schemes() -> dict[str, Any]:
    """How a caller proves who he is: with a token for everything, with a client's own means at the token endpoint."""
    submit = {"record:submit": OWN["record:submit"]["en"]}
    own = {name: words["en"] for name, words in OWN.items() if name not in submit}
    record = {section.scope: f"Read: {section.en}" for section in SECTIONS}
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "A JWT access token of five minutes (RFC 9068) in the Authorization header (RFC 6750).",
            "flows": {
                "clientCredentials": {"tokenUrl": oauth.TOKEN, "scopes": submit},
                "authorizationCode": {
                    "authorizationUrl": oauth.AUTHORIZE,
                    "tokenUrl": oauth.TOKEN,
                    "refreshUrl": oauth.TOKEN,
                    "scopes": own | record,
                },
            },
        },
        "registration": {
            "type": "http",
            "scheme": "bearer",
            "description": "A registration token of the operator, then the one that the registration answered with.",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "client_id and client_secret (RFC 6749 2.3.1), or an assertion in the form (RFC 7523).",
        },
    }

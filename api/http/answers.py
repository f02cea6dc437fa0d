"""A GraphQL response as an HTTP response: body, media type and status."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from api.http.etags import HEADERS
from api.http.media import GRAPHQL, JSON
from api.http.refusals import Refused

CONTENT_TYPES = {GRAPHQL: f"{GRAPHQL}; charset=utf-8", JSON: f"{JSON}; charset=utf-8"}


def planned_body(key: str, data: bytes | None, errors: list[Any], extensions: Mapping[str, Any] | None) -> bytes:
    """The body around what PostgreSQL wrote, untouched. Keys of an operation are GraphQL names: themselves in JSON."""
    told = b',"errors":' + orjson.dumps(errors) if errors else b""
    more = b',"extensions":' + orjson.dumps(extensions) if extensions else b""
    return b'{"data":{"%b":%b}%b%b}' % (key.encode(), data or b"null", told, more)


def answered(body: bytes, media: str, headers: Mapping[str, str]) -> Response:
    """An operation that was executed: 200, whatever became of its fields."""
    return Response(body, headers={**headers, "Content-Type": CONTENT_TYPES[media]})


def tagged(response: Response, etag: str) -> Response:
    """The client may keep this answer and ask for it again by its tag."""
    response.headers.update(HEADERS | {"ETag": etag})
    return response


def not_modified(etag: str, headers: Mapping[str, str]) -> Response:
    return Response(status_code=304, headers={**headers, **HEADERS, "ETag": etag})


def refused(refusal: Refused, media: str) -> Response:
    """A request that was not executed: errors without `data` (GraphQL spec 7.1)."""
    status = refusal.json_status if media == JSON else refusal.status
    body = orjson.dumps({"errors": refusal.errors})
    return Response(body, status, headers={**refusal.headers, "Content-Type": CONTENT_TYPES[media]})

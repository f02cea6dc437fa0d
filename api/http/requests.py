"""A GraphQL-over-HTTP request out of an HTTP request: GET and HEAD by address, POST by JSON. Refused says why not.

Nothing of the parameters is understood here, only that each is of the type that the specification gives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import orjson
from starlette.requests import Request

from api.http.media import JSON, UTF_8, parameter
from api.http.refusals import Refused, malformed, method_not_allowed, request_errors, told, wrong_parameter
from api.limits.variables import wrong_values, wrong_variables

LONGEST_QUERY = 32 * 1024  # bytes of an address behind its `?`
LONGEST_NAME = 255
MOST_PARAMETERS = 20
DECODED = 200  # documents of addresses, each at most as long as an address
PARAMETERS = ("query", "documentId", "operationName", "variables", "extensions")
SAFE = frozenset({"GET", "HEAD"})
ALLOW = "GET, HEAD, POST"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """Either `query` or `document_id`, or neither where `extensions` name a persisted query. `is_safe`: GET or HEAD."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    is_safe: bool = False


async def read_request(request: Request) -> GraphQLRequest:
    if request.method in SAFE:
        return bounded(checked(_by_address(request), is_safe=True))
    if request.method != "POST":
        raise method_not_allowed("GraphQL is asked by GET, HEAD and POST.", ALLOW)
    is_json(request)
    return bounded(checked(parsed(await request.body())))


def _by_address(request: Request) -> dict[str, Any]:
    """The parameters of the address. An empty operationName is none; variables and extensions are JSON in text."""
    if request.headers.get("transfer-encoding") or request.headers.get("content-length", "0") != "0":
        raise malformed("A GET request has no body.")
    given = _pairs(request.scope["query_string"])
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name], wrong_parameter(name, "must be JSON"))
    if not given.get("operationName"):
        given.pop("operationName", None)
    return given


def _pairs(address: bytes) -> dict[str, Any]:
    if len(address) > LONGEST_QUERY:
        message = f"The address is longer than {LONGEST_QUERY} bytes; use POST."
        raise Refused([told(message, "URI_TOO_LONG")], 414)
    wrong = malformed("The address is not a list of GraphQL parameters in UTF-8.")
    if address.count(b"&") >= MOST_PARAMETERS:
        raise wrong
    try:
        pairs = [_pair(one) for one in address.decode("ascii").split("&") if one]
    except ValueError:  # no ASCII, or no UTF-8 behind its percents
        raise wrong from None
    for name in PARAMETERS:
        if sum(one == name for one, _ in pairs) > 1:
            raise wrong_parameter(name, "is given more than once")
    return dict(pairs)


def _pair(text: str) -> tuple[str, str]:
    """Name and value, as forms are encoded (WHATWG URL 5.1)."""
    name, _, value = text.partition("=")
    if name == "query":
        return name, _document(value)
    return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")


@lru_cache(maxsize=DECODED)
def _document(encoded: str) -> str:
    """The text of a document, whose percents are many and the same each time it is asked."""
    return unquote_plus(encoded, errors="strict")


def is_json(request: Request) -> None:
    """RFC 9110 8.3, 8.4 and 15.5.16: JSON in UTF-8, and not compressed."""
    media, *parameters = request.headers.get("content-type", "").split(";")
    charset = dict(parameter(one) for one in parameters).get("charset", "utf-8")
    if media.strip().lower() != JSON or charset not in UTF_8:
        message = "The body must be application/json in UTF-8."
        raise Refused([told(message, "UNSUPPORTED_MEDIA_TYPE")], 415, headers={"Accept-Post": JSON})
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        message = "The body must not be compressed."
        raise Refused([told(message, "UNSUPPORTED_MEDIA_TYPE")], 415, headers={"Accept-Encoding": "identity"})


def parsed(raw: bytes) -> object:
    given = _json(raw, malformed("The body is not JSON."))
    if isinstance(given, list):
        raise malformed("Batches of requests are not answered; send each for itself.")
    return given


def _json(text: str | bytes, wrong: Refused) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # nested past its limit too
        raise wrong from None


def checked(given: object, *, is_safe: bool = False) -> GraphQLRequest:
    """The parameters, however they came (GraphQL over HTTP 5.1; both protocols of subscriptions send the same)."""
    if not isinstance(given, dict):
        raise malformed("A request is a JSON object.")
    query, document_id = _text(given, "query"), _text(given, "documentId")
    variables, extensions = _object(given, "variables"), _object(given, "extensions")
    if query is not None and document_id is not None:
        raise wrong_parameter("documentId", "cannot be given beside `query`")
    if query is None and document_id is None and extensions.get("persistedQuery") is None:
        raise wrong_parameter("query", "is missing")
    name = _text(given, "operationName")
    if name is not None and len(name) > LONGEST_NAME:
        raise wrong_parameter("operationName", f"is longer than {LONGEST_NAME} characters")
    return GraphQLRequest(query, document_id, name, variables, extensions, is_safe)


def bounded(request: GraphQLRequest) -> GraphQLRequest:
    """The same, if neither variables nor extensions are too large or hold what no text is."""
    if wrong := wrong_variables(request.variables) or wrong_values("extensions", request.extensions):
        raise request_errors([wrong])
    return request


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_parameter(name, "must be a string")
    return value


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_parameter(name, "must be an object")
    return value

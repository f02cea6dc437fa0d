"""A request that is not executed, as an exception: what its client is told, and with which status.

A request that is no GraphQL-over-HTTP request has one status whatever the media type. One that is well-formed, but asks
for what cannot be (syntax, validation, variables), is a GraphQL request error: 400 in application/graphql-response+json
and 200 in application/json, whose clients cannot trust any other status (GraphQL over HTTP, "Status Codes").
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

INVALID = "INVALID"
PARSE_FAILED, VALIDATION_FAILED = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
DEAD = 'Bearer realm="healthbook", error="invalid_token", error_description="The grant has ended."'


class Refused(Exception):
    """`errors` are those of a GraphQL response. `json_status` is the status in application/json.

    `prefers_json`: told in application/json where the client takes it, because that is what its kind looks at.
    """

    def __init__(
        self,
        errors: list[dict[str, Any]],
        status: int = 400,
        *,
        headers: Mapping[str, str] | None = None,
        json_status: int | None = None,
        prefers_json: bool = False,
    ) -> None:
        super().__init__(errors[0]["message"])
        self.errors, self.status, self.headers = errors, status, dict(headers or {})
        self.json_status = status if json_status is None else json_status
        self.prefers_json = prefers_json


def told(message: str, code: str, **extensions: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, **extensions}}


def malformed(message: str, code: str = "BAD_REQUEST", **extensions: Any) -> Refused:
    """No GraphQL-over-HTTP request: 400."""
    return Refused([told(message, code, **extensions)])


def wrong_parameter(name: str, rule: str) -> Refused:
    """A parameter of the request is of another type than the specification gives it: 400."""
    return malformed(f"`{name}` {rule}.", INVALID, parameter=name)


def request_error(message: str, code: str, *, status: int = 400, **extensions: Any) -> Refused:
    """A well-formed request that is not executed."""
    return Refused([told(message, code, **extensions)], status, json_status=200)


def request_errors(errors: Iterable[GraphQLError], code: str | None = None) -> Refused:
    """The same for errors of graphql-core, which get a code where they have none."""
    return Refused([_formatted(error, code) for error in errors], json_status=200)


def _formatted(error: GraphQLError, code: str | None) -> dict[str, Any]:
    own = PARSE_FAILED if isinstance(error, GraphQLSyntaxError) else VALIDATION_FAILED
    return {**error.formatted, "extensions": {"code": code or own, **(error.extensions or {})}}


def method_not_allowed(message: str, allow: str) -> Refused:
    return Refused([told(message, "METHOD_NOT_ALLOWED")], 405, headers={"Allow": allow})


def dead_grant() -> Refused:
    """The JWT holds, but what it names has ended (RFC 6750 3.1)."""
    return Refused([told("The grant has ended.", "UNAUTHENTICATED")], 401, headers={"WWW-Authenticate": DEAD})

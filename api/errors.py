"""The domain's errors as GraphQL errors, once. Anything unknown is masked and logged under the request's id."""

from typing import Any

import structlog
from graphql import GraphQLError

from api.planner.plan import Plan
from api.planner.read import Answer
from api.planner.sql import Gate
from domain.errors import (
    ConsentRequired,
    HealthbookError,
    InsufficientScope,
    Invalid,
    NotFound,
    RateLimited,
    StepUpRequired,
    TooExpensive,
)
from domain.sections import SECTIONS

log = structlog.get_logger("healthbook.api")

MASKED = "Unexpected error."
SCOPES = {section.name: section.scope for section in SECTIONS}


def graphql_error(error: HealthbookError) -> GraphQLError:
    """One of ours, with its stable code; the message names no person and no clinical word."""
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, Invalid):
        extensions["argument"] = error.field
    if isinstance(error, InsufficientScope):
        extensions["scope"] = error.scope
    if isinstance(error, StepUpRequired):
        extensions |= {"acrValues": error.acr, "maxAge": error.max_age}
    if isinstance(error, TooExpensive):
        extensions |= {"cost": error.cost, "allowed": error.allowed}
    if isinstance(error, RateLimited):
        extensions["retryAfter"] = error.retry_after_s
    return GraphQLError(str(error), extensions=extensions)


def refusal(section: str, scopes: frozenset[str]) -> HealthbookError:
    """Why a section stayed shut: the token does not reach it, or nobody allowed it."""
    scope = SCOPES[section]
    if scope not in scopes:
        return InsufficientScope(scope)
    return ConsentRequired("The citizen has not opened this section to this reader.")


def not_found() -> HealthbookError:
    return NotFound("There is no such record, or it is not open to this reader.")


def located(error: HealthbookError, plan: Plan, path: list[str], gate: Gate | None = None) -> dict[str, Any]:
    """The error of a planned field as the response shows it."""
    made = graphql_error(error)
    return {
        "message": made.message,
        "locations": [plan.location(gate)],
        "path": path,
        "extensions": made.extensions,
    }


def refused_gates(plan: Plan, answer: Answer) -> list[Gate]:
    return [gate for gate in plan.gates if not answer.opens(gate.section)]


def _coded(error: GraphQLError) -> GraphQLError:
    """GraphQL's own errors of a field are about its arguments."""
    if error.extensions:
        return error
    extensions = {"code": "INVALID"}
    return GraphQLError(error.message, error.nodes, error.source, error.positions, error.path, extensions=extensions)


def masked(error: GraphQLError, request_id: str) -> GraphQLError:
    """What a client may see of an error: GraphQL's own and ours as they are, everything else without words."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError):
        return _coded(error)
    if isinstance(original, HealthbookError):
        extensions = graphql_error(original).extensions
        return GraphQLError(str(original), error.nodes, error.source, error.positions, error.path, original, extensions)
    log.error("unexpected", request_id=request_id, kind=type(original).__name__, exc_info=original)
    return GraphQLError(MASKED, error.nodes, path=error.path, extensions={"code": "INTERNAL", "requestId": request_id})

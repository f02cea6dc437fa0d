"""A GraphQL subscription from its text to its results, the same for every way they travel."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLError, OperationType, subscribe

from api.errors import graphql_error, masked
from api.http.refusals import Refused
from api.http.toll import Toll
from api.limits.variables import wrong_variables
from api.planner.documents import Document, Documents
from api.subscriptions.fields import LiveContext
from domain.errors import HealthbookError, Invalid

log = structlog.get_logger("healthbook.live")


class Rejected(Exception):
    """Not a subscription that can begin. `errors` are GraphQL's, as a client may see them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("rejected")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Request:
    """The parameters of GraphQL over HTTP 5.1, which both protocols send."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    @classmethod
    def of(cls, body: object) -> "Request":
        """Invalid where it is no such object; members that are not known are left alone."""
        told = body if isinstance(body, dict) else {}
        query, variables, name = told.get("query"), told.get("variables"), told.get("operationName")
        if not isinstance(query, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise Invalid("query", "This is not a GraphQL request.")
        return cls(query, variables, name)


class Operations:
    """Runs subscriptions, and nothing but subscriptions. What they ask for is read, bounded and paid as a query is."""

    def __init__(self, documents: Documents, toll: Toll) -> None:
        self._documents, self._toll = documents, toll

    async def results(self, request: Request, context: LiveContext) -> AsyncGenerator[dict[str, Any], None]:
        """JSON objects, until the client leaves. Rejected before the first; a HealthbookError says why it ends."""
        document = await self._paid(request, context)
        source = subscribe(
            document.schema,
            document.node,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=True,
        )
        begun = await source if isawaitable(source) else source
        if isinstance(begun, ExecutionResult):
            raise _ended(begun, context)
        async with aclosing(_closable(begun)) as results:
            async for result in results:
                yield _shown(result, context)

    async def _paid(self, request: Request, context: LiveContext) -> Document:
        if wrong := wrong_variables(request.variables or {}):
            raise _rejected([wrong])
        try:
            if not self._documents.knows(request.query, request.operation_name):
                await self._toll.read(context.caller, request.query)
            document = self._document(request)
            variables = document.variables(request.variables)
            if isinstance(variables, list):
                raise _rejected(variables)
            await self._toll.enter(context.caller, document, variables)
        except Refused as refused:
            raise Rejected(refused.errors) from None
        return document

    def _document(self, request: Request) -> Document:
        document = self._documents.get(request.query, request.operation_name)
        if isinstance(document, list):
            raise _rejected(document)
        if document is None:
            raise Rejected([_error("Which of the operations is meant is not clear.")])
        if document.operation.operation is not OperationType.SUBSCRIPTION:
            raise Rejected([_error("Only subscriptions come this way; queries and mutations are sent by POST.")])
        return document


def _rejected(errors: list[GraphQLError]) -> Rejected:
    return Rejected([dict(error.formatted) for error in errors])


async def _closable(results: AsyncIterator[ExecutionResult]) -> AsyncGenerator[ExecutionResult, None]:
    """The same, closed when this is closed."""
    try:
        async for result in results:
            yield result
    finally:
        close = getattr(results, "aclose", None)
        if close is not None:
            await close()


def _shown(result: ExecutionResult, context: LiveContext) -> dict[str, Any]:
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [masked(error, str(context.request_id)).formatted for error in result.errors]
    return shown


def _ended(result: ExecutionResult, context: LiveContext) -> Exception:
    """One of ours is raised as itself, so that whoever carries it knows what it means."""
    for error in result.errors or ():
        if isinstance(error.original_error, HealthbookError):
            return error.original_error
    return Rejected(_shown(result, context)["errors"])


def _error(message: str) -> dict[str, Any]:
    return dict(GraphQLError(message, extensions={"code": "NOT_A_SUBSCRIPTION"}).formatted)


def error_of(failure: BaseException, request_id: object) -> list[dict[str, Any]]:
    """Why a subscription ended, as GraphQL errors; of a fault of ours no words, and a line in the log."""
    if isinstance(failure, Rejected):
        return failure.errors
    if isinstance(failure, HealthbookError):
        return [dict(graphql_error(failure).formatted)]
    log.error("unexpected", request_id=str(request_id), kind=type(failure).__name__, exc_info=failure)
    return [dict(GraphQLError("Unexpected error.", extensions={"code": "INTERNAL"}).formatted)]

"""A GraphQL subscription from its text to its results, the same for every way they travel."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from inspect import isawaitable
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLError, OperationType, subscribe

from api.documents.lookup import DocumentLookup
from api.errors import graphql_error, masked
from api.http.refusals import INVALID, Refused, request_error, request_errors
from api.http.requests import GraphQLRequest, bounded
from api.http.toll import Toll
from api.planner.documents import Document
from api.subscriptions.fields import LiveContext
from domain.errors import HealthbookError

log = structlog.get_logger("healthbook.live")


class Operations:
    """Runs subscriptions, and nothing but subscriptions. They are looked up, bounded and paid as queries are."""

    def __init__(self, documents: DocumentLookup, toll: Toll) -> None:
        self._documents, self._toll = documents, toll

    async def results(self, request: GraphQLRequest, context: LiveContext) -> AsyncGenerator[dict[str, Any], None]:
        """JSON objects, until the client leaves. Refused before the first; a HealthbookError says why it ends."""
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

    async def _paid(self, request: GraphQLRequest, context: LiveContext) -> Document:
        document = await self._documents.find(bounded(request), context.caller)
        if document.operation.operation is not OperationType.SUBSCRIPTION:
            message = "Only subscriptions come this way; queries and mutations are sent by POST."
            raise request_error(message, "NOT_A_SUBSCRIPTION")
        variables = document.variables(request.variables)
        if isinstance(variables, list):
            raise request_errors(variables, INVALID)
        await self._toll.enter(context.caller, document, variables)
        return document


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
    return Refused(_shown(result, context)["errors"])


def error_of(failure: BaseException, request_id: object) -> list[dict[str, Any]]:
    """Why a subscription ended, as GraphQL errors; of a fault of ours no words, and a line in the log."""
    if isinstance(failure, Refused):
        return failure.errors
    if isinstance(failure, HealthbookError):
        return [dict(graphql_error(failure).formatted)]
    log.error("unexpected", request_id=str(request_id), kind=type(failure).__name__, exc_info=failure)
    return [dict(GraphQLError("Unexpected error.", extensions={"code": "INTERNAL"}).formatted)]

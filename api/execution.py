"""Exit 2: what PostgreSQL cannot write whole, graphql-core executes, over documents parsed and validated before."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, execute
from starlette.datastructures import State

from api.acting import Acting
from api.context import Context
from api.errors import masked
from api.http.refusals import dead_grant
from api.http.requests import GraphQLRequest
from api.planner.documents import Document
from api.planner.read import RecordReader
from auth.signing.passes import Passes
from auth.signing.receipts import Receipts
from domain.emergency_reviews import Alarm
from notifications.seals import Seals

ME = "select access.me($1)"


@dataclass(frozen=True, slots=True)
class Executor:
    """What resolvers of one process have in common."""

    schema: strawberry.Schema
    reader: RecordReader
    acting: Acting
    receipts: Receipts
    passes: Passes
    identifier_key: bytes
    alarm: Alarm
    seals: Seals

    async def run(
        self, document: Document, asked: GraphQLRequest, state: State, extensions: Mapping[str, Any] | None
    ) -> bytes:
        """The response. A dead grant is refused first, whatever is asked."""
        me = await self.reader.value(ME, state.caller.grant_id)
        if me is None:
            raise dead_grant()
        context = await self._context(state, orjson.loads(me))
        result = await self._execute(document, asked, context)
        errors = [masked(error, state.request_id).formatted for error in result.errors or ()]
        body = {"data": result.data} | ({"errors": errors} if errors else {})
        return orjson.dumps(body | ({"extensions": extensions} if extensions else {}))

    async def _context(self, state: State, me: dict[str, Any]) -> Context:
        return Context(
            caller=state.caller,
            reader=self.reader,
            acting=self.acting,
            sign=await self.receipts.signer(),
            passes=self.passes,
            identifier_key=self.identifier_key,
            request_id=state.request_id,
            alarm=self.alarm,
            seals=self.seals,
            me=me,
        )

    async def _execute(self, document: Document, asked: GraphQLRequest, context: Context) -> ExecutionResult:
        """As `strawberry.Schema.execute` does after it has parsed and validated, which is done once a document here."""
        result = execute(
            document.schema,
            document.node,
            context_value=context,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            executor_class=self.schema.execution_context_class,
            hide_suggestions=True,
            operation_extensions=asked.extensions,
        )
        return await result if isawaitable(result) else result

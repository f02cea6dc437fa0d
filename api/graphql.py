"""The GraphQL endpoint: Strawberry's view with the planner's exit 1 in front of its executor.

A bearer token and nothing else opens it (RFC 6750); a dead grant is a 401 even where the JWT still holds.
"""

from typing import Any
from uuid import UUID

import orjson
import strawberry
from graphql.execution.values import VariableValues
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types.execution import ExecutionResult

from api.acting import Acting
from api.context import Context
from api.errors import located, masked, not_found, refusal, refused_gates
from api.metrics import READS
from api.planner.documents import Document, Documents
from api.planner.plan import Plan
from api.planner.read import RecordReader
from api.schema import records_of
from auth.receipts import Receipts
from domain.emergency_reviews import Alarm
from domain.errors import HealthbookError

ME = "select access.me($1)"
JSON = "application/json"
DEAD = 'Bearer realm="healthbook", error="invalid_token", error_description="The grant has ended."'


class Endpoint(GraphQL[Context, None]):
    """`/graphql`. POST application/json; the caller was put on the request by `api.bearer`."""

    def __init__(
        self,
        schema: strawberry.Schema,
        reader: RecordReader,
        acting: Acting,
        receipts: Receipts,
        identifier_key: bytes,
        alarm: Alarm,
    ) -> None:
        super().__init__(schema, graphql_ide=None, allow_queries_via_get=False)
        self.reader, self.acting, self.receipts = reader, acting, receipts
        self._identifier_key, self._alarm = identifier_key, alarm
        graphql_schema = schema._schema  # noqa: SLF001 -- no public way to the GraphQL schema
        self.documents = Documents(graphql_schema, records_of(graphql_schema))

    async def get_context(self, request: Any, response: Any) -> Context:
        del response
        caller, request_id = request.state.caller, request.state.request_id
        return Context(
            caller=caller,
            reader=self.reader,
            acting=self.acting,
            sign=await self.receipts.signer(),
            identifier_key=self._identifier_key,
            request_id=request_id,
            alarm=self._alarm,
        )

    async def get_root_value(self, request: Any) -> None:
        del request

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    async def parse_http_body(self, request: Any) -> Any:
        """JSON that is no object, or no JSON at all, is the client's mistake."""
        try:
            return await super().parse_http_body(request)
        except (AttributeError, TypeError, UnicodeDecodeError, RecursionError):
            raise HTTPException(400, "The body is not a GraphQL request.") from None

    async def run(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Exit 1 where the whole answer is PostgreSQL's, else exit 2, which reads the same body again."""
        if request.method == "POST" and request.headers.get("content-type", "").startswith(JSON):
            planned = self._planned(await request.body())
            if planned is not None:
                READS.labels("1").inc()
                return Response(await self._exit_1(*planned, request), media_type=JSON)
        READS.labels("2").inc()
        return await super().run(request, *args, **kwargs)

    def _planned(self, body: bytes) -> tuple[Plan, VariableValues] | None:
        """The plan of a body that PostgreSQL can answer whole; what is wrong with another is for exit 2 to tell."""
        try:
            asked = orjson.loads(body)
            document = self.documents.get(asked["query"], asked.get("operationName"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None
        given = asked.get("variables")
        if not isinstance(document, Document) or not isinstance(given, dict | None):
            return None
        variables = document.variables(given)
        if isinstance(variables, list):
            return None
        try:
            plan = document.plan(variables)
        except HealthbookError:
            return None
        return (plan, variables) if plan else None

    async def _exit_1(self, plan: Plan, variables: VariableValues, request: Request) -> bytes:
        """The response: what PostgreSQL wrote under the root's key, and an error for each section refused."""
        key, caller = plan.root.key, request.state.caller
        try:
            answer = await self.reader.read(caller.grant_id, plan, variables, UUID(request.state.request_id))
        except HealthbookError as error:
            return _response(key, None, [located(error, plan, [key])])
        if answer.outcome == "DEAD":
            raise dead_grant()
        if answer.data is None:
            return _response(key, None, [located(not_found(), plan, [key])])
        errors = [
            located(refusal(gate.section, caller.scopes), plan, [key, *gate.path], gate)
            for gate in refused_gates(plan, answer)
        ]
        return _response(key, answer.data, errors)

    async def execute_single(
        self,
        request: Request,
        request_adapter: Any,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> Any:
        """Exit 2: a living grant and a document within the limits, then graphql-core."""
        me = await context.reader.value(ME, context.caller.grant_id)
        if me is None:
            raise dead_grant()
        query = request_data.query
        document = self.documents.get(query, request_data.operation_name) if isinstance(query, str) else None
        if isinstance(document, list):
            return ExecutionResult(data=None, errors=document)
        context.me = orjson.loads(me)
        return await super().execute_single(request, request_adapter, sub_response, context, root_value, request_data)

    async def process_result(
        self, request: Request, result: ExecutionResult, *args: Any, **kwargs: Any
    ) -> GraphQLHTTPResponse:
        """Errors as a client may see them."""
        result.errors = [masked(error, request.state.request_id) for error in result.errors or ()] or None
        return await super().process_result(request, result, *args, **kwargs)


def _response(key: str, data: str | None, errors: list[Any]) -> bytes:
    """The body; keys of an operation are GraphQL names, which are themselves in JSON."""
    told = b',"errors":' + orjson.dumps(errors) if errors else b""
    return f'{{"data":{{"{key}":{data or "null"}}}'.encode() + told + b"}"


def dead_grant() -> HTTPException:
    return HTTPException(401, "The grant has ended.", headers={"WWW-Authenticate": DEAD})

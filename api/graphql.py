"""The GraphQL endpoint: what a request asks for, what it pays, and by which of the planner's exits it is answered.

A bearer token and nothing else opens it (RFC 6750); a dead grant is a 401 even where the JWT still holds. What an HTTP
request may look like is decided in `api/http/`, which document it means in `api/documents/`.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import OperationType
from graphql.execution.values import VariableValues
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.documents.lookup import DocumentLookup
from api.errors import located, not_found, refusal, refused_gates
from api.execution import Executor
from api.http import answers
from api.http.etags import Condition, condition
from api.http.media import GRAPHQL, JSON, accepts, answer_type
from api.http.refusals import (
    INVALID,
    Refused,
    dead_grant,
    method_not_allowed,
    request_error,
    request_errors,
    told,
)
from api.http.requests import GraphQLRequest, read_request
from api.http.toll import ASKED, Charge, Toll
from api.metrics import READS
from api.planner.documents import Document
from api.planner.plan import Plan
from api.planner.read import Answer, RecordReader
from auth.tokens.bearer import Caller
from domain.errors import HealthbookError

EXIT_1, EXIT_2 = READS.labels("1"), READS.labels("2")


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation with its variables, and who asks for it, in which media type."""

    document: Document
    variables: VariableValues
    raw: GraphQLRequest
    request: Request
    media: str

    @property
    def caller(self) -> Caller:
        caller: Caller = self.request.state.caller
        return caller

    @property
    def request_id(self) -> UUID:
        return UUID(self.request.state.request_id)


class Endpoint:
    """`/graphql`. The caller was put on the request by `api.bearer`."""

    def __init__(self, documents: DocumentLookup, reader: RecordReader, executor: Executor, toll: Toll) -> None:
        self._documents, self._reader, self._executor, self._toll = documents, reader, executor, toll

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        media = answer_type(request.headers.getlist("accept"))
        if media is None:
            return refused(request, not_acceptable())
        try:
            return await self._answer(await self._asked(request, media))
        except Refused as refusal_:
            return refused(request, refusal_)

    async def _asked(self, request: Request, media: str) -> Asked:
        raw = await read_request(request)
        document = await self._documents.find(raw, request.state.caller)
        _may_be_asked(document.operation.operation, raw)
        variables = document.variables(raw.variables)
        if isinstance(variables, list):
            raise request_errors(variables, INVALID)
        return Asked(document, variables, raw, request, media)

    async def _answer(self, asked: Asked) -> Response:
        """Exit 1 where the whole answer is PostgreSQL's, else exit 2."""
        charge = await self._toll.enter(asked.caller, asked.document, asked.variables)
        if ASKED not in asked.request.headers:
            charge = Charge(headers=charge.headers)
        try:
            plan = asked.document.plan(asked.variables)
        except HealthbookError:  # exit 2 tells it at its place
            plan = None
        if plan is None:
            EXIT_2.inc()
            body = await self._executor.run(asked.document, asked.raw, asked.request.state, charge.extensions)
            return answers.answered(body, asked.media, charge.headers)
        EXIT_1.inc()
        return await self._exit_1(plan, asked, charge)

    async def _exit_1(self, plan: Plan, asked: Asked, charge: Charge) -> Response:
        """What PostgreSQL wrote under the root's key, and an error for each section refused."""
        key, held = plan.root.key, _held(plan, asked)
        tag = held.asked if held else None
        try:
            answer = await self._reader.read(asked.caller.grant_id, plan, asked.variables, asked.request_id, tag=tag)
        except HealthbookError as error:
            return _told(key, None, [located(error, plan, [key])], asked, charge)
        if answer.outcome == "DEAD":
            raise dead_grant()
        if held and answer.tag and (answer.outcome == "UNCHANGED" or held.holds(answer.tag)):
            return answers.not_modified(held.etag(answer.tag), charge.headers)
        if answer.data is None:
            return _told(key, None, [located(not_found(), plan, [key])], asked, charge)
        response = _told(key, answer.data, _refusals(plan, answer, asked.caller), asked, charge)
        return answers.tagged(response, held.etag(answer.tag)) if held and answer.tag else response


def _may_be_asked(operation: OperationType, raw: GraphQLRequest) -> None:
    """Safe methods ask and change nothing (GraphQL over HTTP, "GET"); a subscription is no single answer."""
    if operation is OperationType.MUTATION and raw.is_safe:
        raise method_not_allowed("A mutation is sent by POST.", "POST")
    if operation is OperationType.SUBSCRIPTION:
        raise request_error("A subscription needs a stream.", "SUBSCRIPTION_NOT_STREAMED")


def _held(plan: Plan, asked: Asked) -> Condition | None:
    """What the client of a GET or HEAD request holds already; None for POST, whose answers nobody keeps."""
    if not asked.raw.is_safe:
        return None
    given = asked.request.headers.getlist("if-none-match")
    return condition(given, plan.name, asked.media, asked.caller.scopes)


def _refusals(plan: Plan, answer: Answer, caller: Caller) -> list[dict[str, Any]]:
    return [
        located(refusal(gate.section, caller.scopes), plan, [plan.root.key, *gate.path], gate)
        for gate in refused_gates(plan, answer)
    ]


def _told(key: str, data: bytes | None, errors: list[Any], asked: Asked, charge: Charge) -> Response:
    return answers.answered(answers.planned_body(key, data, errors, charge.extensions), asked.media, charge.headers)


def refused(request: Request, refusal_: Refused) -> Response:
    """A refusal of this path in a type that the client takes; also for what is refused before the endpoint."""
    accept = request.headers.getlist("accept")
    media = answer_type(accept) or GRAPHQL
    if refusal_.prefers_json and accepts(accept, JSON):
        media = JSON
    return answers.refused(refusal_, media)


def not_acceptable() -> Refused:
    return Refused([told(f"Answers are {GRAPHQL} or {JSON}, in UTF-8.", "NOT_ACCEPTABLE")], 406)

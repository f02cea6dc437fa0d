"""What a GraphQL request carries: who calls, the one way to the record, and what signs receipts and passes."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql.execution.values import VariableValues

from api.acting import Acting, Turn
from api.planner.plan import Plan
from api.planner.read import Answer, RecordReader
from auth.signing.passes import Passes
from auth.tokens.bearer import Caller
from domain.consents.events import Sign
from domain.emergency_reviews import Alarm
from notifications.seals import Seals


@dataclass(slots=True)
class Context:
    """`me` is the grant's own view (access.me), read once a request on exit 2; exit 1 does not need it."""

    caller: Caller
    reader: RecordReader
    acting: Acting
    sign: Sign
    passes: Passes
    identifier_key: bytes = field(repr=False)
    seals: Seals = field(repr=False)
    request_id: str
    alarm: Alarm
    me: dict[str, Any] | None = None

    async def read(self, plan: Plan, variables: VariableValues) -> Answer:
        return await self.reader.read(self.caller.grant_id, plan, variables, UUID(self.request_id))

    def act(self, patient_id: UUID | None, action: str, **asked: Any) -> AbstractAsyncContextManager[Turn]:
        """A transaction of the caller's: see `Acting.act`."""
        return self.acting.act(self.caller, patient_id, action, request=UUID(self.request_id), **asked)

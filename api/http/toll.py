"""What a request pays before it is executed, on either exit: the one place where cost and budget are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql.execution.values import VariableValues

from api.planner.documents import Document
from auth.tokens.bearer import Caller

ASKED = "healthbook-cost"
"""The request header (any value) that asks for `extensions.cost`."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What the answer says of it: headers always, entries of `extensions` where the client asks (`ASKED`)."""

    extensions: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Toll(Protocol):
    async def enter(self, caller: Caller, document: Document, variables: VariableValues) -> Charge:
        """Called once a request, after variables were coerced and before the database is asked.

        Raises `api.http.refusals.Refused` where the operation may not run: `request_error(...)` where the document is
        too expensive, `Refused([told(...)], 429, headers=...)` where the budget is spent.
        """
        ...

    async def read(self, caller: Caller, text: str) -> None:
        """Called before a document that nobody sent lately is parsed. Raises as `enter` does."""
        ...

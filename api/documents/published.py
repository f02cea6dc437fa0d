"""Trusted documents: what an operator published (`healthbook documents publish`), parsed, validated and planned ahead.

They are read at start-up and looked at again every few seconds, by one cheap call that answers nothing where nothing
has changed, and at once (but once a second at most) where a client names one that is not known. So a document works
right after it was published, and is gone seconds after it was withdrawn, in every process, without a connection that
only listens. While the database does not answer, what is known stays: no right depends on it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import asyncpg
import orjson
import structlog
from graphql import GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, parse

from api.documents.planning import plan_ahead
from api.planner.documents import Document, Documents
from api.planner.read import UNREACHABLE, RecordReader
from domain.errors import Busy

log = structlog.get_logger("healthbook.api")

READ = "select access.trusted_documents($1)"
LOOK_EVERY_S = 5.0
LOOK_AGAIN_S = 1.0

Operations = Mapping[str | None, Document | list[GraphQLError] | None]


class Row(TypedDict):
    client_id: str | None
    sha256: str
    body: str


class Told(TypedDict):
    """What `access.trusted_documents` answers."""

    state: str
    documents: list[Row]
    only: list[str]


@dataclass(frozen=True, slots=True)
class Published:
    """What is published now, by client (None: for all) and SHA-256. `only`: clients that may use nothing else."""

    state: str = ""
    documents: Mapping[tuple[str | None, str], Operations] = field(default_factory=dict)
    only: frozenset[str] = frozenset()


class TrustedDocuments:
    def __init__(self, documents: Documents, reader: RecordReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents, self._reader, self._clock = documents, reader, clock
        self._published = Published()
        self._looked_at = float("-inf")

    def known(self, client_id: str, sha256: str) -> Operations | None:
        """The operations of a document that is published for this client or for all."""
        documents = self._published.documents
        return documents.get((client_id, sha256)) or documents.get((None, sha256))

    async def find(self, client_id: str, sha256: str) -> Operations | None:
        """The same, after another look where it is not known."""
        found = self.known(client_id, sha256)
        if found is None and self._clock() - self._looked_at >= LOOK_AGAIN_S:
            await self.look()
            found = self.known(client_id, sha256)
        return found

    def are_all_for(self, client_id: str) -> bool:
        """Whether this client may use nothing but trusted documents."""
        return client_id in self._published.only

    async def look(self) -> None:
        """Read what is published where it has changed. What cannot be read now stays as it was."""
        self._looked_at = self._clock()
        try:
            told = await self._reader.value(READ, self._published.state)
        except (*UNREACHABLE, asyncpg.PostgresError, Busy) as error:
            log.warning("trusted_documents_not_read", kind=type(error).__name__)
            return
        if told is not None:
            await self._take(orjson.loads(told))

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 -- a document that cannot be read must not end the looking
                log.error("trusted_documents_not_read", kind=type(error).__name__)  # noqa: TRY400 -- no words of it

    async def _take(self, told: Told) -> None:
        """Plan what is new, between requests, and then let all of it be known at once."""
        earlier, taken = self._published.documents, {}
        for one in told["documents"]:
            key = (one["client_id"], one["sha256"])
            taken[key] = earlier.get(key) or self._read(one["sha256"], one["body"])
            await asyncio.sleep(0)
        self._published = Published(told["state"], taken, frozenset(told["only"]))

    def _read(self, sha256: str, body: str) -> Operations:
        """Every operation by its name, and under None the one that is meant where none is named."""
        found = {name: self._documents.get(body, name) for name in (None, *operation_names(body))}
        for document in found.values():
            if isinstance(document, Document):
                plan_ahead(document)
            elif isinstance(document, list):
                log.warning("trusted_document_does_not_fit", document=sha256)
        return found


def operation_names(body: str) -> list[str]:
    """The names of a document's operations; none where it cannot be read."""
    try:
        definitions = parse(body).definitions
    except GraphQLSyntaxError:
        return []
    return [one.name.value for one in definitions if isinstance(one, OperationDefinitionNode) and one.name]

"""A door beside the real command's functions: what is published is published as an operator does it."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.documents.automatic import digest
from api.http.media import GRAPHQL
from domain import trusted_documents
from domain.database import open_engine
from domain.trusted_documents import Publication
from domain.values import utc_now
from tests.api.conftest import Book


@dataclass
class Shelf:
    """Publishes documents, and asks for them as the phone app of a citizen."""

    book: Book
    token: str
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": GRAPHQL})

    async def as_owner(self, work: Any, *arguments: Any) -> Any:
        engine = open_engine(self.book.database.owner)
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                done = await session.run_sync(work, *arguments)
                await session.commit()
        finally:
            await engine.dispose()
        return done

    async def publish(self, text: str, client_id: str | None = None) -> str:
        await self.published_now(text, client_id)
        return f"sha256:{digest(text)}"

    async def published_now(self, text: str, client_id: str | None = None) -> bool:
        """Whether it was this call that published it."""
        document = Publication(digest(text), "", text)
        return bool(await self.as_owner(trusted_documents.publish, [document], client_id, utc_now()))

    async def withdraw(self, document_id: str, client_id: str | None = None) -> bool:
        sha256 = document_id.removeprefix("sha256:")
        return await self.as_owner(trusted_documents.withdraw, sha256, client_id, utc_now())

    async def restrict(self, client_id: str = "healthbook-phone") -> None:
        await self.as_owner(trusted_documents.restrict, client_id, utc_now())

    async def post(self, **body: Any) -> httpx.Response:
        return await self.book.client.post("/graphql", json=body, headers=self._sent())

    async def get(self, **params: Any) -> httpx.Response:
        return await self.book.client.get("/graphql", params=params, headers=self._sent())

    def _sent(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | self.headers

    async def looked(self) -> None:
        """The process knows what is published now: a name that is not known makes it look."""
        assert (await self.post(documentId="0" * 64)).status_code == 400


@pytest.fixture
async def shelf(book, monkeypatch):
    monkeypatch.setattr("api.documents.published.LOOK_AGAIN_S", 0.0)
    return Shelf(book, await book.token(book.citizens[0]))

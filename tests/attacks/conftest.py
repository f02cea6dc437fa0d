"""One server for all attacks: it must survive each of them."""

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import populated, started
from tests.attacks.server import Server, serving
from tests.postgres import Databases

__all__ = ["populated"]


@pytest.fixture(scope="module")
async def server(
    databases: Databases, populated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    async with (
        started(databases, populated) as book,
        serving(book, tmp_path_factory.mktemp("attacked")) as made,
    ):
        async with made.client() as client:  # the first of each document is planned
            await client.post("/graphql", json={"query": "{ me { id } }"})
        await made.phone(10)
        yield made

"""A statement that takes too long is ended by the database, and its caller is told to come back."""

import asyncpg
import pytest

from api.planner import connections

RECORD = "healthRecord { labs { nodes { id } } }"


@pytest.fixture
def impatient(monkeypatch):
    """Half a second instead of eight; before the application opens its connections."""
    monkeypatch.setitem(connections.SETTINGS, "statement_timeout", "500ms")


@pytest.mark.parametrize("query", [f"{{ {RECORD} }}", f"{{ me {{ id }} {RECORD} }}"], ids=["exit 1", "exit 2"])
async def test_a_statement_that_takes_too_long_is_busy_on_both_exits(impatient, book, query):
    token = await book.token(book.citizens[0])
    owner = await asyncpg.connect(book.database.owner)
    try:
        async with owner.transaction():
            await owner.execute("lock table book.labs in access exclusive mode")
            answer = await book.post(query, token)
        assert answer.status_code in (200, 503)
        told = answer.json()
        assert [error["extensions"]["code"] for error in told["errors"]] == ["BUSY"]
        assert told["data"]["healthRecord"] is None
    finally:
        await owner.close()
    assert (await book.post(query, token)).json()["data"]["healthRecord"]["labs"]["nodes"]

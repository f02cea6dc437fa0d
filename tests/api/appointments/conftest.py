import pytest

from tests.api.appointments.world import Bookable, bookable


@pytest.fixture
async def world(book, monkeypatch) -> Bookable:
    monkeypatch.setattr("api.facilities.finding.TAKES_S", 0)
    return await bookable(book)

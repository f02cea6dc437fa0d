import pytest

from tests.api.appointments.passes import READ
from tests.api.appointments.world import Bookable, bookable
from tests.api.clinic import Voice


@pytest.fixture
async def world(book, monkeypatch) -> Bookable:
    monkeypatch.setattr("api.facilities.finding.TAKES_S", 0)
    return await bookable(book)


@pytest.fixture
async def desk(world: Bookable) -> Voice:
    """The clinic's system, which may read what a visit opens."""
    return await world.clinic.desk(scope=READ)

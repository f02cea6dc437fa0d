"""Moving, merging and taking back: rows follow the links, and an unmerge restores exactly what was."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.database import open_engine
from domain.errors import Conflict, Invalid, NotFound
from domain.intake.importing import Importer
from domain.intake.links import merge, relink, unmerge
from domain.values import new_id
from tests.conftest import KEY, NOW, Database
from tests.domain.intake.histories import START, STEP, Desk, History
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import (
    BOOK,
    CHAM,
    LAM,
    STATION,
    at,
    dump,
    patient_of,
    rows,
    send,
    source_of,
    told,
)
from tests.postgres import Databases

ROWS = [*(table for table in BOOK if table.startswith("book.") and table != "book.removal"), "intake.patient_key"]
COUNTED = ("revision",)  # it only ever grows


@pytest.fixture
def desk(importer: Importer) -> Desk:
    return Desk(importer.engine)


async def two(database: Database, importer: Importer) -> tuple[UUID, UUID]:
    """CHAM with three visits at two hospitals, LAM with two and a correction."""
    await send(importer, told("A1"), told("A2"), told("A3", facility=STATION), told("B1", LAM), told("B2", LAM))
    await send(at(importer, 5), told("B2", LAM, CAN_NANG="71.00"))
    return await patient_of(database.owner, "A1"), await patient_of(database.owner, "B1")


async def test_a_moved_source_takes_its_rows_along(database: Database, importer: Importer, desk: Desk) -> None:
    kept, other = await two(database, importer)
    source = await source_of(database.owner, "B1")
    assert await desk.do(relink, source, kept) == kept
    assert await patient_of(database.owner, "B1") == kept
    assert await patient_of(database.owner, "B2") == other
    await assert_sound(database.owner)


async def test_to_a_new_patient(database: Database, importer: Importer, desk: Desk) -> None:
    await two(database, importer)
    new = await desk.do(relink, await source_of(database.owner, "A2"), None)
    assert await rows(database.owner, "select count(*) from book.encounters where patient_id = $1", new) == [1]
    await assert_sound(database.owner)


async def test_a_source_moves_with_its_earlier_versions(database: Database, importer: Importer, desk: Desk) -> None:
    kept, other = await two(database, importer)
    await desk.do(relink, await source_of(database.owner, "B2"), kept)
    (left,) = await rows(database.owner, "select count(*) from book.encounters where patient_id = $1", other)
    assert left == 1
    await assert_sound(database.owner)


async def test_moving_answers_the_question(database: Database, importer: Importer, desk: Desk) -> None:
    await send(importer, told("V1"), told("W1", CHAM | {"HO_TEN": "LÊ THỊ HỒNG"}, STATION))
    source = await source_of(database.owner, "W1", STATION)
    await desk.do(relink, source, await patient_of(database.owner, "V1"))
    assert await rows(database.owner, "select resolution from intake.review") == ["relinked"]


async def test_unknown_sources_and_patients_are_not_found(database: Database, importer: Importer, desk: Desk) -> None:
    kept, _ = await two(database, importer)
    with pytest.raises(NotFound):
        await desk.do(relink, new_id(), kept)
    with pytest.raises(NotFound):
        await desk.do(relink, await source_of(database.owner, "A1"), new_id())
    with pytest.raises(NotFound):
        await desk.do(merge, kept, new_id())


async def test_every_link_says_who_and_why(database: Database, importer: Importer, desk: Desk) -> None:
    kept, other = await two(database, importer)
    source = await source_of(database.owner, "B1")
    await desk.do(relink, source, kept, reason="wrong card")
    first, last = await desk.explain(source)
    assert (first.patient_id, first.rule, first.decided_by, first.undone_by) == (other, "none", "rule", "clerk-1")
    assert (last.patient_id, last.rule, last.reasons, last.decided_by) == (kept, "relink", ("wrong card",), "clerk-1")
    assert last.undone_at is None


async def test_a_merge_leaves_one_patient_and_a_redirect(database: Database, importer: Importer, desk: Desk) -> None:
    kept, lesser = await two(database, importer)
    await desk.do(merge, kept, lesser)
    assert await rows(database.owner, "select distinct patient_id from book.encounters") == [kept]
    assert await rows(database.owner, "select old_id, patient_id from access.patient_redirect") == [(lesser, kept)]
    await assert_sound(database.owner)


async def test_an_unmerge_restores_what_was(database: Database, importer: Importer, desk: Desk) -> None:
    kept, lesser = await two(database, importer)
    before = await dump(database.owner, ROWS, without=COUNTED)
    await desk.do(merge, kept, lesser)
    assert await dump(database.owner, ROWS, without=COUNTED) != before
    await desk.do(unmerge, kept, lesser)
    assert await dump(database.owner, ROWS, without=COUNTED) == before
    assert await rows(database.owner, "select count(*) from access.patient_redirect") == [0]
    await assert_sound(database.owner)


async def test_labels_come_back_too(database: Database, importer: Importer, desk: Desk) -> None:
    kept, lesser = await two(database, importer)
    await rows(
        database.owner,
        """update book.demographics set sensitivity = 'HIV', sources = (
             select jsonb_agg(e || '{"sensitivity": "HIV"}') from jsonb_array_elements(sources) e)
            where patient_id = $1 returning 1""",
        lesser,
    )
    before = await dump(database.owner, ROWS, without=COUNTED)
    await desk.do(merge, kept, lesser)
    live = "select distinct sensitivity from book.demographics where superseded_at is null"
    assert await rows(database.owner, live) == ["HIV"]
    await desk.do(unmerge, kept, lesser)
    assert await dump(database.owner, ROWS, without=COUNTED) == before


async def test_what_came_after_a_merge_stays_but_a_correction_goes_back(
    database: Database, importer: Importer, desk: Desk
) -> None:
    kept, lesser = await two(database, importer)
    await desk.do(merge, kept, lesser)
    await send(at(importer, 20), told("A9"), told("B1", LAM, CAN_NANG="72.00"))
    await desk.do(unmerge, kept, lesser)
    assert await patient_of(database.owner, "A9") == kept
    assert await patient_of(database.owner, "B1") == lesser
    await assert_sound(database.owner)


@pytest.mark.parametrize("is_first_kept", [True, False])
async def test_versions_of_one_visit_under_both_go_back_each_to_its_own(
    is_first_kept: bool, database: Database, importer: Importer, desk: Desk
) -> None:
    pair = await two(database, importer)
    await send(at(importer, 10), told("A2", LAM))
    kept, lesser = pair if is_first_kept else pair[::-1]
    before = await dump(database.owner, ROWS, without=COUNTED)
    await desk.do(merge, kept, lesser)
    await desk.do(unmerge, kept, lesser)
    assert await dump(database.owner, ROWS, without=COUNTED) == before


async def test_the_two_are_never_joined_again_unless_somebody_insists(
    database: Database, importer: Importer, desk: Desk
) -> None:
    kept, lesser = await two(database, importer)
    await desk.do(merge, kept, lesser)
    await desk.do(unmerge, kept, lesser)
    for pair in ((kept, lesser), (lesser, kept)):
        with pytest.raises(Conflict):
            await desk.do(merge, *pair)
    await desk.do(merge, kept, lesser, despite_never=True)
    assert await rows(database.owner, "select count(*) from intake.never_link") == [0]


async def test_an_assertion_counts_for_whoever_was_merged_in(
    database: Database, importer: Importer, desk: Desk
) -> None:
    kept, lesser = await two(database, importer)
    third = await desk.do(relink, await source_of(database.owner, "A2"), None)
    await desk.never(lesser, third)
    await desk.do(merge, kept, lesser)
    with pytest.raises(Conflict):
        await desk.do(merge, kept, third)


async def test_redirects_stay_flat_and_open_again(database: Database, importer: Importer, desk: Desk) -> None:
    first, second = await two(database, importer)
    third = await desk.do(relink, await source_of(database.owner, "A2"), None)
    redirects = "select old_id, patient_id from access.patient_redirect order by created_at"
    await desk.do(merge, second, first)
    middle = await dump(database.owner, ROWS, without=COUNTED)
    await desk.do(merge, third, second, now=NOW + timedelta(minutes=1))
    assert await rows(database.owner, redirects) == [(first, third), (second, third)]
    with pytest.raises(Conflict):
        await desk.do(unmerge, third, first)
    await desk.do(unmerge, third, second, now=NOW + timedelta(minutes=2))
    assert await rows(database.owner, redirects) == [(first, second)]
    assert await dump(database.owner, ROWS, without=COUNTED) == middle
    await desk.do(unmerge, second, first, now=NOW + timedelta(minutes=3))
    assert await rows(database.owner, redirects) == []
    await assert_sound(database.owner)


async def test_what_cannot_be_merged(database: Database, importer: Importer, desk: Desk) -> None:
    kept, lesser = await two(database, importer)
    with pytest.raises(Invalid):
        await desk.do(merge, kept, kept)
    with pytest.raises(Conflict):
        await desk.do(unmerge, kept, lesser)
    await desk.do(merge, kept, lesser)
    for pair in ((kept, lesser), (lesser, kept)):
        with pytest.raises(Conflict):
            await desk.do(merge, *pair)
    with pytest.raises(Conflict):
        await desk.do(relink, await source_of(database.owner, "A1"), lesser)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=4, max_size=12), pair=st.tuples(st.integers(0, 4), st.integers(0, 4)))
async def test_any_history_is_sound_and_a_merge_can_be_taken_back(
    databases: Databases, migrated: str, steps: list[tuple[str, int, int]], pair: tuple[int, int]
) -> None:
    dsn = await databases.clone(migrated)
    database = Database(dsn.split("?")[0].rsplit("/", 1)[1])
    engine = open_engine(database.intake)
    try:
        history = History(database, Importer(engine=engine, secret=KEY, clock=lambda: NOW), Desk(engine))
        for step in (*START, *steps):
            await history.take(*step)
        await assert_sound(database.owner)
        await merge_and_back(history, *pair)
    finally:
        await engine.dispose()
        await databases.drop(dsn)


async def merge_and_back(history: History, a: int, b: int) -> None:
    pair = await history.two_living(a, b)
    if pair is None:
        return
    kept, lesser = pair
    tables = [*ROWS, "access.patient_redirect"]
    before = await dump(history.database.owner, tables, without=COUNTED)
    await history.desk.do(merge, kept, lesser, despite_never=True, now=NOW + timedelta(minutes=40))
    await assert_sound(history.database.owner)
    await history.desk.do(unmerge, kept, lesser, now=NOW + timedelta(minutes=41))
    assert await dump(history.database.owner, tables, without=COUNTED) == before
    await assert_sound(history.database.owner)

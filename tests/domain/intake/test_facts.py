"""One fact shown once, whoever reports it; disagreement is shown; a label of one report is the label of all."""

import json
from typing import Any

from domain.intake.importing import Importer
from tests.conftest import Database
from tests.domain.exchange.qd4750.builders import RESULT, filehoso, inner
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import CHAM, STATION, at, read, rows, send, told

SHOWN = "select content_key, contradicted, sources from book.labs where shown"


def with_result(visit: bytes, episode: str, value: str) -> bytes:
    """The visit with its result (XML4) told again."""
    start, end = visit.index(b"<FILEHOSO><LOAIHOSO>XML4"), visit.index(b"<FILEHOSO><LOAIHOSO>XML5")
    result = inner("XML4", {**RESULT, "MA_LK": episode, "GIA_TRI": value})
    return visit[:start] + filehoso("XML4", result) + visit[end:]


async def test_one_person_told_by_two_hospitals_is_one_item_with_two_sources(
    database: Database, importer: Importer
) -> None:
    await send(importer, told("V1"))
    await send(at(importer, 5), told("W1", facility=STATION))
    (sources,) = await rows(database.owner, "select sources from book.demographics where shown")
    assert {one["organization_code"] for one in json.loads(sources)} == {"01001", STATION}
    assert await rows(database.owner, "select contradicted from book.demographics where shown") == [False]
    await assert_sound(database.owner)


async def test_two_that_disagree_are_shown_as_contradicted(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"))
    await send(at(importer, 5), told("W1", CHAM | {"NGAY_SINH": "195503140000", "GIOI_TINH": "3"}, STATION))
    assert await rows(database.owner, "select contradicted from book.demographics where shown") == [True]
    await assert_sound(database.owner)


async def test_a_correction_ends_a_contradiction(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"))
    await send(at(importer, 5), told("W1", CHAM | {"GIOI_TINH": "3"}, STATION))
    await send(at(importer, 9), told("W1", CHAM, STATION))
    assert await rows(database.owner, "select contradicted from book.demographics where shown") == [False]
    await assert_sound(database.owner)


async def test_one_result_reported_twice_by_one_visit_stays_two_facts(database: Database, importer: Importer) -> None:
    visit = told("V1")
    start, end = visit.index(b"<FILEHOSO><LOAIHOSO>XML4"), visit.index(b"<FILEHOSO><LOAIHOSO>XML5")
    twice = [{**RESULT, "MA_LK": "V1"}, {**RESULT, "MA_LK": "V1", "STT": "2"}]
    await send(importer, visit[:start] + filehoso("XML4", inner("XML4", *twice)) + visit[end:])
    assert await rows(database.owner, "select count(*) from book.labs where shown") == [2]
    await assert_sound(database.owner)


async def test_a_corrected_value_is_shown_alone(database: Database, importer: Importer) -> None:
    await send(importer, with_result(told("V1"), "V1", "7.2"))
    await send(at(importer, 5), with_result(told("V1"), "V1", "8.1"))
    found = await rows(database.owner, SHOWN)
    assert len(found) == 1
    assert found[0][1] is False
    await assert_sound(database.owner)


async def test_a_label_of_one_report_is_of_all_and_goes_with_it(database: Database, importer: Importer) -> None:
    """The label is put on the second sender's report here, as a stricter code table would."""
    await send(importer, told("V1"))
    labelled = _labelled(told("W1", facility=STATION), "HIV")
    await _store(at(importer, 5), labelled)
    assert await rows(database.owner, "select distinct sensitivity from book.demographics") == ["HIV"]
    await send(at(importer, 9), told("W1", facility=STATION, CAN_NANG="61.00"))
    live = "select distinct sensitivity from book.demographics where superseded_at is null"
    assert await rows(database.owner, live) == [""]
    await assert_sound(database.owner)


async def test_of_two_labels_the_strictest_is_kept(database: Database, importer: Importer) -> None:
    await _store(importer, _labelled(told("V1"), "SUBSTANCE"))
    await _store(at(importer, 5), _labelled(told("W1", facility=STATION), "HIV"))
    assert await rows(database.owner, "select distinct sensitivity from book.demographics") == ["HIV"]


def _labelled(visit: bytes, label: str) -> list[Any]:
    found: list[Any] = read(visit)
    for one in found:
        for row in one.rows:
            row.sensitivity = label
    return found


async def _store(importer: Importer, found: list[Any]) -> None:
    assert [outcome.status async for outcome in importer.take(found)] == ["accepted"]

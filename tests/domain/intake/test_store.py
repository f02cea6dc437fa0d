"""What a batch leaves in the book: sources, rows, facts; sent again, corrected, refused."""

import pytest

from domain.intake.importing import Importer
from tests.conftest import Database
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import (
    CHAM,
    LAM,
    STATION,
    at,
    dump,
    patient_of,
    patients,
    rows,
    send,
    statuses,
    told,
)


async def test_a_new_visit_is_accepted_and_fills_its_sections(database: Database, importer: Importer) -> None:
    assert await statuses(importer, told("V1")) == ["accepted"]
    (patient,) = await patients(database.owner)
    assert patient[1] == [CHAM["HO_TEN"]]
    for table in ("demographics", "encounters", "conditions", "labs", "prescriptions", "prescription_items"):
        found = await rows(database.owner, f"select distinct patient_id from book.{table}")
        assert found == [patient[0]], table
    await assert_sound(database.owner)


async def test_the_source_is_kept_byte_for_byte(database: Database, importer: Importer) -> None:
    content = told("V1")
    await send(importer, content)
    assert await rows(database.owner, "select content, version from intake.source_record") == [(content, 1)]


async def test_the_same_visit_again_changes_nothing(database: Database, importer: Importer) -> None:
    visits = [told("V1"), told("V2", LAM), told("V3", facility=STATION)]
    await send(importer, *visits)
    before = await dump(database.owner)
    assert await statuses(at(importer, 30), *visits) == ["unchanged"] * 3
    assert await dump(database.owner) == before


async def test_the_same_visit_twice_in_one_file_is_one_version(database: Database, importer: Importer) -> None:
    assert await statuses(importer, told("V1"), told("V1")) == ["accepted", "unchanged"]
    assert await rows(database.owner, "select count(*) from intake.source_record") == [1]


async def test_a_correction_in_the_same_file_replaces_the_first(database: Database, importer: Importer) -> None:
    assert await statuses(importer, told("V1"), told("V1", CAN_NANG="61.00")) == ["accepted", "superseded"]
    versions = "select version, superseded_at is null from intake.source_record order by 1"
    assert await rows(database.owner, versions) == [(1, False), (2, True)]
    await assert_sound(database.owner)


async def test_a_replaced_version_stays_readable_and_shows_nothing(database: Database, importer: Importer) -> None:
    await send(importer, told("V1", MA_BENH_CHINH="I10"))
    await send(at(importer, 5), told("V1", MA_BENH_CHINH="J45"))
    codes = (
        "select icd10, shown, superseded_at is not null from book.conditions where icd10 in ('I10', 'J45') order by 1"
    )
    assert await rows(database.owner, codes) == [("I10", False, True), ("J45", True, False)]
    names = "select jsonb_array_length(sources) from book.encounters order by superseded_at nulls last"
    assert await rows(database.owner, names) == [1, 1]
    await assert_sound(database.owner)


async def test_a_replaced_version_is_no_source_of_a_fact(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"), told("V2", facility=STATION))
    await send(at(importer, 5), told("V1", HO_TEN="NGUYỄN THỊ CHÀM", CAN_NANG="61.00"))
    sources = "select jsonb_array_length(sources) from book.demographics where shown"
    assert await rows(database.owner, sources) == [2]
    await assert_sound(database.owner)


async def test_a_correction_that_names_a_known_person_moves_to_him(database: Database, importer: Importer) -> None:
    await send(importer, told("A"), told("V1"), told("B", LAM))
    wrong, right = await patient_of(database.owner, "A"), await patient_of(database.owner, "B")
    assert wrong == await patient_of(database.owner, "V1")
    assert await statuses(at(importer, 5), told("V1", LAM)) == ["superseded"]
    assert await patient_of(database.owner, "V1") == right
    (left,) = await rows(database.owner, "select count(*) from book.encounters where shown and patient_id = $1", wrong)
    assert left == 1
    await assert_sound(database.owner)


async def test_a_lone_visit_corrected_to_a_known_person_joins_him(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"), told("B", LAM))
    await send(at(importer, 5), told("V1", LAM))
    assert await patient_of(database.owner, "V1") == await patient_of(database.owner, "B")
    await assert_sound(database.owner)


async def test_a_lone_visit_corrected_to_somebody_unknown_keeps_its_patient(
    database: Database, importer: Importer
) -> None:
    await send(importer, told("V1"))
    before = await patient_of(database.owner, "V1")
    await send(at(importer, 5), told("V1", LAM))
    assert await patient_of(database.owner, "V1") == before
    shown = "select name from book.demographics where shown"
    assert await rows(database.owner, shown) == [LAM["HO_TEN"]]


@pytest.mark.parametrize("left_out", ["SO_CCCD", "MA_BN"])
async def test_a_correction_that_leaves_a_number_out_stays(
    left_out: str, database: Database, importer: Importer
) -> None:
    await send(importer, told("A"), told("V1"))
    before = await patient_of(database.owner, "A")
    await send(at(importer, 5), told("V1", **{left_out: ""}))
    assert await patient_of(database.owner, "V1") == before


async def test_two_hospitals_may_use_one_key(database: Database, importer: Importer) -> None:
    assert await statuses(importer, told("V1"), told("V1", LAM, STATION)) == ["accepted", "accepted"]
    assert await patient_of(database.owner, "V1") != await patient_of(database.owner, "V1", STATION)


async def test_outcomes_come_in_the_order_sent(importer: Importer) -> None:
    outcomes = await send(importer, *(told(f"V{n}") for n in (3, 1, 2)))
    assert [outcome.key for outcome in outcomes] == ["V3", "V1", "V2"]

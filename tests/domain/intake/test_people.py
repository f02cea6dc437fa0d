"""Who a visit belongs to: one person stays one, two people stay two, and what is unclear is asked."""

from domain.intake.importing import Importer
from domain.intake.links import never, relink
from tests.conftest import NOW, Database
from tests.domain.intake.invariants import assert_sound
from tests.domain.intake.people_and_visits import (
    CHAM,
    LAM,
    STATION,
    at,
    patient_of,
    patients,
    rows,
    send,
    source_of,
    told,
)

REVIEWS = "select rule, reasons, cardinality(candidates) from intake.review where resolved_at is null order by asked_at"
NEWBORN = {
    "HO_TEN": "NGUYỄN THỊ CHÀM",
    "SO_CCCD": "",
    "NGAY_SINH": "202503130310",
    "GIOI_TINH": "1",
    "MA_BN": "SS0001",
}


async def test_one_person_at_two_hospitals_is_one_patient(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"), told("W1", facility=STATION))
    assert len(await patients(database.owner)) == 1
    assert await rows(database.owner, "select distinct rule from intake.link order by 1") == ["cccd+name+year", "none"]


async def test_in_another_file_too(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"))
    await send(importer, told("W1", facility=STATION))
    assert len(await patients(database.owner)) == 1
    assert await rows(database.owner, "select count(*) from book.patient") == [1]


async def test_two_people_under_one_number_stay_two_and_are_asked_about(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"), told("W1", CHAM | {"HO_TEN": "LÊ THỊ HỒNG"}, STATION))
    assert len(await patients(database.owner)) == 2
    ((rule, reasons, candidates),) = await rows(database.owner, REVIEWS)
    assert (rule, reasons, candidates) == ("insufficient", ["no-second-evidence"], 1)
    await assert_sound(database.owner)


async def test_a_newborn_under_the_mothers_name_is_not_the_mother(database: Database, importer: Importer) -> None:
    mother = CHAM | {"SO_CCCD": "001195000123", "NGAY_SINH": "199503140000"}
    await send(importer, told("V1", mother), told("N1", mother | NEWBORN))
    assert await patient_of(database.owner, "V1") != await patient_of(database.owner, "N1")
    assert await rows(database.owner, "select is_temporary_name from book.demographics where shown order by 1") == [
        False,
        True,
    ]


async def test_nor_with_the_mothers_number(database: Database, importer: Importer) -> None:
    mother = CHAM | {"SO_CCCD": "001195000123", "NGAY_SINH": "199503140000"}
    await send(importer, told("V1", mother))
    await send(importer, told("N1", mother | NEWBORN | {"SO_CCCD": mother["SO_CCCD"]}))
    assert await patient_of(database.owner, "V1") != await patient_of(database.owner, "N1")


async def test_a_number_that_contradicts_sex_or_year_links_nobody(database: Database, importer: Importer) -> None:
    wrong_sex = CHAM | {"GIOI_TINH": "1"}
    wrong_year = CHAM | {"NGAY_SINH": "198003140000"}
    await send(importer, told("V1"))
    await send(importer, told("V2", wrong_sex, STATION))
    await send(importer, told("V3", wrong_year, "01003"))
    found = {await patient_of(database.owner, *one) for one in (("V1",), ("V2", STATION), ("V3", "01003"))}
    assert len(found) == 3
    reasons = await rows(database.owner, "select reasons from intake.review")
    assert len(reasons) == 2
    assert all({"sex-conflict", "year-conflict"} & set(one) for one in reasons)


async def test_a_correction_does_not_wander_to_an_asserted_stranger(database: Database, importer: Importer) -> None:
    """Without the assertion a rule would take it there."""
    await send(importer, told("V1"), told("W1", LAM))
    one, other = await patient_of(database.owner, "V1"), await patient_of(database.owner, "W1")
    async with importer.engine.begin() as connection:
        await never(connection, one, other, by="clerk-1", reason="two people")
    await send(at(importer, 5), told("W1", CHAM))
    assert await patient_of(database.owner, "W1") == other
    await assert_sound(database.owner)


async def test_a_record_that_fits_two_patients_joins_neither(database: Database, importer: Importer) -> None:
    """As after an unmerge: the next record of either would fit both, and is asked about."""
    await send(importer, told("V1"), told("V2"))
    source = await source_of(database.owner, "V2")
    async with importer.engine.begin() as connection:
        other = await relink(connection, source, None, by="clerk-1", reason="namesake", now=NOW)
    await send(importer, told("V3"))
    assert await patient_of(database.owner, "V3") not in (await patient_of(database.owner, "V1"), other)
    assert await rows(database.owner, REVIEWS) == [("ambiguous", ["ambiguous"], 2)]


async def test_what_a_person_decided_a_correction_does_not_undo(database: Database, importer: Importer) -> None:
    await send(importer, told("V1"), told("W1", LAM), told("W2", LAM))
    source, target = await source_of(database.owner, "W2"), await patient_of(database.owner, "V1")
    async with importer.engine.begin() as connection:
        await relink(connection, source, target, by="clerk-1", reason="seen", now=NOW)
    await send(at(importer, 5), told("W2", LAM, CAN_NANG="71.00"))
    assert await patient_of(database.owner, "W2") == target
    assert [row[1] for row in await rows(database.owner, REVIEWS)] == [["resend", "decided-before"]]
    await assert_sound(database.owner)


async def test_a_number_of_no_known_kind_is_no_obstacle(database: Database, importer: Importer) -> None:
    """A birth certificate's number is kept as sent and read back as nobody's identifier."""
    child = CHAM | {"SO_CCCD": "123/2015", "NGAY_SINH": "201503140000", "MA_BN": "BN77"}
    await send(importer, told("V1", child))
    await send(importer, told("V2", child))
    assert len(await patients(database.owner)) == 1


async def test_a_name_a_birthday_and_a_phone_are_enough_however_the_phone_is_written(
    database: Database, importer: Importer
) -> None:
    nobody = CHAM | {"SO_CCCD": ""}
    await send(importer, told("V1", nobody, DIEN_THOAI="0912.345.678"))
    await send(importer, told("W1", nobody, STATION, DIEN_THOAI="84912345678"))
    assert len(await patients(database.owner)) == 1

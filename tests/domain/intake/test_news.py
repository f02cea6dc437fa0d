"""Whom an import tells of new results: each person once, and nobody of what was there before."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.exchange import fhir_systems as systems
from domain.intake.fhir import submissions
from domain.intake.importing import Importer
from domain.intake.news import NEWS_DAYS
from tests.conftest import NOW, Database
from tests.domain.exchange.qd4750.builders import RESULT, SERVICE, SUMMARY, filehoso, hoso, inner
from tests.domain.intake.people_and_visits import CHAM, HOSPITAL, LAM, NO_CARD, STATION, patient_of, send, statuses

YESTERDAY, LONG_AGO = "202611200900", "202503140900"


def visit(episode, person=CHAM, facility=HOSPITAL, *, day=YESTERDAY, value="7.2", name="HbA1c", **summary):
    """A HOSO with one laboratory result and nothing else that is a result."""
    local = {"MA_BN": f"BN-{person['HO_TEN']}-{person['SO_CCCD']}"[:100], "MA_LK": episode, "MA_CSKCB": facility}
    about = {**SUMMARY, **NO_CARD, **person, **local, "NGAY_VAO": day, "NGAY_RA": day, **summary}
    result = {**RESULT, "MA_LK": episode, "NGAY_KQ": day, "GIA_TRI": value, "TEN_CHI_SO": name}
    service = {**SERVICE, "MA_LK": episode, "NGAY_YL": day, "NGAY_TH_YL": day, "NGAY_KQ": day, "MA_BENH": "I10"}
    tables = [("XML1", about), ("XML3", service), ("XML4", result)]
    return hoso(*(filehoso(table, inner(table, fields)) for table, fields in tables))


@dataclass
class Home:
    """A citizen whose book has one visit of long ago."""

    database: Database
    sql: asyncpg.Connection
    importer: Importer
    patient: UUID
    citizen: UUID

    async def told(self):
        """The citizens, in the order they were told."""
        return [row[0] for row in await self.sql.fetch("select citizen_id from notify.inbox_item order by id")]

    async def send(self, *visits, **later):
        clock = self.importer.clock
        moved = replace(self.importer, clock=lambda: clock() + timedelta(**later))
        return await statuses(moved, *visits)

    async def represented(self, **rights):
        mother = uuid4()
        await self.sql.execute("insert into access.citizen (id) values ($1)", mother)
        values = {"id": uuid4(), "citizen_id": mother, "patient_id": self.patient, "kind": "parent", "can_manage": True}
        values |= {"valid_from": NOW - timedelta(days=1), **rights}
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        await self.sql.execute(
            f"insert into access.related_person ({', '.join(values)}) values ({marks})", *values.values()
        )
        return mother


@pytest.fixture
async def home(database: Database, importer: Importer):
    await send(importer, visit("OLD", day=LONG_AGO))
    sql = await asyncpg.connect(database.owner)
    made = Home(database, sql, importer, await patient_of(database.owner, "OLD"), uuid4())
    await sql.execute("insert into access.citizen (id, patient_id) values ($1, $2)", made.citizen, made.patient)
    yield made
    await sql.close()


async def test_a_new_result_is_told_once_with_a_job_that_delivers_it(home):
    assert await home.send(visit("V1"), visit("V2", day="202611191000")) == ["accepted"] * 2
    item = await home.sql.fetchrow("select kind, citizen_id, patient_id, subject_id, id from notify.inbox_item")
    assert tuple(item)[:4] == ("new_result", home.citizen, home.patient, None)
    jobs = await home.sql.fetch("select entrypoint, payload from jobs.pgqueuer")
    assert [(job[0], json.loads(job[1])) for job in jobs] == [
        ("deliver", {"items": [[str(home.citizen), str(item["id"])]]})
    ]


async def test_who_follows_the_inbox_hears_of_it(home):
    heard = asyncio.Queue()
    await home.sql.add_listener("inbox", lambda *told: heard.put_nowait(json.loads(told[3])))
    await home.send(visit("V1"))
    assert await asyncio.wait_for(heard.get(), 10) == {"citizens": [str(home.citizen)]}


async def test_years_that_are_loaded_are_no_news(home):
    await home.send(*(visit(f"H{n}", day=f"2019{n:02}150900") for n in range(1, 13)))
    day = (NOW - timedelta(days=NEWS_DAYS + 1)).strftime("%Y%m%d0900")
    await home.send(visit("A", day=day))
    assert await home.told() == []
    day = (NOW - timedelta(days=NEWS_DAYS - 1)).strftime("%Y%m%d0900")
    await home.send(visit("B", day=day))
    assert await home.told() == [home.citizen]


async def test_an_old_result_beside_one_that_is_known_is_no_news(home):
    await home.send(visit("V1"))
    await home.send(visit("S1", facility=STATION), visit("S2", facility=STATION, day="201903150900"), hours=2)
    assert await home.told() == [home.citizen]


async def test_the_same_again_and_a_correction_of_something_else_tell_nothing(home):
    await home.send(visit("V1"))
    assert await home.send(visit("V1"), hours=3) == ["unchanged"]
    assert await home.send(visit("V1", CAN_NANG="61.00"), hours=4) == ["superseded"]
    assert await home.send(visit("V1"), hours=5) == ["superseded"]
    assert await home.told() == [home.citizen]


async def test_a_corrected_value_is_news_and_its_way_back_is_not(home):
    await home.send(visit("V1"))
    await home.send(visit("V1", value="9.9"), hours=2)
    assert await home.told() == [home.citizen] * 2
    await home.send(visit("V1"), hours=4)
    assert await home.told() == [home.citizen] * 2


async def test_a_second_sender_of_the_same_result_tells_nothing(home):
    await home.send(visit("V1"))
    await home.send(visit("S1", facility=STATION), hours=2)
    assert await home.told() == [home.citizen]


async def test_who_has_not_read_of_it_is_not_told_again_within_the_hour(home):
    await home.send(visit("V1"))
    await home.send(visit("V2", day="202611201000"), minutes=30)
    assert await home.told() == [home.citizen]
    await home.sql.execute("update notify.inbox_item set read_at = now()")
    await home.send(visit("V3", day="202611201100"), minutes=40)
    assert await home.told() == [home.citizen] * 2
    await home.send(visit("V4", day="202611201200"), minutes=101)
    assert await home.told() == [home.citizen] * 3


async def test_a_person_without_an_account_and_a_visit_without_results_tell_nobody(home):
    await home.send(visit("L1", LAM), visit("V1", value=""))
    assert await home.told() == []


async def test_who_manages_the_book_is_told_too_while_the_right_lasts(home):
    mother = await home.represented()
    await home.represented(can_manage=False, kind="delegate", valid_until=NOW + timedelta(days=9))
    await home.represented(revoked_at=NOW - timedelta(hours=1))
    await home.represented(valid_until=NOW - timedelta(hours=1))
    await home.represented(valid_from=NOW + timedelta(hours=1))
    await home.represented(sections=["vitals"])
    await home.send(visit("V1"))
    assert sorted(await home.told()) == sorted([home.citizen, mother])


async def test_a_sensitive_result_is_told_only_to_whom_it_is_shown(home):
    await home.represented()
    await home.represented(sensitive=["MENTAL"])
    await home.represented(sensitive=["HIV"], private_from=NOW - timedelta(days=1))
    seeing = await home.represented(sensitive=["HIV"], private_from=NOW + timedelta(days=1))
    await home.send(visit("V1", name="HIV Ab"))
    labels = await home.sql.fetch("select distinct sensitivity from book.labs where occurred > '2026'")
    assert [row[0] for row in labels] == ["HIV"]
    assert sorted(await home.told()) == sorted([home.citizen, seeing])


async def test_an_account_of_before_a_merge_is_told(home):
    await home.sql.execute("update access.citizen set patient_id = $1", uuid4())
    await home.sql.execute(
        "insert into access.patient_redirect (old_id, patient_id) select patient_id, $1 from access.citizen",
        home.patient,
    )
    await home.send(visit("V1"))
    assert await home.told() == [home.citizen]


async def test_what_is_not_stored_is_not_told(home):
    await home.sql.execute(
        "alter table book.labs add constraint refuses check (value is distinct from '6.66') not valid"
    )
    assert await home.send(visit("V1", value="6.66")) == ["refused"]
    assert await home.told() == []


async def test_two_imports_at_once_tell_once(home):
    await asyncio.gather(*(home.send(visit(f"V{n}", day=f"20261120{n + 8:02}00")) for n in range(6)))
    assert await home.told() == [home.citizen]


async def test_the_importing_login_learns_and_says_nothing_else(home):
    connection = await asyncpg.connect(home.database.intake)
    try:
        for wanted in (
            "select * from notify.inbox_item",
            "select patient_id from access.citizen",
            "select notify.post('security', '{}', null, null, now(), null)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(wanted)
        told = "select notify.results_came($1::uuid[], '{labs}', '{\"\"}', now())"
        assert await connection.fetchval(told, [home.patient]) == await connection.fetchval(told, [uuid4()])
    finally:
        await connection.close()


def report(status, value, day="2026-11-20"):
    """A FHIR bundle with one laboratory result of the home's citizen, of one identifier."""
    person = {"resourceType": "Patient", "id": "p", "name": [{"text": CHAM["HO_TEN"]}], "birthDate": "1955-03-14"}
    person |= {"gender": "female", "identifier": [{"system": systems.CCCD, "value": CHAM["SO_CCCD"]}]}
    result = {
        "resourceType": "Observation",
        "status": status,
        "category": [{"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": systems.LOINC, "code": "718-7"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "g/dL"},
    }
    entries = [{"resource": person}, {"resource": result}]
    named = {"system": "urn:his", "value": f"R{day}"}
    bundle = {"resourceType": "Bundle", "type": "collection", "identifier": named, "entry": entries}
    return list(submissions(json.dumps(bundle).encode(), facility=STATION, today=NOW.date()))


async def imported(home, found, **later):
    moved = replace(home.importer, clock=lambda: NOW + timedelta(**later))
    return [outcome.status async for outcome in moved.take(found)]


@pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error"])
async def test_a_result_is_news_when_it_can_be_read_and_not_when_it_is_taken_back(home, status):
    assert await imported(home, report(status, 13.5)) == ["accepted"]
    assert await home.told() == []
    assert await imported(home, report("final", 13.5), hours=2) == ["superseded"]
    assert await home.told() == [home.citizen]
    assert await imported(home, report("entered-in-error", 13.5), hours=4) == ["superseded"]
    assert await home.told() == [home.citizen]


@pytest.mark.parametrize(("day", "news"), [("2026", 0), ("2026-11", 1), ("2026-10", 0)])
async def test_a_date_that_is_not_exact_counts_as_its_first_day(home, day, news):
    assert await imported(home, report("final", 13.5, day)) == ["accepted"]
    assert len(await home.told()) == news

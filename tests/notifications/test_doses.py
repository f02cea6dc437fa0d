"""Vaccine doses that fall due: once each, to those whom it concerns, whatever is repeated, killed or cannot be read."""

import asyncio
import json
import signal
from datetime import date, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.exchange import fhir_systems as systems
from domain.intake.fhir import submissions
from domain.values import VIETNAM, utc_now
from notifications import doses
from tests.notifications.test_crashes import workers  # noqa: F401 -- a fixture
from tests.notifications.town import until

DAY = date(2026, 11, 21)


def bundle(number, born, given=(), conditions=(), sex="female"):
    """A person's book: BCG and the like by CVX code and day, diagnoses by ICD-10 and day."""
    person = {"resourceType": "Patient", "id": "p", "name": [{"text": f"TRẦN THỊ TÍM {number}"}], "gender": sex}
    person |= {"birthDate": born, "identifier": [{"system": systems.CCCD, "value": f"0011{number:08}"}]}
    subject = {"reference": "Patient/p"}
    shots = [
        {"resourceType": "Immunization", "status": "completed", "patient": subject, "occurrenceDateTime": day,
         "vaccineCode": {"coding": [{"system": systems.CVX, "code": code}]}}
        for code, day in given
    ]  # fmt: skip
    noted = [
        {"resourceType": "Condition", "subject": subject, "recordedDate": day, "onsetDateTime": day,
         "code": {"coding": [{"system": systems.ICD10, "code": code}]}}
        for code, day in conditions
    ]  # fmt: skip
    entries = [{"resource": one} for one in (person, *shots, *noted)]
    named = {"system": "urn:his", "value": str(number)}
    return json.dumps({"resourceType": "Bundle", "type": "collection", "identifier": named, "entry": entries}).encode()


@pytest.fixture
async def people(town, importer):
    """Makes a person with a book and an account of his own; or without one."""

    async def made(number, born, *, account=True, **book):
        found = submissions(bundle(number, born, **book), facility="01001", today=DAY)
        assert [one.status async for one in importer.take(found)] == ["accepted"]
        statement = "select patient_id from book.demographics order by received_at desc, id desc limit 1"
        patient = await town.sql.fetchval(statement)
        citizen = uuid4()
        if account:
            await town.sql.execute("insert into access.citizen (id, patient_id) values ($1, $2)", citizen, patient)
        return patient, citizen

    return made


async def represented(town, patient, **rights):
    mother = await town.citizen()
    values = {"id": uuid4(), "citizen_id": mother, "patient_id": patient, "kind": "parent", "can_manage": True}
    values |= {"valid_from": town.clock.now - timedelta(days=1), **rights}
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await town.sql.execute(
        f"insert into access.related_person ({', '.join(values)}) values ({marks})", *values.values()
    )
    return mother


async def begin(town):
    """How many pages wait that did not before."""
    async with AsyncSession(town.engine) as session:
        begun = await session.run_sync(doses.start_day, town.clock())
        await session.commit()
    return begun


async def run(town):
    """The day's jobs, as the queue would run them."""
    await doses.DoseDay(town.engine, town.clock)()
    page = doses.DosePage(town.engine, town.clock)
    take = "delete from jobs.pgqueuer where entrypoint = 'dose_reminders' returning payload"
    while rows := await town.sql.fetch(take):
        await asyncio.gather(*(page(json.loads(row["payload"])) for row in rows))


async def told(town):
    rows = await town.sql.fetch("select citizen_id from notify.inbox_item where kind = 'dose_due' order by id")
    return [row[0] for row in rows]


async def test_a_baby_with_nothing_given_is_one_notice_to_mother_and_none_the_day_after(town, people):
    patient, _ = await people(1, "2026-10-20", account=False)
    mother = await represented(town, patient)
    await run(town)
    item = await town.sql.fetchrow("select citizen_id, kind, patient_id, subject_id from notify.inbox_item")
    assert tuple(item) == (mother, "dose_due", patient, None)
    town.clock.forward(days=1)
    await run(town)
    assert await told(town) == [mother]


async def test_the_next_dose_is_told_a_week_before_its_day(town, people):
    """Born on 1 October: what comes at two months comes on 1 December."""
    patient, _ = await people(1, "2026-10-01", account=False, given=[("19", "2026-10-01"), ("08", "2026-10-01")])
    mother = await represented(town, patient)
    counts = []
    for _ in range(8):
        await run(town)
        counts.append(len(await told(town)))
        town.clock.forward(days=1)
    assert counts == [0, 0, 0, 1, 1, 1, 1, 1]
    assert set(await told(town)) == {mother}
    keys = await town.sql.fetchval("select count(*) from notify.dose_reminded")
    assert keys > 1, "several doses, one notice"


async def test_who_has_had_everything_or_is_dead_is_not_told(town, people):
    await people(1, "1990-05-01")
    patient, _ = await people(2, "2026-09-01")
    await town.sql.execute("update book.demographics set is_deceased = true where patient_id = $1", patient)
    await run(town)
    assert await told(town) == []


async def test_who_acts_for_another_is_told_where_he_sees_vaccinations(town, people):
    patient, own = await people(1, "2026-09-01")
    mother = await represented(town, patient, sections=["immunizations", "demographics"])
    await represented(town, patient, sections=["labs"])
    await represented(town, patient, kind="delegate", can_manage=False, valid_until=town.clock.now + timedelta(days=9))
    await represented(town, patient, revoked_at=town.clock.now)
    await run(town)
    assert sorted(await told(town)) == sorted([own, mother])


async def test_what_is_due_by_a_sensitive_diagnosis_alone_is_told_to_herself_only(town, people):
    patient, own = await people(1, "2010-05-01", conditions=[("Z34.0", "2026-09-10")])
    labels = await town.sql.fetch("select sensitivity from book.conditions where patient_id = $1", patient)
    assert [row[0] for row in labels] == ["REPRODUCTIVE"]
    await represented(town, patient, sensitive=[])
    await run(town)
    assert await told(town) == [own]


async def test_pages_reach_everybody_once_and_several_workers_share_them(town, people, monkeypatch):
    monkeypatch.setattr(doses, "PAGE", 3)
    mothers = []
    for number in range(1, 9):
        patient, _ = await people(number, "2026-09-01", account=False)
        mothers += [await represented(town, patient), await represented(town, patient)]
    await run(town)
    assert sorted(await told(town)) == sorted(mothers)


async def test_a_page_again_after_a_crash_tells_nobody_twice(town, people):
    _, own = await people(1, "2026-09-01")
    page = doses.DosePage(town.engine, town.clock)
    payload = {"day": DAY.isoformat(), "after": str(doses.FIRST)}
    await asyncio.gather(*(page(payload) for _ in range(4)))
    assert await told(town) == [own]


async def test_a_day_is_begun_once_and_not_before_seven(town):
    town.clock.now = town.clock.now.replace(hour=6, minute=59)
    assert await begin(town) == 0
    town.clock.forward(minutes=1)
    assert sum(await asyncio.gather(*(begin(town) for _ in range(4)))) == 1
    town.clock.forward(hours=15)
    assert await begin(town) == 0
    town.clock.forward(hours=9)
    assert await begin(town) == 1


async def test_whose_record_cannot_be_judged_holds_up_nobody(town, people, monkeypatch):
    _, first = await people(1, "2026-09-01")
    await people(2, "2026-09-02")
    _, last = await people(3, "2026-09-03")
    judge = doses.person_of

    def judged(record, day):
        if record["demographics"]["birthDate"] == "2026-09-02":
            raise ValueError("TRẦN THỊ TÍM")
        return judge(record, day)

    monkeypatch.setattr(doses, "person_of", judged)
    await run(town)
    assert sorted(await told(town)) == sorted([first, last])


async def test_after_a_merge_the_kept_book_counts_and_is_told_of_once(town, people):
    patient, own = await people(1, "2026-09-01")
    old, mother = uuid4(), await town.citizen()
    await town.sql.execute("insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", old, patient)
    await town.sql.execute("update access.citizen set patient_id = $1 where id = $2", old, mother)
    await run(town)
    assert sorted(await told(town)) == sorted([own, mother])


async def test_the_worker_reads_nothing_of_the_book_but_pages(town, people):
    await people(1, "2026-09-01")
    connection = await asyncpg.connect(town.database.worker)
    try:
        for table in ("demographics", "immunizations", "allergies", "conditions"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select patient_id from book.{table}")
        page = await connection.fetchval("select record::text from book.forecast_page($1, 5)", UUID(int=0))
        assert "TÍM" not in page
        assert "0011" not in page
    finally:
        await connection.close()
    for role in ("web", "auth", "consent", "intake"):
        connection = await asyncpg.connect(getattr(town.database, role))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select book.forecast_page($1, 5)", UUID(int=0))
        await connection.close()


async def test_a_killed_worker_loses_no_page(town, people, workers):  # noqa: F811 -- the fixture
    """A worker is killed with its page under way, which another takes up when its heart has stopped for long enough."""
    town.clock.now = utc_now()
    born = (town.clock.now.astimezone(VIETNAM).date() - timedelta(days=70)).isoformat()
    citizens = [(await people(number, born))[1] for number in range(1, 6)]
    lock = await asyncpg.connect(town.database.owner)
    held = lock.transaction()
    await held.start()
    await lock.execute("lock table notify.dose_reminded")
    async with AsyncSession(town.engine) as session:
        day = town.clock.now.astimezone(VIETNAM).date()
        await session.run_sync(lambda db: doses._enqueue(db, day, doses.FIRST))
        await session.commit()
    first = workers()

    async def is_under_way():
        return await town.sql.fetchval("select exists (select from pg_locks where not granted)")

    await until(is_under_way)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    await held.rollback()
    await lock.close()
    workers()

    async def is_done():
        return not await town.sql.fetchval("select exists (select from jobs.pgqueuer)")

    await until(is_done)
    assert sorted(await told(town)) == sorted(citizens)

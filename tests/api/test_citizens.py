"""Which record becomes a citizen's own at the first national sign-in: exactly one, or none."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from api.citizens import BookCitizens, Records
from auth.provider import PersonClaim
from domain import organizations
from domain.database import open_engine
from domain.values import new_id, utc_now
from tests.conftest import KEY
from tests.domain.intake.people_and_visits import LAM, STATION, rows, statuses, told

HERSELF = PersonClaim("001155000123", "Nguyễn Thị Chàm", "1955-03-14", "female")


@pytest.fixture
async def citizens(database):
    """As the login of the authorization server, with the rights that the migrations gave it."""
    engine = open_engine(database.auth)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    made = BookCitizens(sessions, demo=False, records=Records(database.intake, KEY))
    made.sessions = sessions
    yield made
    await engine.dispose()


@pytest.fixture
async def sent(intake, importer):
    async with intake.begin() as connection:
        await organizations.save(connection, [{"code": code, "name": "Trạm"} for code in ("01001", STATION)])
    assert await statuses(importer, told("V1"), told("V2", LAM)) == ["accepted", "accepted"]


async def newcomer(citizens):
    citizen_id = new_id()
    async with citizens.sessions() as session:
        await citizens.add(session, citizen_id)
        await session.commit()
    return citizen_id


async def record_of(database, citizen_id):
    return (await rows(database.owner, "select patient_id from access.citizen where id = $1", citizen_id))[0]


async def cham(database):
    (found,) = await rows(
        database.owner, "select distinct patient_id from book.demographics where birth_date like '1955-03-14%'"
    )
    return found


def but(**changes):
    told_of = {name: getattr(HERSELF, name) for name in ("cccd", "name", "birth_date", "sex")}
    return PersonClaim(**told_of | changes)


async def test_the_record_with_her_number_name_and_birthday_is_hers(citizens, sent, database):
    citizen_id = await newcomer(citizens)
    assert await citizens.exists(citizen_id)
    assert await citizens.link(citizen_id, HERSELF)
    assert await record_of(database, citizen_id) == await cham(database)


@pytest.mark.parametrize(
    "claim",
    [
        but(cccd="001155000124"),
        but(cccd="001070000456"),
        but(name="Nguyễn Thị Lam"),
        but(name="Chàm"),
        but(name=""),
        but(name="CON BÀ NGUYỄN THỊ CHÀM"),
        but(birth_date="1955-03-15"),
        but(birth_date="1955"),
        but(birth_date="1955-02-30"),
        but(birth_date="1956-03-14"),
        but(sex="male"),
        but(cccd="00115500012"),
        but(cccd="001155000123 "),
        but(cccd="001155000123\u0663"),
        but(cccd="' or 1=1 --"),
        but(name="Nguyễn Thị Chàm\x00"),
        but(name="N" * 300),
    ],
)
async def test_abuse_27_nothing_is_linked_where_anything_disagrees(citizens, sent, database, claim):
    citizen_id = await newcomer(citizens)
    assert not await citizens.link(citizen_id, claim)
    assert await record_of(database, citizen_id) is None


@pytest.mark.parametrize("name", ["NGUYEN THI CHAM", "Nguyễn Thị Chàm", "nguyễn thị  chàm"])
async def test_the_same_name_may_be_written_otherwise(citizens, sent, name):
    assert await citizens.link(await newcomer(citizens), but(name=name, sex=None))


async def test_two_records_that_both_fit_are_nobody_s(citizens, sent, database):
    """Two patients whom only a person can tell apart: the same number, name and birthday."""
    herself, twin = await cham(database), new_id()
    connection = await asyncpg.connect(database.owner)
    await connection.execute("insert into book.patient (patient_id) values ($1)", twin)
    for table in ("book.demographics", "intake.patient_key"):
        rest = await connection.fetchval(
            "select string_agg(quote_ident(column_name), ', ') from information_schema.columns "
            "where table_schema || '.' || table_name = $1 and column_name <> 'patient_id'",
            table,
        )
        copied = f"insert into {table} (patient_id, {rest}) select $1, {rest} from {table} where patient_id = $2"
        await connection.execute(copied, twin, herself)
    await connection.close()
    assert not await citizens.link(await newcomer(citizens), HERSELF)


async def test_a_record_that_has_its_citizen_is_nobody_else_s(citizens, sent, database):
    first, second = await newcomer(citizens), await newcomer(citizens)
    assert await citizens.link(first, HERSELF)
    assert not await citizens.link(second, HERSELF)
    assert await record_of(database, second) is None


async def test_a_record_whose_former_id_has_a_citizen_is_nobody_else_s(citizens, sent, database):
    first, second, former = await newcomer(citizens), await newcomer(citizens), new_id()
    connection = await asyncpg.connect(database.owner)
    await connection.execute("update access.citizen set patient_id = $1 where id = $2", former, first)
    await connection.execute(
        "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", former, await cham(database)
    )
    await connection.close()
    assert not await citizens.link(second, HERSELF)


async def test_a_citizen_keeps_the_record_he_has(citizens, sent, database):
    citizen_id = await newcomer(citizens)
    await citizens.link(citizen_id, HERSELF)
    lam = PersonClaim("001070000456", "Trần Văn Lam", "1970-05-02", "male")
    assert not await citizens.link(citizen_id, lam)
    assert await record_of(database, citizen_id) == await cham(database)


async def test_of_two_citizens_at_once_one_gets_the_record(citizens, sent):
    four = [await newcomer(citizens) for _ in range(4)]
    assert sorted(await asyncio.gather(*(citizens.link(one, HERSELF) for one in four))) == [False, False, False, True]


async def test_without_records_nobody_is_linked(citizens, sent, database):
    alone = BookCitizens(citizens.sessions, demo=False)
    citizen_id = await newcomer(citizens)
    assert not await alone.link(citizen_id, HERSELF)
    assert not await citizens.link(new_id(), HERSELF)


ROLE = """
insert into access.practitioner_role
  (id, citizen_id, organization_id, role, display_name, valid_from, valid_until, revoked_at)
values ($1, $2, $3, 'doctor', 'BS', $4, $5, $6)
"""


@pytest.mark.parametrize(
    ("since", "until", "revoked", "works"),
    [
        (-1, None, None, True),
        (-1, 1, None, True),
        (1, None, None, False),
        (-2, -1, None, False),
        (-2, None, -1, False),
    ],
)
async def test_a_living_role_at_the_facility(citizens, database, since, until, revoked, works):
    citizen_id, organization_id = await newcomer(citizens), new_id()
    moments = [None if days is None else utc_now() + timedelta(days=days) for days in (since, until, revoked)]
    connection = await asyncpg.connect(database.owner)
    await connection.execute(
        ROLE,
        new_id(),
        citizen_id,
        organization_id,
        *moments,
    )
    await connection.close()
    assert await citizens.works_at(citizen_id, organization_id) is works
    assert not await citizens.works_at(citizen_id, new_id())
    assert not await citizens.works_at(new_id(), organization_id)


async def test_a_warning_is_a_line_in_the_inbox_without_words(citizens, database):
    citizen_id = await newcomer(citizens)
    async with citizens.sessions() as session:
        await session.run_sync(citizens.warn, citizen_id, utc_now())
        await session.commit()
    found = "select kind, patient_id, subject_id from notify.inbox_item where citizen_id = $1"
    connection = await asyncpg.connect(database.owner)
    try:
        assert list(map(tuple, await connection.fetch(found, citizen_id))) == [("security", None, None)]
    finally:
        await connection.close()

"""The demo's clinic: open at any start, with places for the days to come, whatever a visitor did there."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from cli.demo_clinic import HORIZON_DAYS, OFFERS, open_clinic
from domain.values import utc_now

CODE = "79900"
FREE = """
select v.code, count(distinct (s.starts_at at time zone 'Asia/Ho_Chi_Minh')::date) as days, max(s.starts_at) as last
  from booking.slot s join booking.service v on v.organization_id = s.organization_id and v.id = s.service_id
 where s.taken < s.capacity and s.closed_at is null and s.starts_at > $1 group by v.code
"""
LONGEST_WAIT = """
select max(next - starts_at) from (
  select s.starts_at, lead(s.starts_at) over (order by s.starts_at) as next
    from booking.slot s join booking.service v on v.organization_id = s.organization_id and v.id = s.service_id
   where v.code = $1) places
"""


@pytest.fixture
async def sql(database):
    connection = await asyncpg.connect(database.owner)
    await connection.execute(
        "insert into registry.organization (id, code, name, status) values ($1, $2, 'Bệnh viện', 'active')",
        uuid4(), CODE,
    )  # fmt: skip
    yield connection
    await connection.close()


async def test_every_service_has_places_up_to_the_horizon(database, sql):
    now = utc_now()
    assert await open_clinic(database.addresses, CODE, now) > 0
    rows = {row["code"]: row for row in await sql.fetch(FREE, now)}
    assert rows.keys() == {offer.code for offer in OFFERS}
    for offer in OFFERS:
        assert rows[offer.code]["days"] >= HORIZON_DAYS * offer.days // 7 - 2
        assert rows[offer.code]["last"] > now + timedelta(days=HORIZON_DAYS)
    for code in ("TRUC", "TUVAN"):  # a tour finds a place at any hour
        assert await sql.fetchval(LONGEST_WAIT, code) <= timedelta(minutes=30)


async def test_a_start_a_week_later_has_new_places_and_the_same_start_again_none(database, sql):
    now = utc_now()
    made = await open_clinic(database.addresses, CODE, now)
    assert await open_clinic(database.addresses, CODE, now) == 0
    later = now + timedelta(days=7)
    assert 0 < await open_clinic(database.addresses, CODE, later) < made
    assert await open_clinic(database.addresses, CODE, later) == 0
    assert await sql.fetchval("select max(starts_at) from booking.slot") > later + timedelta(days=HORIZON_DAYS)


async def test_what_a_visitor_changed_stays_changed(database, sql):
    now = utc_now()
    await open_clinic(database.addresses, CODE, now)
    await sql.execute("update booking.policy set phone = '115'")
    await sql.execute("update booking.service set is_active = false where code = 'SIEUAM'")
    hours = await sql.fetchval("select count(*) from booking.hours")
    later = now + timedelta(days=7)
    await open_clinic(database.addresses, CODE, later)
    assert await sql.fetchval("select phone from booking.policy") == "115"
    assert await sql.fetchval("select count(*) from booking.hours") == hours
    assert "SIEUAM" not in {row["code"] for row in await sql.fetch(FREE, later)}

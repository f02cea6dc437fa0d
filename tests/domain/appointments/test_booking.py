"""One patient after the other: holding, booking, moving, cancelling, and every rule that says no."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from domain.appointments import booking, series, tidying
from domain.appointments.clinic_tables import Service
from domain.appointments.outcomes import Refused, Story
from domain.appointments.slips import Slip
from domain.errors import Invalid, NotFound
from tests.domain.appointments.world import NOW, patient


async def refused(attempt):
    with pytest.raises(Refused) as why:
        await attempt
    return why.value.reason


async def test_a_hold_becomes_an_appointment(world):
    slot = (await world.slots())[0]
    held = await world.hold(1, slot.id)
    assert held.held_until == NOW + timedelta(minutes=5)
    booked = await world.confirm(1, held.id)
    assert (booked.status, booked.held_until, booked.contact_name) == ("booked", None, "Người 1")
    assert (await world.confirm(1, held.id)).version == booked.version
    assert [kind for kind, _ in world.told()] == ["appointment_booked"]
    await world.check()


async def test_a_hold_that_passed_is_anybodys_again_without_a_sweeper(world):
    slot = (await world.slots())[0]
    held = await world.hold(1, slot.id)
    late = NOW + timedelta(minutes=5)
    assert await refused(world.confirm(1, held.id, now=late)) == "HOLD_EXPIRED"
    assert (await world.book(2, slot.id, now=late)).status == "booked"
    await world.check()


async def test_ones_own_hold_that_passed_stands_in_nobodys_way(world):
    first, second = (await world.slots())[:2]
    await world.hold(1, first.id)
    assert (await world.book(1, second.id, now=NOW + timedelta(minutes=6))).status == "booked"
    await world.check()


async def test_one_place_a_service_and_never_two_at_a_time(world):
    first, second = (await world.slots())[:2]
    await world.book(1, first.id)
    assert await refused(world.book(1, second.id)) == "ALREADY_BOOKED"
    (other,) = await world.sql(
        """insert into booking.service (organization_id, id, code, name, vaccine_codes, minutes, slip, is_telehealth,
                                        is_active)
           values ($1, gen_random_uuid(), 'TIEM', 'Tiêm', '{}', 15, 'none', false, true) returning id""",
        world.organization,
    )
    (crossing,) = await world.sql(
        """insert into booking.slot (organization_id, id, service_id, hours_id, starts_at, ends_at, capacity, taken,
                                     overbooked)
           values ($1, gen_random_uuid(), $2, gen_random_uuid(), $3, $4, 9, 0, 0) returning id""",
        world.organization, other["id"], first.starts_at + timedelta(minutes=10), first.ends_at + timedelta(hours=1),
    )  # fmt: skip
    assert await refused(world.book(1, crossing["id"])) == "OVERLAPS"
    await world.check()


async def test_moving_takes_the_new_place_and_gives_the_old_back(world):
    first, second, third = (await world.slots())[:3]
    mine = await world.book(1, first.id)
    await world.book(2, second.id)
    assert await refused(world.move(1, mine.id, second.id)) == "SLOT_TAKEN"
    moved = await world.move(1, mine.id, third.id)
    assert (moved.id, moved.slot_id, moved.starts_at) == (mine.id, third.id, third.starts_at)
    assert (await world.move(1, mine.id, third.id)).version == moved.version
    assert (await world.book(3, first.id)).status == "booked"
    assert world.told()[2] == ("appointment_moved", patient(1).id)
    await world.check()


async def test_after_the_cut_off_the_clinic_has_to_be_called(world):
    first, second = (await world.slots())[:2]
    mine = await world.book(1, first.id)
    late = first.starts_at - timedelta(hours=3)
    with pytest.raises(Refused) as why:
        await world.cancel(1, mine.id, now=late)
    assert (why.value.reason, why.value.phone) == ("TOO_LATE", "024 1234")
    assert await refused(world.move(1, mine.id, second.id, now=late)) == "TOO_LATE"
    in_time = await world.cancel(1, mine.id, now=first.starts_at - timedelta(hours=5))
    assert in_time.status == "cancelled"
    assert (await world.cancel(1, mine.id)).version == in_time.version
    await world.check()


async def test_lead_time_and_horizon(world):
    slots = await world.slots()
    assert await refused(world.book(1, slots[0].id, now=slots[0].starts_at - timedelta(minutes=59))) == "TOO_SOON"
    assert await refused(world.book(1, slots[0].id, now=slots[0].starts_at - timedelta(days=31))) == "TOO_FAR"
    assert await refused(world.book(1, slots[0].id, now=slots[0].ends_at + timedelta(days=1))) == "TOO_SOON"
    with pytest.raises(NotFound):
        await world.book(1, uuid4())


async def test_who_did_not_come_twice_has_to_call(world):
    slots = await world.slots()
    for slot in slots[:2]:
        made = await world.book(1, slot.id)
        await world.sql("update booking.booking set status = 'no_show' where id = $1", made.id)
    assert await refused(world.book(1, slots[2].id)) == "CALL_NEEDED"
    assert (await world.book(2, slots[2].id)).status == "booked"


async def test_nobody_sees_or_changes_what_is_anothers(world):
    mine = await world.book(1, (await world.slots())[0].id)
    with pytest.raises(NotFound):
        await world.cancel(2, mine.id)
    seen = await world.run(lambda db: db.execute(text("select count(*) from booking.booking")).scalar(), who=patient(2))
    assert seen == 0
    stolen = "update booking.slot set taken = 0 returning id"
    assert await world.run(lambda db: db.execute(text(stolen)).all(), who=patient(2)) == []


async def test_the_same_key_for_another_slot_is_a_mistake(world):
    first, second = (await world.slots())[:2]
    await world.book(1, first.id, key=b"k")
    with pytest.raises(Invalid):
        await world.book(1, second.id, key=b"k")


async def book_series(world, number, slots, key=None):
    story, who = Story(), patient(number)
    wanted = [world.place(slot.id) for slot in slots]
    return await world.run(lambda db: series.book_series(db, who, wanted, key=key, now=NOW, story=story), who=who)


async def test_a_series_is_booked_whole_or_not_at_all(world):
    slots = await world.slots()
    await world.book(9, slots[1].id)
    with pytest.raises(Refused) as why:
        await book_series(world, 1, slots[:3])
    assert (why.value.reason, why.value.slots) == ("SLOT_TAKEN", ((world.organization, slots[1].id),))
    assert await world.statuses() == ["booked"]
    made = await book_series(world, 1, [slots[0], slots[2], slots[4]], key=b"k")
    assert [one.series_place for one in made] == [1, 2, 3]
    assert len({one.series_id for one in made}) == 1
    again = await book_series(world, 1, [slots[0], slots[2], slots[4]], key=b"k")
    assert [one.id for one in again] == [one.id for one in made]
    await world.check()


@pytest.mark.parametrize("places", [[0], [0, 0], list(range(8)) * 8])
async def test_a_series_is_of_several_slots_each_once(world, places):
    slots = await world.slots()
    with pytest.raises(Invalid):
        await book_series(world, 1, [slots[place] for place in places])


REFERRAL = """insert into book.referrals (patient_id, id, source_id, organization_id, received_at, fact_key,
                                          content_key, sources, status, valid_until, to_facility_code, document)
              values ($1, $2, $3, $4, now(), 'f', 'c', '[]', $5, $6, $7, 'x')"""


@pytest.mark.parametrize(
    ("status", "until", "facility", "expected"),
    [
        ("active", None, None, "booked"),
        ("active", "2026-12-31", "01001", "booked"),
        ("active", "2026-11", "01001", "booked"),
        ("active", "2026-11-24", "01001", "SLIP_NOT_VALID"),
        ("revoked", None, "01001", "SLIP_NOT_VALID"),
        ("active", None, "01002", "SLIP_NOT_VALID"),
    ],
)
async def test_a_slip_of_ones_own_book(world, status, until, facility, expected):
    await world.run(
        lambda db: db.get(Service, (world.organization, world.service)).__setattr__("slip", "referral"), clinic=True
    )
    who, slip = patient(1), Slip("referral", uuid4())
    await world.sql("insert into book.patient (patient_id) values ($1)", who.id)
    await world.sql(REFERRAL, who.id, slip.id, uuid4(), world.organization, status, until, facility)
    slots = await world.slots()

    async def book(slot, given):
        work = lambda db: booking.book(  # noqa: E731
            db, who, world.place(slot.id), key=None, slip=given, now=NOW, story=Story()
        )
        try:
            return (await world.run(work, who=who)).status
        except Refused as why:
            return why.reason

    assert await book(slots[0], None) == "SLIP_NEEDED"
    assert await book(slots[0], Slip("referral", uuid4())) == "SLIP_NOT_VALID"
    assert await book(slots[0], Slip("follow_up", slip.id)) == "SLIP_NEEDED"
    assert await book(slots[0], slip) == expected
    if expected == "booked":
        await world.sql("update booking.booking set status = 'done'")
        assert await book(slots[1], slip) == "SLIP_USED"
        await world.sql("update booking.booking set status = 'cancelled'")
        assert await book(slots[1], slip) == "booked"


async def test_names_and_numbers_are_erased_after_ninety_days(world):
    slot = (await world.slots())[0]
    await world.book(1, slot.id)
    after = slot.ends_at + timedelta(days=90, seconds=1)
    assert await world.run(lambda db: tidying.erase_contacts(db, after - timedelta(days=1))) == 0
    assert await world.run(lambda db: tidying.erase_contacts(db, after)) == 1
    (row,) = await world.sql("select contact_name, contact_phone from booking.booking")
    assert tuple(row) == (None, None)

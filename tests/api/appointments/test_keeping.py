"""The worker's part of appointments, as it runs it: with the login of the service, and without a person."""

from datetime import timedelta

from cli.appointments import erase_contacts, let_lapse, make_slots, pass_places_on
from domain.values import utc_now
from tests.api.appointments.world import CANCEL, CONTACT, HOLD, JOIN, LIST, bookable


async def test_slots_are_made_ahead_and_again_changes_nothing(book):
    world = await bookable(book)
    await book.sql("delete from booking.slot")
    assert await make_slots(book.database.addresses) == 8
    assert await make_slots(book.database.addresses) == 0
    assert len(await world.slots()) == 8


async def test_an_offer_that_passed_goes_on_and_is_told(book):
    world = await bookable(book)
    mine, other = await world.book(), await world.other_phone()
    latest = (utc_now() + timedelta(days=30)).isoformat()
    await other.get(JOIN, service=world.service, contact=CONTACT, latest=latest)
    third = await world.other_phone(5)
    await third.get(JOIN, service=world.service, contact=CONTACT, latest=latest)
    await world.phone.get(CANCEL, id=mine["id"])
    assert await pass_places_on(book.database.addresses) == 0
    await book.sql("update booking.booking set held_until = now() - interval '1 second' where status = 'offered'")
    assert await pass_places_on(book.database.addresses) == 1
    assert len((await third.get(LIST, status=["OFFERED"]))["nodes"]) == 1
    assert await world.inbox(book.citizens[5]) == ["waiting_list_offer"]


async def test_a_hold_that_passed_is_tidied_and_old_names_are_erased(book):
    world = await bookable(book)
    await world.phone.get(HOLD, slot=(await world.slots())[0]["id"])
    await book.sql("update booking.booking set held_until = now() - interval '1 second'")
    assert await pass_places_on(book.database.addresses) == 1
    assert len(await world.slots()) == 8
    await world.book()
    await book.sql(
        "update booking.booking set ends_at = now() - interval '91 days', starts_at = now() - interval '92 days'"
    )
    assert await erase_contacts(book.database.addresses) == 1
    (row,) = await book.sql("select count(contact_name) as names from booking.booking")
    assert row["names"] == 0


async def test_what_the_clinic_did_not_settle_lapses_and_is_booked_again(book):
    world = await bookable(book)
    await world.book()
    await book.sql(
        "update booking.booking set ends_at = now() - interval '25 hours', starts_at = now() - interval '26 hours'"
    )
    assert await let_lapse(book.database.addresses) == 1
    assert [one["status"] for one in (await world.phone.get(LIST, status=["LAPSED"]))["nodes"]] == ["LAPSED"]
    assert (await world.book())["status"] == "BOOKED"

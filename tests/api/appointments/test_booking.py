"""A citizen finds a place and books it, at the phone."""

import asyncio
from datetime import timedelta

from cli.appointments import make_slots
from domain.values import utc_now
from tests.api.appointments.world import (
    ACCEPT,
    BOOK,
    CANCEL,
    CITIZEN,
    CLOSE,
    CONTACT,
    DECLINE,
    HOLD,
    HOURS,
    JOIN,
    LEAVE,
    LINES,
    LIST,
    MOVE,
    NOTICES,
    ONE,
    SERIES,
    SERVICE,
    SLOTS,
)


def later(**delta):
    return (utc_now() + timedelta(**delta)).isoformat()


class TestLooking:
    async def test_free_places_in_pages_without_a_gap(self, world):
        seen, after = [], None
        while True:
            page = await world.phone.get(SLOTS, filter={"specialty": "general"}, first=3, after=after)
            seen += [one["id"] for one in page["nodes"]]
            after = page["endCursor"]
            if not page["hasNextPage"]:
                break
        assert seen == await world.all_slots()
        assert len(seen) == 8

    async def test_a_place_that_is_taken_is_not_shown(self, world):
        first = (await world.slots())[0]
        assert first["free"] == 1
        await world.book()
        assert first["id"] not in [one["id"] for one in await world.slots()]

    async def test_by_what_and_when(self, world):
        for wanted, found in (
            ({"serviceCode": "KHAM"}, 8),
            ({"serviceCode": "TIEM"}, 0),
            ({"organizationCode": "99001"}, 0),
            ({"provinceCode": "79"}, 0),
            ({"vaccineCode": "BCG"}, 0),
            ({"telehealth": False, "specialty": "general"}, 8),
            ({"telehealth": True, "specialty": "general"}, 0),
            ({"specialty": "general", "from": "+6d"}, 4),
            ({"specialty": "general", "to": "+6d"}, 4),
        ):
            told = {name: later(days=6) if value == "+6d" else value for name, value in wanted.items()}
            assert len((await world.phone.get(SLOTS, filter=told))["nodes"]) == found, wanted

    async def test_around_a_place_the_nearest_first(self, world):
        await world.clinic.book.sql("update booking.policy set latitude = 21.03, longitude = 105.85")
        near = {"lat": 21.0, "lng": 105.85, "km": 10}
        page = await world.phone.get(SLOTS, filter={"near": near}, earliest=False, first=5)
        assert {one["distanceKm"] for one in page["nodes"]} == {3.3}
        rest = await world.phone.get(SLOTS, filter={"near": near}, earliest=False, first=5, after=page["endCursor"])
        assert len({one["id"] for one in page["nodes"] + rest["nodes"]}) == 8
        assert (await world.phone.get(SLOTS, filter={"near": near | {"km": 3}}))["nodes"] == []

    async def test_what_cannot_be_looked_for_is_told(self, world):
        for wrong in (
            {"filter": {"specialty": "a\x00"}},
            {"filter": {"near": {"lat": 91, "lng": 0}}},
            {"filter": {"near": {"lat": 21, "lng": 105, "km": 5000}}},
            {"filter": {"from": "2026-13-01T00:00:00Z"}},
            {"filter": {"from": "9999-12-31T00:00:00Z"}},
            {"filter": {"from": "0001-01-01T00:00:00Z"}},
            {"filter": {"from": "2026-11-25T00:00:00Z", "to": "2026-11-24T00:00:00Z"}},
            {"filter": {}, "earliest": False},
            {"filter": {}, "first": 0},
            {"filter": {}, "first": 101},
            {"filter": {}, "after": "x"},
            {"filter": {"specialty": "x" * 1000}},
        ):
            assert await world.phone.refused(SLOTS, **wrong) == "INVALID", wrong


class TestBooking:
    async def test_holding_and_confirming(self, world):
        slot = (await world.slots())[0]["id"]
        held = await world.phone.get(HOLD, slot=slot)
        assert (held["status"], held["heldUntil"] is not None) == ("HELD", True)
        booked = await world.phone.get(BOOK, hold=held["id"], contact=CONTACT)
        assert (booked["id"], booked["status"], booked["heldUntil"]) == (held["id"], "BOOKED", None)
        assert await world.inbox() == ["appointment_booked"]
        assert (await world.phone.get(ONE, id=held["id"]))["status"] == "BOOKED"

    async def test_of_many_phones_one_has_the_place(self, world):
        slot = (await world.slots())[0]["id"]
        phones = [await world.other_phone(number) for number in range(6)]
        answers = await asyncio.gather(*(phone.get(BOOK, slot=slot, contact=CONTACT) for phone in phones))
        codes = sorted(answer.get("code") or "BOOKED" for answer in answers)
        assert codes == ["BOOKED", *["SLOT_TAKEN"] * 5]

    async def test_a_retry_gets_the_same_answer(self, world):
        first, again = await world.book(key="tap 1"), await world.book(key="tap 1")
        assert first == again
        assert await world.inbox() == ["appointment_booked"]

    async def test_moving_and_cancelling(self, world):
        mine, slots = await world.book(), await world.all_slots()
        moved = await world.phone.get(MOVE, id=mine["id"], slot=slots[3])
        assert (moved["id"], moved["version"]) == (mine["id"], 2)
        assert slots[0] in [one["id"] for one in await world.slots()]
        assert (await world.phone.get(CANCEL, id=mine["id"]))["status"] == "CANCELLED"
        assert await world.inbox() == ["appointment_booked", "appointment_moved", "appointment_cancelled"]

    async def test_too_late_names_the_number_to_call(self, world):
        mine = await world.book()
        await world.clinic.book.sql("update booking.policy set cancel_minutes = 43200")
        refused = await world.phone.get(CANCEL, id=mine["id"])
        assert (refused["code"], refused["phone"]) == ("TOO_LATE", "024 38 123 456")

    async def test_a_series_or_nothing(self, world):
        slots = await world.all_slots()
        await world.book(await world.other_phone(), 1)
        refused = await world.phone.get(SERIES, slots=slots[:3], contact=CONTACT)
        assert (refused["code"], refused["slots"]) == ("SLOT_TAKEN", [slots[1]])
        made = (await world.phone.get(SERIES, slots=[slots[0], slots[4]], contact=CONTACT))["nodes"]
        assert len({one["seriesId"] for one in made}) == 1
        assert await world.phone.refused(SERIES, slots=slots[:1], contact=CONTACT) == "INVALID"
        assert await world.phone.refused(SERIES, slots=slots * 20, contact=CONTACT) == "INVALID"

    async def test_a_slip_that_is_none_of_his_book_is_not_valid(self, world):
        from api.representation.reading import own_id

        await world.desk.get(SERVICE, code="KHAM", service={"name": "Khám", "minutes": 5, "slip": "REFERRAL"})
        assert (await world.book())["code"] == "SLIP_NEEDED"
        slip = own_id("referrals", world.clinic.patient, world.clinic.patient)
        assert (await world.book(slip=slip))["code"] == "SLIP_NOT_VALID"
        slot = (await world.all_slots())[0]
        for wrong in (own_id("labs", world.clinic.patient, world.clinic.patient), "x", "é", "a" * 500):
            assert await world.phone.refused(BOOK, slot=slot, contact=CONTACT, slip=wrong) == "INVALID"

    async def test_the_link_is_told_near_the_time_and_to_the_patient_only(self, world):
        link = "https://kham.example/abc"
        service = {"name": "Khám từ xa", "minutes": 5, "isTelehealth": True, "joinLink": link}
        await world.desk.get(SERVICE, code="KHAM", service=service)
        mine = await world.book()
        assert mine["joinLink"] is None
        await world.clinic.book.sql(
            "update booking.booking set starts_at = now() + interval '10 minutes', ends_at = now() + interval '1 hour'"
        )
        assert (await world.phone.get(ONE, id=mine["id"]))["joinLink"] == link
        assert await (await world.other_phone()).refused(ONE, id=mine["id"]) == "NOT_FOUND"

    async def test_pages_of_appointments(self, world):
        made = [await world.book(place=0)]
        made.append(await world.phone.get(CANCEL, id=made[0]["id"]))
        made.append(await world.book(place=5))
        page = await world.phone.get(LIST, first=1)
        assert page["nodes"][0]["id"] == made[2]["id"]
        assert (await world.phone.get(LIST, first=5, after=page["endCursor"]))["nodes"][0]["id"] == made[0]["id"]
        assert [one["status"] for one in (await world.phone.get(LIST, status=["CANCELLED"]))["nodes"]] == ["CANCELLED"]

    async def test_malformed_bookings(self, world):
        slot = (await world.all_slots())[0]
        for wrong in (
            {"slot": "x"},
            {"slot": "é" * 10},
            {"slot": "A" * 300},
            {},
            {"contact": {"name": " ", "phone": "0901234567"}},
            {"contact": {"name": "a\x00b", "phone": "0901234567"}},
            {"contact": {"name": "a" * 101, "phone": "0901234567"}},
            {"contact": {"name": "An", "phone": "1; drop table"}},
            {"key": ""},
            {"key": "k" * 201},
        ):
            told = {"slot": slot, "contact": CONTACT} | wrong if wrong else {"contact": CONTACT}
            assert await world.phone.refused(BOOK, **told) == "INVALID", wrong


class TestForOthers:
    async def test_a_guardian_books_and_the_patient_is_told(self, world):
        helper = world.clinic.book.citizens[4]
        await world.clinic.relate(helper)
        mine = await world.book(await world.other_phone(4), patient=str(world.clinic.patient))
        assert mine["patientId"] == str(world.clinic.patient)
        assert await world.inbox() == ["appointment_booked"]
        assert await world.inbox(helper) == ["appointment_booked"]

    async def test_a_delegate_books_who_sees_what_is_to_come(self, world):
        helper, patient = world.clinic.book.citizens[4], str(world.clinic.patient)
        await world.clinic.relate(helper, kind="delegate", can_manage=False)
        phone, slot = await world.other_phone(4), (await world.all_slots())[0]
        limit = "update access.related_person set sections = $2 where citizen_id = $1"
        await world.clinic.book.sql(limit, helper, ["labs"])
        assert await phone.refused(BOOK, slot=slot, contact=CONTACT, patient=patient) == "FORBIDDEN"
        assert await phone.refused(LIST, patient=patient) == "FORBIDDEN"
        await world.clinic.book.sql(limit, helper, ["follow_ups"])
        assert (await phone.get(BOOK, slot=slot, contact=CONTACT, patient=patient))["status"] == "BOOKED"

    async def test_nobody_books_for_a_stranger_or_without_the_scope(self, world):
        slot, stranger = (await world.all_slots())[0], await world.other_phone(4)
        told = {"slot": slot, "contact": CONTACT, "patient": str(world.clinic.patient)}
        assert await stranger.refused(BOOK, **told) == "NOT_FOUND"
        assert await (await world.clinic.phone(scope="consent:read")).refused(BOOK, **told) == "INSUFFICIENT_SCOPE"
        assert await (await world.clinic.phone(scope="consent:read")).refused(SLOTS, filter={}) == "INSUFFICIENT_SCOPE"
        facility = await world.clinic.desk(scope="appointment:write appointment:read")
        assert await facility.refused(BOOK, **told) == "NOT_FOUND"
        assert await facility.refused(LIST, patient=str(world.clinic.patient)) == "NOT_FOUND"

    async def test_what_was_done_stands_in_the_log(self, world):
        await world.book()
        assert await world.clinic.logged("bookAppointment") == [("ALLOWED", world.clinic.patient)]


class TestWaiting:
    async def test_a_freed_place_is_offered_and_taken(self, world):
        mine, other = await world.book(), await world.other_phone()
        joined = await other.get(JOIN, service=world.service, contact=CONTACT, latest=later(days=30))
        assert joined["serviceId"] == world.service
        await world.phone.get(CANCEL, id=mine["id"])
        assert await world.inbox(world.clinic.book.citizens[4]) == ["waiting_list_offer"]
        (offer,) = (await other.get(LIST, status=["OFFERED"]))["nodes"]
        assert (await world.book())["code"] == "SLOT_TAKEN"
        assert await world.phone.refused(ACCEPT, id=offer["id"]) == "NOT_FOUND"
        assert (await other.get(ACCEPT, id=offer["id"]))["status"] == "BOOKED"
        assert await other.get(LINES) == []

    async def test_the_notice_of_an_offer_leads_to_the_offer_and_then_to_the_appointment(self, world):
        mine, other = await world.book(), await world.other_phone(scope=f"{CITIZEN} inbox:read")
        await other.get(JOIN, service=world.service, contact=CONTACT, latest=later(days=30))
        await world.phone.get(CANCEL, id=mine["id"])
        (offered,) = (await other.get(NOTICES))["nodes"]
        made = await other.get(ACCEPT, id=offered["link"]["subjectId"])
        assert made["status"] == "BOOKED"
        booked = (await other.get(NOTICES))["nodes"][0]
        assert (booked["kind"], booked["link"]["subjectId"]) == ("APPOINTMENT_BOOKED", made["id"])
        assert (await other.get(ONE, id=booked["link"]["subjectId"]))["status"] == "BOOKED"

    async def test_declining_and_leaving(self, world):
        mine, other = await world.book(), await world.other_phone()
        joined = await other.get(JOIN, service=world.service, contact=CONTACT, latest=later(days=30))
        await world.phone.get(CANCEL, id=mine["id"])
        (offer,) = (await other.get(LIST, status=["OFFERED"]))["nodes"]
        assert (await other.get(DECLINE, id=offer["id"]))["status"] == "CANCELLED"
        assert [one["status"] for one in await other.get(LINES)] == ["WAITING"]
        assert await world.phone.refused(LEAVE, id=joined["id"]) == "NOT_FOUND"
        assert (await other.get(LEAVE, id=joined["id"]))["status"] == "LEFT"
        assert (await world.book())["status"] == "BOOKED"

    async def test_new_hours_are_offered_and_told(self, world):
        other = await world.other_phone()
        await other.get(JOIN, service=world.service, contact=CONTACT, latest=later(days=30))
        local = utc_now() + timedelta(hours=7, days=3)
        day = {"weekday": local.isoweekday(), "validFrom": local.date().isoformat()}
        hours = {"serviceId": world.service, "opensAt": "14:00", "closesAt": "15:00", "slotMinutes": 30}
        await world.desk.get(HOURS, hours=hours | day)
        assert await world.inbox(world.clinic.book.citizens[4]) == ["waiting_list_offer"]
        (offer,) = (await other.get(LIST, status=["OFFERED"]))["nodes"]
        assert (await other.get(ACCEPT, id=offer["id"]))["status"] == "BOOKED"

    async def test_slots_that_the_worker_makes_are_offered_and_told(self, world):
        other = await world.other_phone()
        await other.get(JOIN, service=world.service, contact=CONTACT, latest=later(days=30))
        await world.clinic.book.sql("delete from booking.slot")
        assert await make_slots(world.clinic.book.database.addresses) == 8
        assert await world.inbox(world.clinic.book.citizens[4]) == ["waiting_list_offer"]
        assert await make_slots(world.clinic.book.database.addresses) == 0
        assert await world.inbox(world.clinic.book.citizens[4]) == ["waiting_list_offer"]

    async def test_a_time_that_cannot_be(self, world):
        for told in (later(days=-1), later(days=400), "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            assert await world.phone.refused(JOIN, service=world.service, contact=CONTACT, latest=told) == "INVALID"


async def test_a_closed_day_tells_everybody_once_and_offers_another_place(world):
    phones = [world.phone, await world.other_phone(4)]
    made = [await world.book(phone, place) for place, phone in enumerate(phones)]
    assert await world.desk.get(CLOSE, date=world.day) == {"cancelled": 2, "offered": 2}
    assert await world.inbox() == ["appointment_booked", "appointment_cancelled"]
    lost = await phones[0].get(ONE, id=made[0]["id"])
    assert lost["status"] == "CANCELLED_BY_CLINIC"
    assert (await phones[0].get(ACCEPT, id=lost["offeredInsteadId"]))["status"] == "BOOKED"
    assert await world.desk.get(CLOSE, date=world.day) == {"cancelled": 0, "offered": 0}
    assert await phones[1].refused(CLOSE, date=world.day) == "INSUFFICIENT_SCOPE"

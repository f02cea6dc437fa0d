"""A check-in pass: made by the patient, handed in by the one clinic that it names, once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from uuid import uuid4

from domain.values import utc_now
from tests.api.appointments.passes import (
    HAND_IN,
    MAKE,
    READ,
    SECTIONS,
    TEXT,
    booked_today,
    claims_of,
    hand_in,
    made_earlier,
    make,
    noon,
    refusal,
    visits,
)
from tests.api.appointments.test_desk import today
from tests.api.appointments.world import CANCEL, CITIZEN, CLINIC_CANCEL, MOVE, ONE, POLICY, STEP, WARD
from tests.api.test_visits import CHECK_OUT, CHOOSE, offer
from tests.api.test_visits import TEXT as VISIT_TEXT


async def test_a_pass_opens_the_visit_and_gives_the_number_as_a_qr_at_the_desk_does(world, desk):
    mine = await booked_today(world)
    shown = await make(world.phone, mine["id"])
    assert (shown["appointmentId"], shown["sections"]) == (mine["id"], SECTIONS)
    here = await hand_in(desk, shown["token"])
    assert here["visit"]["patientId"] == str(world.clinic.patient)
    assert here["visit"]["sections"] == SECTIONS
    assert here["appointment"]["id"] == mine["id"]
    assert (here["appointment"]["status"], here["appointment"]["queueNumber"]) == ("CHECKED_IN", 1)
    assert here["appointment"]["passName"] == claims_of(shown["token"])["appointment"]
    assert await world.clinic.read_by(desk) == set(SECTIONS)
    assert await world.inbox() == ["appointment_booked", "visit"]
    logged = await world.clinic.logged("checkIn")
    assert logged[-1] == ("ALLOWED", world.clinic.patient)
    assert await world.clinic.logged("makeCheckInPass") == [("ALLOWED", world.clinic.patient)]


async def test_a_pass_that_is_handed_in_again_after_the_check_out_opens_nothing_anew(world, desk):
    mine = await booked_today(world)
    shown = await make(world.phone, mine["id"])
    first = await hand_in(desk, shown["token"])
    assert await hand_in(desk, shown["token"]) == first
    ended = await desk.get(CHECK_OUT, id=first["visit"]["id"])
    again = await hand_in(desk, shown["token"])
    assert again["visit"] == first["visit"] | ended
    assert (again["appointment"]["status"], again["appointment"]["queueNumber"]) == ("DONE", 1)
    assert await world.clinic.read_by(desk) == set()
    assert await world.inbox() == ["appointment_booked", "visit", "visit"]
    assert await visits(world) == 1


async def test_two_passes_of_one_appointment_are_one_check_in(world, desk):
    mine = await booked_today(world)
    tokens = [(await make(world.phone, mine["id"], [section]))["token"] for section in SECTIONS]
    assert len(set(tokens)) == 2
    assert await hand_in(desk, tokens[0]) == await hand_in(await world.clinic.desk(WARD, READ), tokens[1])
    assert await world.clinic.read_by(desk) == {"labs"}


async def test_who_came_with_a_qr_already_is_not_checked_in_again_by_his_pass(world, desk):
    mine = await booked_today(world)
    token = (await make(world.phone, mine["id"], ["labs", "vitals"]))["token"]
    by_qr = await desk.get(HAND_IN, offer=(await offer(world.phone, ["vitals"]))["token"])
    assert await hand_in(desk, token) == by_qr
    assert await world.clinic.read_by(desk) == {"vitals"}


async def test_who_was_let_in_by_name_gets_his_visit_by_his_pass_and_keeps_his_number_and_hour(world, desk):
    mine = await booked_today(world)
    token = (await make(world.phone, mine["id"]))["token"]
    await made_earlier(world, timedelta(seconds=30))
    assert (await desk.get(STEP, id=mine["id"], to="CHECKED_IN"))["queueNumber"] == 1
    (row,) = await world.clinic.book.sql("select arrived_at from booking.booking")
    here = await hand_in(desk, token, utc_now() - timedelta(seconds=20))
    assert here["appointment"]["queueNumber"] == 1
    assert here["appointment"]["arrivedAt"] == row["arrived_at"].isoformat()
    assert await world.clinic.read_by(desk) == set(SECTIONS)


async def test_a_pass_still_opens_the_book_of_who_was_merged_since(world, desk):
    mine = await booked_today(world)
    token = (await make(world.phone, mine["id"]))["token"]
    (kept,) = await world.clinic.book.sql(
        "select patient_id from access.citizen where id = $1", world.clinic.book.citizens[5]
    )
    await world.clinic.book.sql(
        "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)",
        world.clinic.patient, kept["patient_id"],
    )  # fmt: skip
    here = await hand_in(desk, token)
    assert here["visit"]["patientId"] == str(kept["patient_id"])
    assert here["appointment"]["status"] == "CHECKED_IN"
    assert await hand_in(desk, token) == here


class TestWhenHeCame:
    async def test_the_clinic_tells_it_later_and_the_visit_is_a_day_from_then(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        came = await made_earlier(world, timedelta(hours=20)) + timedelta(minutes=20)
        here = await hand_in(desk, token, came)
        assert here["appointment"]["arrivedAt"] == came.isoformat()
        assert here["visit"]["validUntil"] == (came + timedelta(days=1)).isoformat()
        (row,) = await world.clinic.book.sql("select queue_day from booking.booking")
        assert row["queue_day"] == came.astimezone(await noon(world)).date(), "the number is of the day he came"
        assert await world.clinic.read_by(desk) == set(SECTIONS)

    async def test_it_is_an_instant_not_before_the_pass_nor_in_the_future(self, world, desk):
        token = (await make(world.phone, (await booked_today(world))["id"]))["token"]
        off = [timedelta(minutes=3), timedelta(hours=-1), timedelta(days=-2), timedelta(days=10_000)]
        wrong = ["", "yesterday", "2026-11-25", "0001-01-01T00:00:00+14:00"]
        for at in [*wrong, *((utc_now() + by).isoformat() for by in off)]:
            assert await desk.refused(HAND_IN, **{"pass": token, "at": at}) == "INVALID", at
        assert await visits(world) == 0

    async def test_it_is_not_older_than_a_day(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        made = await made_earlier(world, timedelta(hours=24, minutes=1))
        assert await desk.refused(HAND_IN, **{"pass": token, "at": made.isoformat()}) == "INVALID"

    async def test_a_clock_may_be_a_minute_wrong(self, world, desk):
        mine = await booked_today(world)
        shown = await make(world.phone, mine["id"])
        here = await hand_in(desk, shown["token"], utc_now() + timedelta(minutes=1))
        assert here["appointment"]["arrivedAt"] <= utc_now().isoformat()

    async def test_a_pass_is_of_no_use_to_who_comes_after_it_ended(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        made = await made_earlier(world, timedelta(hours=5))
        assert await refusal(desk, token) == "PASS_OF_ANOTHER_TIME"
        late = (made + timedelta(hours=4)).isoformat()
        assert await refusal(desk, token, late) == "PASS_OF_ANOTHER_TIME"
        assert (await world.phone.get(ONE, id=mine["id"]))["status"] == "BOOKED"

    async def test_nor_to_who_comes_the_evening_before(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        await world.clinic.book.sql("update booking.check_in_pass set valid_from = valid_from + interval '30 minutes'")
        assert await refusal(desk, token) == "PASS_OF_ANOTHER_TIME"

    async def test_it_goes_with_a_pass_alone(self, world, desk):
        at = utc_now().isoformat()
        assert await desk.refused(HAND_IN, offer="x", at=at) == "INVALID"
        assert await desk.refused(HAND_IN, offer="x", **{"pass": "x"}) == "INVALID"


class TestTheRace:
    async def test_of_fifty_desks_with_one_pass_all_get_the_one_check_in(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        desks = [desk, await world.clinic.desk(WARD, READ)]
        answers = await asyncio.gather(*(hand_in(one, token) for one in desks * 25))
        assert len(answers) == 50
        assert Counter(json.dumps(one, sort_keys=True) for one in answers).most_common(1)[0][1] == 50
        assert await visits(world) == 1
        assert await world.inbox() == ["appointment_booked", "visit"]
        counted = await world.clinic.book.sql("select last from booking.queue_counter")
        assert [row["last"] for row in counted] == [1]

    async def test_pass_qr_and_list_at_once_are_one_arrival_and_nobody_waits_for_ever(self, world, desk):
        mine = await booked_today(world)
        tokens = [(await make(world.phone, mine["id"]))["token"] for _ in range(4)]
        codes = [(await offer(world.phone))["token"] for _ in range(4)]
        tries = [
            *(desk.get(HAND_IN, **{"pass": token}) for token in tokens),
            *(desk.get(HAND_IN, offer=code) for code in codes),
            *(desk.get(STEP, id=mine["id"], to="CHECKED_IN") for _ in range(4)),
        ]
        await asyncio.gather(*tries)
        rows = await world.clinic.book.sql("select status, queue_number from booking.booking")
        assert [tuple(row) for row in rows] == [("checked_in", 1)]
        counted = await world.clinic.book.sql("select last from booking.queue_counter")
        assert [row["last"] for row in counted] == [1]

    async def test_of_a_cancellation_and_a_hand_in_at_once_one_is_true(self, world, desk):
        await desk.get(POLICY, policy={"cancelMinutes": 0})
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        hands = [desk.get(HAND_IN, **{"pass": token}) for _ in range(4)]
        await asyncio.gather(*hands, desk.get(CLINIC_CANCEL, id=mine["id"]))
        status = (await world.phone.get(ONE, id=mine["id"]))["status"]
        assert (status, await visits(world)) in {("CHECKED_IN", 1), ("CANCELLED_BY_CLINIC", 0)}


class TestAnAppointmentThatChanged:
    async def test_is_told_and_nothing_is_opened(self, world, desk):
        mine = await booked_today(world)
        token = (await make(world.phone, mine["id"]))["token"]
        sql = world.clinic.book.sql
        for status in ("cancelled", "expired", "done", "no_show"):
            await sql("update booking.booking set status = $1", status)
            assert await refusal(desk, token) == "APPOINTMENT_CHANGED", status
        await sql("update booking.booking set status = 'booked'")
        await desk.get(CLINIC_CANCEL, id=mine["id"])
        assert await refusal(desk, token) == "APPOINTMENT_CHANGED"
        assert await visits(world) == 0
        assert await world.inbox() == ["appointment_booked", "appointment_cancelled"]

    async def test_a_move_by_the_phone_ends_the_pass_and_a_new_one_is_made(self, world, desk):
        mine = await world.book()
        await desk.get(POLICY, policy={"cancelMinutes": 0, "leadMinutes": 0})
        await noon(world)
        await today(world)
        later = "starts_at + interval '30 minutes'"
        await world.clinic.book.sql(f"update booking.slot set starts_at = {later}, ends_at = ends_at + interval '1 h'")
        await world.clinic.book.sql(f"update booking.booking set starts_at = {later}")
        old = (await make(world.phone, mine["id"]))["token"]
        slot = (await world.all_slots())[3]
        moved = await world.phone.get(MOVE, id=mine["id"], slot=slot)
        assert (moved["__typename"], moved["id"]) == ("Appointment", mine["id"]), moved
        assert await refusal(desk, old) == "APPOINTMENT_CHANGED"
        await hand_in(desk, (await make(world.phone, mine["id"]))["token"])

    async def test_one_that_is_cancelled_gets_no_pass(self, world):
        mine = await booked_today(world)
        await world.clinic.book.sql("update booking.booking set status = 'cancelled'")
        assert (await make(world.phone, mine["id"]))["refusal"] == "NOT_POSSIBLE_NOW"
        assert (await world.phone.get(CANCEL, id=mine["id"]))["status"] == "CANCELLED"


class TestWhoMay:
    async def test_making_one_needs_a_fresh_strong_sign_in(self, world):
        mine = await booked_today(world)
        phone = await world.clinic.phone(scope=CITIZEN, acr=None)
        assert await phone.refused(MAKE, id=mine["id"], sections=["labs"], hash="x") == "STEP_UP_REQUIRED"

    async def test_and_both_scopes(self, world):
        mine = await booked_today(world)
        for scope in ("consent:read consent:manage", "consent:read appointment:read"):
            phone = await world.clinic.phone(scope=scope)
            assert await phone.refused(MAKE, id=mine["id"], sections=["labs"], hash="x") == "INSUFFICIENT_SCOPE"

    async def test_and_the_text_that_was_shown(self, world):
        mine = await booked_today(world)
        for hash_ in ("x", (await world.phone.get(TEXT, sections=["vitals"]))["hash"]):
            answer = await world.phone.get(MAKE, id=mine["id"], sections=["labs"], hash=hash_)
            assert answer == {"__typename": "ConsentRefused", "code": "TEXT_CHANGED"}
        qr = await world.phone.get(VISIT_TEXT, sections=["labs"], way="QR")
        assert qr["hash"] != (await world.phone.get(TEXT, sections=["labs"]))["hash"]

    async def test_and_sections(self, world):
        mine = await booked_today(world)
        text = await world.phone.get(TEXT, sections=[])
        for sections in ([], ["diary"], ["labs\x7f"], ["labs"] * 51):
            assert await world.phone.refused(MAKE, id=mine["id"], sections=sections, hash=text["hash"]) == "INVALID"

    async def test_a_stranger_and_a_delegate_make_none(self, world):
        mine, helper = await booked_today(world), world.clinic.book.citizens[4]
        phone = await world.clinic.phone(helper, CITIZEN)
        told = {"id": mine["id"], "sections": ["labs"], "hash": "x"}
        assert await phone.refused(MAKE, **told) == "NOT_FOUND"
        await world.clinic.relate(helper, kind="delegate", can_manage=False)
        assert await phone.refused(MAKE, **told) == "FORBIDDEN"
        assert await phone.refused(MAKE, **told | {"id": str(uuid4())}) == "INVALID"

    async def test_two_days_ahead_it_is_too_early(self, world):
        mine = await world.book()
        assert (await make(world.phone, mine["id"]))["refusal"] == "NO_PASS_YET"

    async def test_what_a_former_guardian_made_opens_nothing_and_the_card_still_does(self, world, desk):
        mine, guardian = await booked_today(world), world.clinic.book.citizens[4]
        await world.clinic.relate(guardian)
        token = (await make(await world.clinic.phone(guardian, CITIZEN), mine["id"]))["token"]
        await world.clinic.book.sql(
            "update access.related_person set revoked_at = now() where citizen_id = $1", guardian
        )
        assert await refusal(desk, token) == "PASS_NOT_VALID"
        assert (await world.phone.get(ONE, id=mine["id"]))["status"] == "BOOKED"
        text = await world.phone.get(VISIT_TEXT, sections=["labs"], way="CARD")
        await world.phone.get(CHOOSE, sections=["labs"], hash=text["hash"])
        await hand_in(desk, (await make(world.phone, mine["id"]))["token"])

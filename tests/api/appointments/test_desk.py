"""The clinic's side: what it offers, who comes, whose turn it is, at the door and on the phone."""

from datetime import timedelta
from uuid import uuid4

from domain.values import utc_now
from tests.api.appointments.world import (
    ADD,
    CLINIC_CANCEL,
    DAY,
    DESK,
    HOURS,
    OTHER,
    POLICY,
    SERVICE,
    STEP,
    WARD,
)
from tests.api.test_visits import CHECK_OUT, offer

SETUP = """{ clinicSetup { policy { timeZone keepsHolidays } services { code } practitioners { id code name }
  rooms { code } hours { id weekday opensAt validUntil } } }"""
END = "mutation ($id: ID!, $day: String!) { endHours(id: $id, lastDay: $day) { validUntil } }"
OPEN = "mutation ($date: String!) { openDay(date: $date) }"
WHO = "mutation ($code: String!, $name: String!) { savePractitioner(code: $code, name: $name) { id code name } }"
ARRIVAL = """mutation ($offer: String, $card: CitizenCardInput) { checkIn(offer: $offer, citizenCard: $card) {
  outcome visit { id } appointment { id status queueNumber contactName } } }"""


async def today(world):
    """The slots are of today from here on, around now."""
    now = utc_now()
    await world.clinic.book.sql(
        """update booking.slot set starts_at = $1::timestamptz + (n - 1) * interval '1 minute', ends_at = $2
             from (select id as slot, row_number() over (order by starts_at) as n from booking.slot) s
            where id = s.slot""",
        now - timedelta(minutes=1), now + timedelta(hours=1),
    )  # fmt: skip
    await world.clinic.book.sql(
        """update booking.booking b set starts_at = s.starts_at, ends_at = s.ends_at
             from booking.slot s where s.id = b.slot_id"""
    )
    return (now + timedelta(hours=7)).date().isoformat()


async def test_a_day_at_the_desk(world):
    made = [await world.book(await world.other_phone(number), place) for place, number in enumerate((3, 4))]
    date = await today(world)
    listed = await world.desk.get(DAY, date=date)
    assert [one["id"] for one in listed] == [one["id"] for one in made]
    assert {one["contactName"] for one in listed} == {"Nguyễn Văn An"}
    here = await world.desk.get(STEP, id=made[1]["id"], to="CHECKED_IN")
    assert (here["status"], here["queueNumber"]) == ("CHECKED_IN", 1)
    assert (await world.desk.get(STEP, id=made[0]["id"], to="IN_PROGRESS"))["code"] == "NOT_POSSIBLE_NOW"
    assert (await world.desk.get(STEP, id=made[1]["id"], to="CALLED"))["status"] == "CALLED"
    assert "queue_call" in await world.inbox(world.clinic.book.citizens[4])
    assert (await world.desk.get(STEP, id=made[1]["id"], to="DONE"))["status"] == "DONE"
    assert (await world.desk.get(STEP, id=made[0]["id"], to="NO_SHOW"))["status"] == "NO_SHOW"
    assert (await world.desk.get(CLINIC_CANCEL, id=made[0]["id"]))["code"] == "NOT_POSSIBLE_NOW"


async def test_walk_ins_and_one_too_many(world):
    await today(world)
    slot = (await world.all_slots())[0]
    walk_in = await world.desk.get(ADD, slot=slot, name="Khách vãng lai", here=True)
    assert (walk_in["status"], walk_in["isWalkIn"], walk_in["queueNumber"]) == ("CHECKED_IN", True, 1)
    assert (await world.desk.get(ADD, slot=slot, name="Bà Tư"))["code"] == "SLOT_TAKEN"
    over = await world.desk.get(ADD, slot=slot, name="Bà Tư", reason="Sốt cao", patient=str(world.clinic.patient))
    assert (over["isOverbooked"], over["overbookReason"]) == (True, "Sốt cao")
    assert await world.inbox() == ["appointment_booked"]
    assert await world.clinic.logged("addAppointment") != []
    assert (await world.desk.get(CLINIC_CANCEL, id=over["id"]))["status"] == "CANCELLED_BY_CLINIC"
    assert await world.inbox() == ["appointment_booked", "appointment_cancelled"]


async def test_a_clinician_works_at_the_same_list_and_another_clinic_at_none(world):
    mine = await world.book()
    date = await today(world)
    ward = await world.clinic.desk(WARD, DESK)
    assert len(await ward.get(DAY, date=date)) == 1
    other = await world.clinic.desk(OTHER, DESK)
    assert await other.get(DAY, date=date) == []
    assert await other.refused(STEP, id=mine["id"], to="CHECKED_IN") == "NOT_FOUND"
    assert await other.refused(CLINIC_CANCEL, id=mine["id"]) == "NOT_FOUND"
    assert await other.refused(ADD, slot=(await world.all_slots())[0], name="An") == "NOT_FOUND"
    phone = await world.clinic.phone(scope=DESK)
    assert await phone.refused(DAY, date=date) == "NOT_FOUND"
    await world.clinic.book.sql("update access.practitioner_role set revoked_at = now()")
    assert (await ward.book.post(DAY, ward.token, {"date": date})).status_code == 401


async def test_a_qr_checks_in_for_the_visit_and_the_appointment_and_the_check_out_ends_both(world):
    mine = await world.book()
    await today(world)
    arrived = await world.desk.get(ARRIVAL, offer=(await offer(world.phone))["token"])
    assert arrived["outcome"] == "CHECKED_IN"
    assert (arrived["appointment"]["id"], arrived["appointment"]["queueNumber"]) == (mine["id"], 1)
    assert (
        await world.phone.get("query ($id: ID!) { appointment(id: $id) { status queueNumber } }", id=mine["id"])
    ) == {
        "status": "CHECKED_IN",
        "queueNumber": 1,
    }
    await world.desk.get(CHECK_OUT, id=arrived["visit"]["id"])
    assert (await world.phone.get("query ($id: ID!) { appointment(id: $id) { status } }", id=mine["id"])) == {
        "status": "DONE"
    }


async def test_a_card_that_opens_nothing_is_an_arrival_all_the_same(world):
    await world.book()
    await today(world)
    arrived = await world.desk.get(ARRIVAL, card=await world.clinic.card())
    assert (arrived["outcome"], arrived["appointment"]["status"]) == ("NOTHING_CHOSEN", "CHECKED_IN")


async def test_without_an_appointment_a_check_in_is_as_it_was(world):
    arrived = await world.desk.get(ARRIVAL, offer=(await offer(world.phone))["token"])
    assert (arrived["outcome"], arrived["appointment"]) == ("CHECKED_IN", None)


async def test_what_a_clinic_offers(world):
    who = await world.desk.get(WHO, code="BS01", name="BS Trần Thị Xuân")
    setup = await world.desk.get(SETUP)
    assert setup["practitioners"] == [who]
    assert [one["code"] for one in setup["services"]] == ["KHAM"]
    assert setup["policy"] == {"timeZone": "Asia/Ho_Chi_Minh", "keepsHolidays": False}
    ended = await world.desk.get(END, id=setup["hours"][0]["id"], day=world.day)
    assert ended["validUntil"] == world.day
    assert len(await world.slots()) == 4
    assert await world.desk.get(OPEN, date=world.day) == 0
    assert (await (await world.clinic.desk(OTHER, DESK)).get(SETUP))["services"] == []


async def test_hours_that_cannot_be(world):
    local = utc_now() + timedelta(hours=7, days=2)
    rule = {
        "serviceId": world.service, "weekday": local.isoweekday(), "opensAt": "14:00", "closesAt": "16:00",
        "slotMinutes": 30, "validFrom": local.date().isoformat(),
    }  # fmt: skip
    for wrong in (
        {"opensAt": "09:00", "closesAt": "11:00"},
        {"weekday": 8},
        {"weekday": 0},
        {"opensAt": "25:00"},
        {"opensAt": "8:00"},
        {"validFrom": "2020-01-01"},
        {"validFrom": "2026-02-30"},
        {"validUntil": "yesterday"},
        {"slotMinutes": 0},
        {"slotMinutes": 1000},
        {"capacity": 0},
        {"capacity": 100_000},
        {"opensAt": "11:00", "closesAt": "10:00"},
        {"serviceId": "x"},
        {"practitionerId": "x"},
    ):
        assert await world.desk.refused(HOURS, hours=rule | wrong) == "INVALID", wrong


async def test_rules_that_cannot_be(world):
    for wrong in (
        {"timeZone": "Mars/Olympus"},
        {"timeZone": "../etc/passwd"},
        {"phone": "call me"},
        {"leadMinutes": -1},
        {"horizonDays": 400},
        {"latitude": 21.0},
        {"latitude": 91, "longitude": 0},
        {"reminderMinutes": [29]},
        {"reminderMinutes": [20161]},
        {"reminderMinutes": [60, 60]},
        {"reminderMinutes": [30, 31, 32, 33, 34, 35]},
    ):
        assert await world.desk.refused(POLICY, policy=wrong) == "INVALID", wrong


async def test_a_clinic_says_how_long_before_its_patients_are_reminded(world):
    asked = "{ clinicSetup { policy { reminderMinutes } } }"
    assert (await world.desk.get(asked))["policy"] == {"reminderMinutes": [1440, 120]}
    for minutes in ([20160, 4320, 30], []):
        await world.desk.get(POLICY, policy={"reminderMinutes": minutes})
        assert (await world.desk.get(asked))["policy"] == {"reminderMinutes": minutes}


async def test_services_that_cannot_be(world):
    for code, wrong in (
        ("", {}),
        ("a b", {}),
        ("A", {"name": " "}),
        ("A", {"name": "a\x00"}),
        ("A", {"minutes": 1}),
        ("A", {"joinLink": "https://x.example"}),
        ("A", {"isTelehealth": True, "joinLink": "javascript:alert(1)"}),
        ("A", {"vaccineCodes": ["x y"]}),
        ("A", {"vaccineCodes": ["BCG"] * 51}),
    ):
        assert await world.desk.refused(SERVICE, code=code, service={"name": "Khám"} | wrong) == "INVALID", wrong


async def test_setting_up_needs_the_scope(world):
    desk = await world.clinic.desk(scope="appointment:manage")
    assert await desk.refused(SETUP) == "INSUFFICIENT_SCOPE"
    assert (
        await (await world.clinic.desk(scope="schedule:manage")).refused(DAY, date="2026-11-25") == "INSUFFICIENT_SCOPE"
    )
    for wrong in ("tomorrow", "0001-01-01", "9999-12-31", "20261125"):
        assert await world.desk.refused(DAY, date=wrong) == "INVALID"
    assert await world.desk.refused(STEP, id=str(uuid4()), to="DONE") == "INVALID"

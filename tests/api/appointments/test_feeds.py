"""A private calendar address: when, and not what for."""

from icalendar import Calendar

from tests.api.appointments.world import CANCEL, MOVE

CREATE = """mutation ($patient: ID, $where: Boolean! = false) {
  createCalendarFeed(patientId: $patient, showsFacility: $where) { path feed { id showsFacility revokedAt } } }"""
REVOKE = "mutation ($id: ID!) { revokeCalendarFeed(id: $id) { id revokedAt } }"
FEEDS = "{ calendarFeeds { id } }"


def events(answer):
    assert answer.status_code == 200, answer.text
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


async def read(world, made, **headers):
    return await world.clinic.book.client.get(made["path"], headers=headers)


async def test_it_says_when_and_follows_changes(world):
    mine, made = await world.book(), await world.phone.get(CREATE)
    (event,) = events(await read(world, made))
    assert event["dtstart"].dt.isoformat().endswith("08:00:00+07:00")
    assert str(event["summary"]) == "Lịch hẹn / Appointment"
    await world.phone.get(MOVE, id=mine["id"], slot=(await world.all_slots())[1])
    (moved,) = events(await read(world, made))
    assert (moved["uid"], moved["sequence"]) == (event["uid"], event["sequence"] + 1)
    assert moved["dtstart"].dt > event["dtstart"].dt
    await world.phone.get(CANCEL, id=mine["id"])
    (gone,) = events(await read(world, made))
    assert gone["status"] == "CANCELLED"


async def test_it_says_nothing_of_where_and_what_unless_its_owner_wishes(world):
    await world.book()
    text = (await read(world, await world.phone.get(CREATE))).text
    for word in ("Khám", "Phòng khám", "general", "Nguyễn", "0901", str(world.clinic.patient)):
        assert word not in text
    assert "Phòng khám 0" in (await read(world, await world.phone.get(CREATE, where=True))).text


async def test_an_unchanged_calendar_is_not_sent_again(world):
    await world.book()
    made = await world.phone.get(CREATE)
    first = await read(world, made)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "no-cache" in first.headers["cache-control"]
    again = await read(world, made, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "BEGIN:VTIMEZONE" in first.text


async def test_a_revoked_address_is_one_that_never_was(world):
    made = await world.phone.get(CREATE)
    assert [one["id"] for one in await world.phone.get(FEEDS)] == [made["feed"]["id"]]
    assert await (await world.other_phone()).refused(REVOKE, id=made["feed"]["id"]) == "NOT_FOUND"
    assert (await world.phone.get(REVOKE, id=made["feed"]["id"]))["revokedAt"] is not None
    dead, never = await read(world, made), await world.clinic.book.client.get("/calendar/never.ics")
    assert (dead.status_code, dead.content) == (never.status_code, never.content) == (404, b"Not found.")
    assert await world.phone.get(FEEDS) == []


async def test_who_may_act_no_longer_reads_no_longer(world):
    helper = world.clinic.book.citizens[4]
    await world.clinic.relate(helper)
    made = await (await world.other_phone(4)).get(CREATE, patient=str(world.clinic.patient))
    assert (await read(world, made)).status_code == 200
    await world.clinic.book.sql("update access.related_person set revoked_at = now() where citizen_id = $1", helper)
    assert (await read(world, made)).status_code == 404


async def test_the_secret_is_kept_as_a_hash_and_there_are_ten_at_most(world):
    made = await world.phone.get(CREATE)
    secret = made["path"].removeprefix("/calendar/").removesuffix(".ics")
    (row,) = await world.clinic.book.sql("select secret_hash from booking.feed")
    assert secret.encode() not in row["secret_hash"]
    for _ in range(9):
        await world.phone.get(CREATE)
    assert await world.phone.refused(CREATE) == "INVALID"


async def test_hostile_names(world):
    for name in ("x", ".ics", "a" * 200 + ".ics", "%00.ics", "é.ics", "..%2f.ics"):
        assert (await world.clinic.book.client.get(f"/calendar/{name}")).status_code == 404

"""The inbox, phones and wishes over GraphQL: his own, nobody else's, and a clear answer to whatever is sent."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.database import open_engine
from domain.values import utc_now
from notifications import notices
from notifications.devices import MOST

SCOPE = "inbox:read device:manage"
INBOX = """query ($first: Int! = 20, $after: String, $unreadOnly: Boolean! = false, $kinds: [NoticeKind!],
                  $patientId: ID, $archived: Boolean! = false) {
  inbox(first: $first, after: $after, unreadOnly: $unreadOnly, kinds: $kinds, patientId: $patientId,
        archived: $archived) {
    edges { cursor node { id } }
    nodes { id kind patientId at readAt archivedAt link { url subjectType subjectId }
            title body english: title(language: EN) }
    pageInfo { hasNextPage hasPreviousPage startCursor end: endCursor } }
  unreadCount }"""
REGISTER = """mutation ($token: String!, $name: String! = "Máy", $locale: String! = "vi",
                        $timezone: String! = "Asia/Ho_Chi_Minh") {
  registerDevice(token: $token, platform: ANDROID, name: $name, locale: $locale, timezone: $timezone) {
    ... on Device { id name platform locale timezone registeredAt seenAt } ... on DeviceRefusal { code } } }"""
DEVICES = "{ devices { id name } }"
TOKEN = "fcm-token-of-a-phone:APA91b"


@pytest.fixture
async def post(book):
    engine = open_engine(book.database.consent)

    async def made(citizen, kind="new_result", patient=None, subject=None):
        async with AsyncSession(engine) as session:
            told = {"kind": kind, "citizen_ids": [citizen], "patient_id": patient, "subject_id": subject}
            ids = await session.run_sync(lambda db: notices.post(db, **told, now=utc_now()))
            await session.commit()
        return str(ids[0])

    yield made
    await engine.dispose()


@pytest.fixture
async def one(book):
    return await book.token(book.citizens[0], SCOPE)


@pytest.fixture
async def other(book):
    return await book.token(book.citizens[1], SCOPE)


async def ask(book, query, bearer, **variables):
    answer = await book.ask(query, bearer, variables)
    assert "errors" not in answer, answer
    return answer["data"]


def code(answer):
    return answer["errors"][0]["extensions"]["code"]


async def test_the_inbox_shows_what_was_posted_newest_first_in_two_languages(book, one, post):
    first = await post(book.citizens[0], "visit", patient=book.citizens[0])
    second = await post(book.citizens[0], "record_read")
    data = await ask(book, INBOX, one)
    assert [node["id"] for node in data["inbox"]["nodes"]] == [second, first]
    assert data["unreadCount"] == 2
    node = data["inbox"]["nodes"][0]
    assert (node["title"], node["english"]) == ("Có nơi đã xem sổ", "The book was read")
    assert node["link"] == {"url": f"healthbook://inbox/{second}", "subjectType": "organization", "subjectId": None}
    assert data["inbox"]["nodes"][1]["patientId"] == str(book.citizens[0])


async def test_pages_hold_while_new_notices_come(book, one, post):
    ids = [await post(book.citizens[0]) for _ in range(5)]
    page = (await ask(book, INBOX, one, first=2))["inbox"]
    await post(book.citizens[0])
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": ids[4],
        "end": page["edges"][1]["cursor"],
    }
    following = (await ask(book, INBOX, one, first=3, after=page["pageInfo"]["end"]))["inbox"]
    assert [node["id"] for node in following["nodes"]] == ids[2::-1]
    assert following["pageInfo"]["hasNextPage"] is False


async def test_filters(book, one, post):
    child = book.citizens[5]
    await post(book.citizens[0], "visit")
    about = await post(book.citizens[0], "dose_due", patient=child)
    assert [n["id"] for n in (await ask(book, INBOX, one, kinds=["DOSE_DUE"]))["inbox"]["nodes"]] == [about]
    assert [n["id"] for n in (await ask(book, INBOX, one, patientId=str(child)))["inbox"]["nodes"]] == [about]
    await ask(book, "mutation ($ids: [ID!]!) { markRead(ids: $ids) { ids unreadCount } }", one, ids=[about])
    assert len((await ask(book, INBOX, one, unreadOnly=True))["inbox"]["nodes"]) == 1


async def test_marking_and_putting_away(book, one, other, post):
    ids = [await post(book.citizens[0]) for _ in range(3)]
    mark = "mutation ($ids: [ID!]!) { markRead(ids: $ids) { ids unreadCount } }"
    assert (await ask(book, mark, other, ids=ids))["markRead"] == {"ids": [], "unreadCount": 0}
    assert (await ask(book, mark, one, ids=ids[:1]))["markRead"] == {"ids": ids[:1], "unreadCount": 2}
    archive = "mutation ($ids: [ID!]!) { archive(ids: $ids) { ids unreadCount } }"
    assert (await ask(book, archive, one, ids=ids[1:2]))["archive"] == {"ids": ids[1:2], "unreadCount": 1}
    assert [n["id"] for n in (await ask(book, INBOX, one))["inbox"]["nodes"]] == [ids[2], ids[0]]
    assert [n["id"] for n in (await ask(book, INBOX, one, archived=True))["inbox"]["nodes"]] == ids[1:2]
    assert (await ask(book, "mutation { markAllRead { unreadCount } }", one))["markAllRead"] == {"unreadCount": 0}


async def test_another_citizens_inbox_is_not_seen(book, other, post):
    item = await post(book.citizens[0])
    assert (await ask(book, INBOX, other))["inbox"]["nodes"] == []
    opened = "mutation ($id: ID!) { notificationOpened(id: $id) { unreadCount } }"
    assert code(await book.ask(opened, other, {"id": item})) == "NOT_FOUND"


async def test_a_receipt_reads_the_item_and_is_kept_with_the_delivery(book, one, post):
    from uuid import UUID, uuid4

    item = await post(book.citizens[0])
    await book.sql(
        """insert into notify.delivery (id, citizen_id, about, is_digest, kind, channel, target_id, state, attempts,
               unless_read, next_at, expires_at, created_at)
           values ($1, $2, $3, false, 'visit', 'push', $1, 'accepted', 1, false, now(), now(), now())""",
        uuid4(), book.citizens[0], UUID(item),
    )  # fmt: skip
    receipt = "mutation ($id: ID!) { notificationOpened(id: $id, action: ACTED) { ids unreadCount } }"
    assert (await ask(book, receipt, one, id=item))["notificationOpened"] == {"ids": [item], "unreadCount": 0}
    ((opened, acted),) = await book.sql("select opened_at, acted_at from notify.delivery")
    assert opened is not None
    assert acted is not None


@pytest.mark.parametrize(
    ("query", "variables", "argument"),
    [
        (INBOX, {"first": 101}, "first"),
        (INBOX, {"first": 0}, "first"),
        (INBOX, {"after": "\x00"}, "after"),
        (INBOX, {"patientId": "x"}, "patientId"),
        ("mutation ($ids: [ID!]!) { markRead(ids: $ids) { unreadCount } }", {"ids": []}, "ids"),
        ("mutation ($ids: [ID!]!) { markRead(ids: $ids) { unreadCount } }", {"ids": ["x"] * 101}, "ids"),
        (REGISTER, {"token": ""}, "token"),
        (REGISTER, {"token": "a" * 5000}, "token"),
        (REGISTER, {"token": "zehn\x00zeichen"}, "token"),
        (REGISTER, {"token": TOKEN, "name": " "}, "name"),
        (REGISTER, {"token": TOKEN, "name": "a\u202eb"}, "name"),
        (REGISTER, {"token": TOKEN, "name": "a" * 61}, "name"),
        (REGISTER, {"token": TOKEN, "timezone": "../../etc/passwd"}, "timezone"),
        (REGISTER, {"token": TOKEN, "timezone": "Asia"}, "timezone"),
        (REGISTER, {"token": TOKEN, "timezone": "a\x00b"}, "timezone"),
    ],
)
async def test_bad_arguments_are_named(book, one, query, variables, argument):
    answer = await book.ask(query, one, variables)
    told = answer["errors"][0]["extensions"]
    assert (told["code"], told.get("argument", told.get("variable"))) == ("INVALID", argument)


@pytest.mark.parametrize("query", [INBOX, DEVICES, "{ notificationSettings { digestAt } }"])
async def test_without_the_scope_nothing(book, query):
    answer = await book.ask(query, await book.token(book.citizens[0], "openid"), {})
    assert code(answer) == "INSUFFICIENT_SCOPE"


async def test_a_phone_is_registered_renewed_renamed_and_removed(book, one):
    made = (await ask(book, REGISTER, one, token=TOKEN, locale="en-GB", timezone="Europe/Berlin"))["registerDevice"]
    assert (made["name"], made["platform"], made["locale"], made["timezone"]) == (
        "Máy",
        "ANDROID",
        "en",
        "Europe/Berlin",
    )
    again = (await ask(book, REGISTER, one, token=TOKEN, name="Máy mới"))["registerDevice"]
    assert (again["id"], again["name"]) == (made["id"], "Máy mới")
    rename = 'mutation ($id: ID!) { renameDevice(id: $id, name: "Của mẹ") { name } }'
    assert (await ask(book, rename, one, id=made["id"]))["renameDevice"] == {"name": "Của mẹ"}
    rotate = 'mutation ($id: ID!) { rotateDeviceToken(id: $id, token: "another-token") { id } }'
    assert (await ask(book, rotate, one, id=made["id"]))["rotateDeviceToken"] == {"id": made["id"]}
    assert (await ask(book, DEVICES, one))["devices"] == [{"id": made["id"], "name": "Của mẹ"}]
    await ask(book, "mutation ($id: ID!) { removeDevice(id: $id) { id } }", one, id=made["id"])
    assert (await ask(book, DEVICES, one))["devices"] == []
    assert code(await book.ask(rename, one, {"id": made["id"]})) == "NOT_FOUND"


async def test_a_second_phone_is_told_to_the_first(book, one):
    await ask(book, REGISTER, one, token=TOKEN)
    assert (await ask(book, INBOX, one))["inbox"]["nodes"] == []
    await ask(book, REGISTER, one, token="another-phones-token")
    assert [node["kind"] for node in (await ask(book, INBOX, one))["inbox"]["nodes"]] == ["SECURITY"]


async def test_a_token_moves_with_the_phone_and_the_owner_before_is_warned(book, one, other):
    await ask(book, REGISTER, one, token=TOKEN)
    moved = (await ask(book, REGISTER, other, token=TOKEN))["registerDevice"]
    assert (await ask(book, DEVICES, one))["devices"] == []
    assert [device["id"] for device in (await ask(book, DEVICES, other))["devices"]] == [moved["id"]]
    assert [node["kind"] for node in (await ask(book, INBOX, one))["inbox"]["nodes"]] == ["SECURITY"]
    assert [
        tuple(row) for row in await book.sql("select end_reason from notify.device where ended_at is not null")
    ] == [("moved",)]


async def test_a_token_is_one_phones_whoever_is_quicker(book, one, other):
    answers = await asyncio.gather(*(book.ask(REGISTER, who, {"token": TOKEN}) for who in [one, other] * 4))
    assert all("errors" not in answer for answer in answers), answers
    ((living,),) = await book.sql("select count(*) from notify.device where ended_at is null")
    assert living == 1


async def test_twenty_phones_are_the_most_however_many_try(book, one):
    asked = (book.ask(REGISTER, one, {"token": f"token-number-{number}"}) for number in range(MOST + 10))
    answers = [answer["data"]["registerDevice"] for answer in await asyncio.gather(*asked)]
    assert sum(answer.get("code") == "TOO_MANY_DEVICES" for answer in answers) == 10
    assert len((await ask(book, DEVICES, one))["devices"]) == MOST


SETTINGS = "language timezone quietFrom quietTo digestAt reminderMinutes preferences { channel mode kind patientId }"
SET = f"mutation ($s: NotificationSettingsInput!) {{ setNotificationSettings(settings: $s) {{ {SETTINGS} }} }}"
PREFER = f"""mutation ($c: NoticeChannel!, $m: NoticeMode, $k: NoticeKind, $p: ID) {{
  setNotificationPreference(channel: $c, mode: $m, kind: $k, patientId: $p) {{ {SETTINGS} }} }}"""


async def test_wishes_are_told_changed_and_taken_back(book, one):
    usual = (await ask(book, f"{{ notificationSettings {{ {SETTINGS} }} }}", one))["notificationSettings"]
    assert (usual["quietFrom"], usual["quietTo"], usual["digestAt"], usual["preferences"]) == (
        "22:00",
        "06:00",
        "18:00",
        [],
    )
    wish = {"language": "EN", "timezone": "Europe/Berlin", "quietFrom": None, "quietTo": None, "digestAt": "07:30"}
    told = (await ask(book, SET, one, s=wish))["setNotificationSettings"]
    assert {key: told[key] for key in wish} == wish
    assert told["reminderMinutes"] is None
    for minutes in ([2880, 60], [], None):
        told = (await ask(book, SET, one, s={"reminderMinutes": minutes}))["setNotificationSettings"]
        assert told["reminderMinutes"] == minutes
    for mode in ("OFF", "DIGEST"):
        told = (await ask(book, PREFER, one, c="PUSH", m=mode, k="RECORD_READ"))["setNotificationPreference"]
    assert told["preferences"] == [{"channel": "PUSH", "mode": "DIGEST", "kind": "RECORD_READ", "patientId": None}]
    told = (await ask(book, PREFER, one, c="PUSH", m=None, k="RECORD_READ"))["setNotificationPreference"]
    assert told["preferences"] == []


@pytest.mark.parametrize(
    ("wish", "argument"),
    [
        ({"quietFrom": "25:00"}, "quietFrom"),
        ({"quietFrom": "22:00", "quietTo": None}, "quietTo"),
        ({"quietFrom": "22:00", "quietTo": "22:00"}, "quietTo"),
        ({"digestAt": "18:00\n"}, "digestAt"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"reminderMinutes": [59]}, "reminderMinutes"),
        ({"reminderMinutes": [60, 60]}, "reminderMinutes"),
        ({"reminderMinutes": [30, 60, 120, 180, 360, 720]}, "reminderMinutes"),
    ],
)
async def test_wishes_that_make_no_sense_are_named(book, one, wish, argument):
    answer = await book.ask(SET, one, {"s": wish})
    told = answer["errors"][0]["extensions"]
    assert (told["code"], told.get("argument", told.get("variable"))) == ("INVALID", argument)


async def test_a_wish_about_a_patient_needs_the_right_to_his_book(book, one):
    ((stranger,),) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[1])
    answer = await book.ask(PREFER, one, {"c": "SMS", "m": "OFF", "p": str(stranger)})
    assert code(answer) == "NOT_FOUND"


async def test_a_facility_has_no_inbox(book):
    ((client,),) = await book.sql("select client_id from auth.client where kind = 'facility' limit 1")
    answer = await book.ask(INBOX, await book.token(None, SCOPE, client), {})
    assert code(answer) == "NOT_FOUND"

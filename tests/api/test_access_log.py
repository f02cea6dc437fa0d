"""The citizen reads who asked for his book, in plain words: what was opened, and what somebody asked for in vain."""

import asyncio
import base64
import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access_log.places import place_of, place_text
from api.schema import create_schema
from domain.audit.chain import microseconds
from domain.audit.words import ACTIONS
from domain.errors import Invalid
from domain.values import utc_now
from tests.api.access_log import CLINIC, DISPUTE, DOCTOR, LOG, circle_of


@pytest.fixture
async def circle(book):
    return await circle_of(book)


def code(answer):
    return answer["errors"][0]["extensions"]["code"]


class TestTheLogTellsItAll:
    async def test_after_the_citizen_his_mother_and_a_facility_with_and_without_consent(self, circle):
        await circle.read(await circle.phone())
        await circle.read(await circle.phone(circle.mother))
        await circle.read(await circle.facility())
        consent = await circle.consent()
        await circle.read(await circle.facility())
        await circle.read(await circle.facility(circle.doctor))
        doctor, facility, refused, mother = await circle.log()
        assert (mother["reader"], mother["basis"], mother["organizationName"]) == ("REPRESENTATIVE", "PARENT", None)
        assert mother["vi"] == (
            "Một người khác là cha hoặc mẹ đã xem: Kết quả xét nghiệm, Dấu hiệu sinh tồn và số đo cơ thể. "
            "Mục đích: Để ứng dụng cho bạn xem và dùng."
        )
        assert (refused["reader"], refused["outcome"], refused["sectionsOpened"]) == ("ORGANIZATION", "REFUSED", [])
        assert refused["vi"].startswith(f"{CLINIC} đã hỏi xem: Kết quả xét nghiệm, ")
        assert refused["vi"].endswith("không có quyền nên không xem được gì. Mục đích: Khám và chữa bệnh cho bạn.")
        assert (facility["outcome"], facility["basis"]) == ("ALLOWED", "CONSENT")
        assert (facility["sectionsAsked"], facility["sectionsOpened"]) == (["labs", "vitals"], ["labs"])
        assert str(consent).replace("-", "") in base64.urlsafe_b64decode(facility["consentIds"][0] + "==").hex()
        assert facility["en"] == (
            "Lotus Clinic read: Laboratory results; was not shown: Vital signs and body measurements. "
            "Purpose: To examine and treat you. Under a permission that was given."
        )
        assert (doctor["reader"], doctor["practitionerName"]) == ("PRACTITIONER", DOCTOR)
        assert doctor["vi"].startswith(f"{DOCTOR} ({CLINIC}) đã xem: Kết quả xét nghiệm; không được xem: ")

    async def test_own_readings_are_folded_and_can_be_unfolded(self, circle):
        await circle.read(await circle.phone())
        assert await circle.log() == []
        asking, before, reading = await circle.log(own=True)
        assert (asking["reader"], asking["isReading"], asking["vi"]) == (
            "YOU",
            False,
            "Bạn đã xem nhật ký truy cập này.",
        )
        assert (before["purpose"], before["en"]) == ("accessLog", "You looked at this log.")
        assert (reading["reader"], reading["basis"], reading["isReading"]) == ("YOU", "SELF", True)
        assert reading["en"] == "You read: Laboratory results, Vital signs and body measurements."

    async def test_the_mother_who_decides_reads_it_too_and_her_own_are_folded(self, circle):
        await circle.read(await circle.phone())
        token = await circle.phone(circle.mother)
        await circle.read(token)
        assert await circle.log(token) == []
        *_, hers, his = await circle.log(token, own=True)
        assert (hers["reader"], hers["basis"]) == ("YOU", "PARENT")
        assert hers["vi"].endswith("Với tư cách cha hoặc mẹ.")
        assert (his["reader"], his["vi"][:16]) == ("PERSON", "Chủ sổ sức khỏe ")

    async def test_of_a_stranger_no_more_than_the_app(self, circle):
        assert code(await circle.read(await circle.phone(circle.stranger))) == "NOT_FOUND"
        (entry,) = await circle.log()
        assert (entry["reader"], entry["basis"], entry["outcome"]) == ("APP", "NONE", "REFUSED")
        assert entry["vi"].startswith(f"Một người dùng ứng dụng {entry['appName']} đã hỏi xem")
        assert str(circle.stranger) not in str(entry)

    async def test_of_a_doctor_without_a_right_no_more_than_the_facility(self, circle):
        await circle.read(await circle.facility(circle.doctor))
        (entry,) = await circle.log()
        assert (entry["reader"], entry["practitionerName"], entry["organizationName"]) == ("ORGANIZATION", None, CLINIC)

    async def test_an_emergency_names_the_clinician_and_the_emergency(self, circle):
        async with circle.world() as world:
            await world.emergency(
                patient_id=circle.patient,
                practitioner_id=circle.doctor,
                organization_id=circle.clinic,
                sections=["labs"],
            )
        await circle.read(await circle.facility(circle.doctor, "emergency:open record:labs:read"), "BTG")
        (entry,) = await circle.log()
        assert (entry["basis"], entry["purpose"], entry["reader"]) == ("EMERGENCY", "BTG", "PRACTITIONER")
        assert entry["emergencyId"] is not None
        assert entry["vi"].endswith("Mục đích: Cấp cứu. Mở khẩn cấp, không có sự cho phép trước.")

    async def test_an_ended_sign_in_is_told(self, circle):
        token = await circle.facility()
        await circle.book.sql(
            "update auth.token_grant set revoked_at = now(), revoke_reason = 'x' where client_id = 'clinic'"
        )
        variables = {"of": str(circle.patient), "why": None}
        answer = await circle.book.post(
            "query ($of: ID) { healthRecord(patientId: $of) { labs(first: 1) { totalCount } } }", token, variables
        )
        assert answer.status_code == 401
        (entry,) = await circle.log()
        assert (entry["reader"], entry["outcome"], entry["organizationName"]) == ("NOBODY_KNOWN", "DEAD", None)
        assert entry["en"] == (
            "An app that was no longer signed in asked for: Laboratory results; "
            "the sign-in had ended and nothing was shown."
        )

    async def test_entries_under_the_ids_of_a_merge_are_his_too(self, circle):
        await circle.read(await circle.facility())
        kept = uuid4()
        await circle.book.sql(
            "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", circle.patient, kept
        )
        await circle.read(await circle.facility())
        assert [entry["outcome"] for entry in await circle.log()] == ["REFUSED", "REFUSED"]

    async def test_each_refused_look_at_the_log_is_in_it(self, circle):
        token = await circle.phone(scope="record:labs:read")
        answer = await circle.book.ask(LOG, token, {"of": str(circle.patient)})
        assert code(answer) == "INSUFFICIENT_SCOPE"
        newest, refused = await circle.log(own=True)
        assert (newest["outcome"], refused["outcome"]) == ("ALLOWED", "SCOPE")
        assert refused["vi"] == "Bạn đã định xem nhật ký truy cập này, nhưng bị từ chối."


class TestWhoMayReadIt:
    async def test_nobody_elses(self, circle):
        token = await circle.phone(circle.stranger)
        assert code(await circle.book.ask(LOG, token, {"of": str(circle.patient)})) == "NOT_FOUND"

    async def test_somebody_absent_looks_like_somebody_elses(self, circle):
        token = await circle.phone(circle.stranger)
        others = await circle.book.ask(LOG, token, {"of": str(circle.patient)})
        assert await circle.book.ask(LOG, token, {"of": str(uuid4())}) == others

    @pytest.mark.parametrize("kind", ["delegate", "parent"])
    async def test_not_a_representative_who_does_not_decide(self, circle, kind):
        await circle.book.sql(
            """update access.related_person set kind = $1, can_manage = false, valid_until = now() + interval '1 day'
                where citizen_id = $2 and patient_id = $3""",
            kind, circle.mother, circle.patient,
        )  # fmt: skip
        answer = await circle.book.ask(LOG, await circle.phone(circle.mother), {"of": str(circle.patient)})
        assert code(answer) == "FORBIDDEN"

    @pytest.mark.parametrize("client", ["clinic", "ward", "diary"])
    async def test_not_a_facility_a_clinician_or_an_app(self, circle, client):
        """Even where a client was given the scope by mistake."""
        citizen = {"clinic": None, "ward": circle.doctor, "diary": circle.citizen}[client]
        await circle.consent(sections=["labs"])
        token = await circle.book.token(citizen, "log:read record:labs:read", client)
        assert code(await circle.book.ask(LOG, token, {"of": str(circle.patient)})) in {"FORBIDDEN", "NOT_FOUND"}

    async def test_the_function_alone_opens_nothing(self, circle):
        """Without the transaction's persons it is an error, for other logins no function at all."""
        import asyncpg

        asked = "select * from access.log_of($1, true, now(), $1, 10)"
        for user in ("healthbook_consent", "healthbook_web", "healthbook_auth", "healthbook_intake"):
            connection = await asyncpg.connect(circle.book.database.dsn(user))
            try:
                with pytest.raises(asyncpg.PostgresError) as refused:
                    await connection.fetch(asked, circle.patient)
                is_consent = user == "healthbook_consent"
                assert refused.value.sqlstate == ("42704" if is_consent else "42501")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch("select * from access.access_log")
            finally:
                await connection.close()


class TestPages:
    async def test_are_newest_first_without_gap_or_repeat(self, circle):
        for _ in range(7):
            await circle.read(await circle.facility())
        whole = [entry["id"] for entry in await circle.log()]
        token, seen, after = await circle.phone(), [], None
        for _ in range(4):
            asked = {"of": str(circle.patient), "first": 2, "after": after}
            page = (await circle.book.ask(LOG, token, asked))["data"]["accessLog"]
            seen += [entry["id"] for entry in page["nodes"]]
            after = page["endCursor"]
        assert seen == whole
        assert not page["hasNextPage"]
        assert whole == sorted(whole, key=lambda text: place_of(text, "x"), reverse=True)

    @pytest.mark.parametrize(
        "asked",
        [
            {"first": 0},
            {"first": 101},
            {"first": -1},
            {"after": "x"},
            {"after": "é"},
            {"after": ""},
            {"after": base64.urlsafe_b64encode(b"99999999999999999999|" + str(UUID(int=7)).encode()).decode()},
            {"after": base64.urlsafe_b64encode(b"1|x\x00").decode()},
            {"of": "x"},
            {"of": "\x00"},
            {"of": "' or 1 = 1 --"},
        ],
        ids=lambda asked: repr(asked)[:40],
    )
    async def test_33_hostile_arguments_are_invalid_never_a_fault(self, circle, asked):
        answer = await circle.book.ask(LOG, await circle.phone(), {"of": str(circle.patient), **asked})
        assert code(answer) == "INVALID"

    async def test_a_flood_for_a_cursor_does_not_get_past_the_door(self, circle):
        answer = await circle.book.ask(LOG, await circle.phone(), {"of": str(circle.patient), "after": "A" * 200_000})
        assert code(answer) == "VARIABLES_TOO_LARGE"

    async def test_the_earliest_and_latest_places_are_pages(self, circle):
        for micros in (0, 10**17 - 1):
            after = base64.urlsafe_b64encode(f"{micros}|{uuid4()}".encode()).decode().rstrip("=")
            assert await circle.log(after=after) == []


@given(
    st.datetimes(
        timezones=st.just(utc_now().tzinfo), min_value=utc_now().replace(year=1970, month=1, day=2, tzinfo=None)
    ),
    st.uuids(),
)
def test_a_place_is_read_as_it_was_written(at, id_):
    if microseconds(at) < 10**17:
        assert place_of(place_text(at, id_), "x") == (at, id_)


@given(st.text())
def test_33_no_text_is_more_than_invalid(text):
    try:
        at, id_ = place_of(text, "after")
    except Invalid:
        return
    assert place_of(place_text(at, id_), "after") == (at, id_)


class TestADispute:
    async def test_is_shown_with_its_entry_until_it_is_answered(self, circle):
        await circle.read(await circle.facility())
        (entry,) = await circle.log()
        token = await circle.phone()
        answer = await circle.book.ask(DISPUTE, token, {"id": entry["id"], "why": " Tôi chưa từng đến đây. "})
        assert answer["data"]["disputeAccess"]["status"] == "OPEN"
        (entry,) = await circle.log()
        assert entry["dispute"] == {"id": answer["data"]["disputeAccess"]["id"], "status": "OPEN", "answeredAt": None}
        await circle.book.sql("update access.dispute set status = 'upheld', answered_at = now()")
        (entry,) = await circle.log()
        assert (entry["dispute"]["status"], entry["dispute"]["answeredAt"] is None) == ("UPHELD", False)
        assert [row["reason"] for row in await circle.book.sql("select reason from access.dispute")] == [
            "Tôi chưa từng đến đây."
        ]

    async def test_is_one_an_entry_also_of_two_phones_at_once(self, circle):
        await circle.read(await circle.facility())
        (entry,) = await circle.log()
        tokens = [await circle.phone(), await circle.phone(circle.mother)] * 2
        asked = {"id": entry["id"], "why": "x", "of": str(circle.patient)}
        answers = await asyncio.gather(*(circle.book.ask(DISPUTE, token, asked) for token in tokens))
        made = [answer["data"]["disputeAccess"]["__typename"] for answer in answers]
        assert sorted(made) == ["AccessDispute", *["DisputeRefusal"] * 3]
        assert len(await circle.book.sql("select from access.dispute")) == 1

    async def test_of_an_entry_of_somebody_elses_log_is_not_found(self, circle):
        await circle.read(await circle.facility())
        (entry,) = await circle.log()
        token = await circle.phone(circle.stranger)
        for of in (None, str(circle.patient)):
            answer = await circle.book.ask(DISPUTE, token, {"id": entry["id"], "why": "x", "of": of})
            assert code(answer) == "NOT_FOUND"
        assert await circle.book.sql("select from access.dispute") == []
        rows = await circle.book.sql("select from access.access_log where purpose = 'disputeAccess'")
        assert len(rows) == 2

    @pytest.mark.parametrize("why", ["", "   ", "x" * 1001, "a\x00b", "a\x1b[2Jb", "a\u202eb", "a\ud800b"], ids=repr)
    async def test_33_with_a_reason_that_cannot_be_shown_is_invalid(self, circle, why):
        await circle.read(await circle.facility())
        (entry,) = await circle.log()
        body = json.dumps({"query": DISPUTE, "variables": {"id": entry["id"], "why": why}})  # escapes half a surrogate
        headers = {"Authorization": f"Bearer {await circle.phone()}", "Content-Type": "application/json"}
        answer = await circle.book.client.post("/graphql", content=body, headers=headers)
        assert code(answer.json()) == ("BAD_REQUEST" if "\ud800" in why else "INVALID")

    async def test_of_an_id_that_is_none_is_invalid(self, circle):
        answer = await circle.book.ask(DISPUTE, await circle.phone(), {"id": str(UUID(int=1)), "why": "x"})
        assert code(answer) == "INVALID"


def test_everything_that_can_be_done_has_its_words():
    """A new field that acts through `context.act` needs a line in domain/audit/actions.py."""
    schema = create_schema()._schema
    read = {"me", "healthRecord", "changes", "node", "organizations", "doseForecast"}
    named = (schema.query_type.fields.keys() | schema.mutation_type.fields.keys()) - read
    assert named <= ACTIONS.keys()

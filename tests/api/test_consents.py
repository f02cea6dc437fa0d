"""Consent decides what a facility and an app read, from the very next request on, with the same token."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.values import VIETNAM
from tests.api.conftest import Book
from tests.api.consenting import DENY, GRANT, LIFT, NARROW, TEXT, WITHDRAW, app, citizen, clinic, later, terms

YEAR = timedelta(days=365)
END = datetime.now(UTC).replace(microsecond=0) + timedelta(days=200)
THREE = ("labs", "vitals", "conditions")
CLOSED = dict.fromkeys(THREE)


def told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


BROKEN = [
    ({"sections": []}, "sections"),
    ({"sections": ["labs", "everything"]}, "sections"),
    ({"sections": ["labs"] * 60}, "sections"),
    ({"sections": ["la\u0001bs"]}, "sections"),
    ({"sensitive": ["FLU"]}, "sensitive"),
    ({"purposes": []}, "purposes"),
    ({"purposes": ["BTG"]}, "purposes"),
    ({"purposes": ["PATRQT"]}, "purposes"),
    ({"purposes": ["TREAT", "HRESCH"]}, "purposes"),
    ({"purposes": ["TREAT", "HPAYMT"]}, "purposes"),
    ({"dataFrom": "2025-02-30"}, "dataFrom"),
    ({"dataFrom": "20250201"}, "dataFrom"),
    ({"dataFrom": "2025-02-01\u0001"}, "dataFrom"),
    ({"dataTo": "2025-W01-1"}, "dataTo"),
    ({"dataFrom": "2025-02-02", "dataTo": "2025-02-01"}, "dataTo"),
    ({"validUntil": later(seconds=-1)}, "validUntil"),
    ({"validUntil": later(days=6 * 365)}, "validUntil"),
    ({"validUntil": told(END).removesuffix("Z")}, "validUntil"),
    ({"validUntil": "0001-01-01T00:00:00+14:00"}, "validUntil"),
    ({"validUntil": "9999-12-31T23:59:59-14:00"}, "validUntil"),
    ({"validUntil": "x" * 10_000}, "validUntil"),
    ({"eraseBy": "9999-12-31T23:59:59-14:00"}, "eraseBy"),
    ({"eraseBy": later(days=300)}, "eraseBy"),
]

NO_READERS = [
    {"organizationId": "00000000-0000-0000-0000-00000000000a"},
    {"organizationId": "x"},
    {"clientId": "healthbook-phone"},
    {"clientId": "no\u0000ne"},
    {"clientId": "x" * 5_000},
    {"clientId": ""},
]

WIDER = [
    {"sections": ["labs", "vitals", "conditions"]},
    {"sensitive": ["HIV", "MENTAL"]},
    {"purposes": ["TREAT", "CAREMGT"]},
    {"dataFrom": "2024-12-31"},
    {"dataFrom": None},
    {"dataTo": "2026-01-01"},
    {"validUntil": told(END + timedelta(seconds=1))},
    {"eraseBy": None},
    {"eraseBy": told(END + 2 * YEAR)},
]

MISFITS = [
    {"scope": "SECTION"},
    {"scope": "SECTION", "section": "everything"},
    {"scope": "SECTION", "section": "la\u0000bs"},
    {"scope": "ALL", "section": "labs"},
    {"scope": "CATEGORY", "category": "FLU"},
    {"scope": "ORGANIZATION", "organizationId": "00000000-0000-0000-0000-00000000000a"},
    {"scope": "ORGANIZATION", "organizationId": "x"},
    {"scope": "ORGANIZATION", "section": "labs"},
]


async def counted(book: Book, patient_id: UUID, section: str, extra: str = "true") -> int:
    counting = f"select count(*) from book.{section} where patient_id = $1 and shown and {extra}"
    return (await book.sql(counting, patient_id))[0][0]


async def ended(book: Book, consent: dict) -> None:
    """Its time is over."""
    await book.sql(
        "update access.consent set valid_from = now() - interval '2 hours', valid_until = now() - interval '1 s'"
    )


class TestReading:
    async def test_a_facility_reads_exactly_the_sections_granted(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        assert await place.reads(person.patient_id, *THREE) == CLOSED
        await person.grant(place.reader, terms("labs", "vitals"))
        assert await place.reads(person.patient_id, *THREE) == {
            "labs": await counted(book, person.patient_id, "labs"),
            "vitals": await counted(book, person.patient_id, "vitals"),
            "conditions": None,
        }

    async def test_no_other_facility_and_no_other_book(self, book: Book) -> None:
        person, other = await citizen(book), await citizen(book, 1)
        place, elsewhere = await clinic(book), await clinic(book, 1)
        await person.grant(place.reader, terms(*THREE))
        assert await elsewhere.reads(person.patient_id, *THREE) == CLOSED
        assert await place.reads(other.patient_id, *THREE) == CLOSED

    async def test_withdrawn_the_next_request_reads_nothing_more(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        consent = await person.grant(place.reader, terms("labs"))
        assert await place.reads(person.patient_id, "labs") != {"labs": None}
        withdrawn = await person.ask(WITHDRAW, id=consent["id"])
        assert (withdrawn["status"], withdrawn["version"]) == ("WITHDRAWN", 2)
        assert await place.reads(person.patient_id, "labs") == {"labs": None}
        assert await person.ask(WITHDRAW, id=consent["id"]) == withdrawn

    async def test_narrowed_the_next_request_reads_no_more_than_is_left(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms("labs", "vitals")
        consent = await person.grant(place.reader, wish)
        narrowed = await person.narrow(consent, wish | {"sections": ["vitals"]})
        assert (narrowed["sections"], narrowed["version"]) == (["vitals"], 2)
        assert await place.reads(person.patient_id, "labs", "vitals") == {
            "labs": None,
            "vitals": await counted(book, person.patient_id, "vitals"),
        }

    async def test_expired_it_reads_nothing_more(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        consent = await person.grant(place.reader, terms("labs"))
        await ended(book, consent)
        assert await place.reads(person.patient_id, "labs") == {"labs": None}

    @pytest.mark.parametrize("scope", ["ALL", "ORGANIZATION", "SECTION"])
    async def test_denied_it_reads_nothing_more_until_the_denial_is_lifted(self, book: Book, scope: str) -> None:
        person, place = await citizen(book), await clinic(book)
        await person.grant(place.reader, terms("labs", "vitals"))
        aim = {"ORGANIZATION": {"organizationId": str(place.organization_id)}, "SECTION": {"section": "labs"}}
        denial = await person.deny(scope=scope, **aim.get(scope, {}))
        read = await place.reads(person.patient_id, "labs", "vitals")
        assert read["labs"] is None
        assert (read["vitals"] is None) == (scope != "SECTION")
        await person.ask(LIFT, id=denial["id"])
        assert None not in (await place.reads(person.patient_id, "labs", "vitals")).values()

    async def test_a_suspended_facility_reads_nothing_more(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        await person.grant(place.reader, terms("labs"))
        await book.sql("update registry.organization set status = 'suspended' where id = $1", place.organization_id)
        answer = await book.post("{ healthRecord { patientId } }", place.token)
        assert answer.status_code == 401

    async def test_labels_are_hidden_unless_named_and_from_counts_too(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        await book.sql(
            """update book.labs set sensitivity = case when id in (
                   select id from book.labs where patient_id = $1 and shown order by id limit 3) then 'HIV' else '' end
                where patient_id = $1""",
            person.patient_id,
        )
        everything = await counted(book, person.patient_id, "labs")
        consent = await person.grant(place.reader, terms("labs"))
        assert await place.reads(person.patient_id, "labs") == {"labs": everything - 3}
        await person.ask(WITHDRAW, id=consent["id"])
        await person.grant(place.reader, terms("labs", sensitive=["MENTAL", "HIV"]))
        assert await place.reads(person.patient_id, "labs") == {"labs": everything}
        await person.deny(scope="CATEGORY", category="HIV")
        assert await place.reads(person.patient_id, "labs") == {"labs": everything - 3}

    async def test_the_data_period_cuts_rows(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        [[day]] = await book.sql(
            """select left(occurred, 10) from book.labs where patient_id = $1 and shown
                order by occurred limit 1 offset 10""",
            person.patient_id,
        )
        wish = terms("labs", dataFrom=day)
        consent = await person.grant(place.reader, wish)
        later_ones = await counted(book, person.patient_id, "labs", f"occurred >= '{day}'")
        assert await place.reads(person.patient_id, "labs") == {"labs": later_ones}
        await person.narrow(consent, wish | {"dataTo": day})
        same_day = await counted(book, person.patient_id, "labs", f"left(occurred, 10) = '{day}'")
        assert 0 < same_day < later_ones
        assert await place.reads(person.patient_id, "labs") == {"labs": same_day}

    async def test_36_a_purpose_that_the_consent_does_not_name_reads_nothing(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        await person.grant(place.reader, terms("labs", purposes=["HRESCH"]))
        assert (await place.reads(person.patient_id, "labs", purpose="HRESCH"))["labs"]
        for purpose in (None, "TREAT", "CAREMGT", "HPAYMT", "PATRQT", "BTG"):
            assert await place.reads(person.patient_id, "labs", purpose=purpose) == {"labs": None}

    async def test_an_app_reads_for_the_citizen_who_allowed_it_and_nobody_else(self, book: Book) -> None:
        person, other = await citizen(book), await citizen(book, 1)
        [[citizen_id]] = await book.sql("select id from access.citizen where patient_id = $1", person.patient_id)
        phone = await app(book, citizen_id)
        await other.grant(phone.reader, terms("labs", purposes=["PATRQT"]))
        assert await phone.reads(other.patient_id, "labs") == {"labs": None}
        await person.grant(phone.reader, terms("labs", purposes=["PATRQT"]))
        assert (await phone.reads(person.patient_id, "labs", "vitals")) == {
            "labs": await counted(book, person.patient_id, "labs"),
            "vitals": None,
        }

    async def test_a_merged_patient_keeps_his_consents_and_denials(self, book: Book) -> None:
        """The rows stay under the old id; the kept one's next change finds them."""
        person, place, kept = await citizen(book), await clinic(book), await citizen(book, 1)
        consent = await person.grant(place.reader, terms("labs", "vitals"))
        denial = await person.deny(scope="SECTION", section="vitals")
        redirect = "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)"
        await book.sql("delete from access.citizen where patient_id = $1", kept.patient_id)
        await book.sql(redirect, person.patient_id, kept.patient_id)
        labs = await counted(book, kept.patient_id, "labs")
        for asked in (person.patient_id, kept.patient_id):
            assert await place.reads(asked, "labs", "vitals") == {"labs": labs, "vitals": None}
        await person.ask(LIFT, id=denial["id"])
        assert (await place.reads(kept.patient_id, "vitals"))["vitals"] is not None
        assert (await person.ask("{ consents { nodes { id } } }"))["nodes"] == [{"id": consent["id"]}]
        await person.ask(WITHDRAW, id=consent["id"])
        assert await place.reads(kept.patient_id, "labs", "vitals") == {"labs": None, "vitals": None}


class TestTheTextThatIsShown:
    async def test_says_all_that_the_law_wants_in_both_languages(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms("labs", sensitive=["HIV"], dataFrom="2025-01-31", validUntil=told(END))
        texts = {}
        local = END.astimezone(VIETNAM).strftime("%H:%M:%S %d/%m/%Y").replace(":00 ", " ")
        for language in ("VI", "EN"):
            text = await person.ask(TEXT, reader=place.reader, terms=wish, language=language)
            texts[language] = text["body"]
        for word in (
            place.name,
            "Kết quả xét nghiệm",
            "HIV",
            "từ ngày 31/01/2025",
            local,
            "nhạy cảm",
            "Điều 26",
        ):
            assert word in texts["VI"]
        for word in ("written request", "31/01/2025", "sensitive personal data", "withdraw", "cannot be taken back"):
            assert word in texts["EN"]

    async def test_the_hash_of_other_terms_is_refused(self, book: Book) -> None:
        """Mass assignment and swapped terms: what was shown is what is signed (abuse 31)."""
        person, place, elsewhere = await citizen(book), await clinic(book), await clinic(book, 1)
        wish = terms("labs", validUntil=told(END))
        shown = await person.ask(TEXT, reader=place.reader, terms=wish)
        changes = (
            {"sections": ["labs", "vitals"]},
            {"purposes": ["HRESCH"]},
            {"sensitive": ["HIV"]},
            {"dataFrom": "2020-01-01"},
            {"validUntil": told(END + timedelta(seconds=1))},
            {"eraseBy": told(END + YEAR)},
        )
        for change in changes:
            answer = await person.ask(GRANT, reader=place.reader, terms=wish | change, hash=shown["hash"])
            assert answer == {"__typename": "ConsentRefused", "code": "TEXT_CHANGED"}, change
        answer = await person.ask(GRANT, reader=elsewhere.reader, terms=wish, hash=shown["hash"])
        assert answer["code"] == "TEXT_CHANGED"
        assert await book.sql("select from access.consent") == []
        granted = await person.ask(GRANT, reader=place.reader, terms=wish, hash=shown["hash"])
        assert granted["textHash"] == shown["hash"]
        [[body]] = await book.sql("select body from access.consent_text")
        assert body == shown["body"]

    async def test_two_facilities_of_one_name_have_two_texts(self, book: Book) -> None:
        person, place, elsewhere = await citizen(book), await clinic(book), await clinic(book, 1)
        await book.sql("update registry.organization set name = 'Trạm Y tế xã An Bình'")
        wish = terms("labs")
        texts = [await person.ask(TEXT, reader=one.reader, terms=wish) for one in (place, elsewhere)]
        assert texts[0]["hash"] != texts[1]["hash"]


class TestWhoMay:
    async def test_none_without_the_scope(self, book: Book) -> None:
        person, place = await citizen(book, scope="consent:read"), await clinic(book)
        consent = {"reader": place.reader, "terms": terms("labs"), "hash": "x"}
        assert await person.code(GRANT, **consent) == "INSUFFICIENT_SCOPE"
        assert await person.code(DENY, denial={"scope": "ALL"}) == "INSUFFICIENT_SCOPE"

    async def test_none_after_a_weak_or_an_old_sign_in(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        [[citizen_id]] = await book.sql("select id from access.citizen where patient_id = $1", person.patient_id)
        wish = {"reader": place.reader, "terms": terms("labs"), "hash": "x"}
        old = datetime.now(UTC) - timedelta(minutes=6)
        for acr, at in (("urn:healthbook:acr:1", None), ("demo", old), (None, None)):
            person.token = await book.token(citizen_id, "consent:manage", acr=acr, auth_time=at)
            assert await person.code(GRANT, **wish) == "STEP_UP_REQUIRED"
            assert await person.code(DENY, denial={"scope": "ALL"}) == "STEP_UP_REQUIRED"

    async def test_01_nobody_changes_or_sees_the_consents_of_another(self, book: Book) -> None:
        """As if there were none (BOLA)."""
        person, other, place = await citizen(book), await citizen(book, 1), await clinic(book)
        consent = await person.grant(place.reader, terms("labs"))
        denial = await person.deny(scope="SECTION", section="vitals")
        assert await other.code(WITHDRAW, id=consent["id"]) == "NOT_FOUND"
        assert await other.code(LIFT, id=denial["id"]) == "NOT_FOUND"
        assert await other.code(NARROW, id=consent["id"], terms=terms("labs"), hash="x") == "NOT_FOUND"
        assert (
            await other.code("query($id: ID!) { consentReceipt(id: $id) { events { kind } } }", id=consent["id"])
            == "NOT_FOUND"
        )
        assert await other.code(
            "query($id: ID) { consents(patientId: $id) { nodes { id } } }", id=str(person.patient_id)
        ) == ("NOT_FOUND")
        assert (await other.ask("{ consents { nodes { id } } }"))["nodes"] == []
        assert (await place.reads(person.patient_id, "labs"))["labs"]

    async def test_no_facility_decides(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        place_token = await book.token(None, "consent:manage consent:read", "clinic-0")
        wish = {"reader": place.reader, "terms": terms("labs"), "hash": "x", "patient": str(person.patient_id)}
        answer = await book.ask(GRANT, place_token, wish)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    async def test_a_refusal_leaves_its_row_in_the_log(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        await person.ask(GRANT, reader=place.reader, terms=terms("labs"), hash="x")
        rows = await book.sql("select purpose, outcome from access.access_log where purpose = 'grantConsent'")
        assert [tuple(row) for row in rows] == [("grantConsent", "ALLOWED")]
        assert await book.sql("select from access.consent") == []


class TestTerms:
    async def test_33_what_breaks_a_rule_is_named(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        for change, argument in BROKEN:
            wish = {"reader": place.reader, "terms": terms("labs") | change, "hash": "x"}
            answer = await book.ask(GRANT, person.token, wish)
            assert answer["errors"][0]["extensions"] == {"code": "INVALID", "argument": argument}, change

    async def test_who_is_no_reader_is_refused(self, book: Book) -> None:
        person = await citizen(book)
        for reader in NO_READERS:
            assert await person.code(GRANT, reader=reader, terms=terms("labs"), hash="x") == "INVALID", reader

    async def test_two_living_consents_of_one_reader_are_both_listed(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        first = await person.grant(place.reader, terms("labs"))
        second = await person.grant(place.reader, terms("labs"))
        page = await person.ask("{ consents(first: 1) { nodes { id } endCursor hasNextPage } }")
        assert (page["nodes"], page["hasNextPage"]) == ([{"id": second["id"]}], True)
        rest = await person.ask(
            "query($after: String) { consents(after: $after) { nodes { id } hasNextPage } }", after=page["endCursor"]
        )
        assert rest == {"nodes": [{"id": first["id"]}], "hasNextPage": False}
        await person.ask(WITHDRAW, id=first["id"])
        assert (await place.reads(person.patient_id, "labs"))["labs"]

    async def test_a_list_shows_what_has_ended_only_when_asked(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        for _ in range(2):
            consent = await person.grant(place.reader, terms("labs"))
        await person.ask(WITHDRAW, id=consent["id"])
        query = "query($ended: Boolean!) { consents(includeEnded: $ended) { nodes { status } } }"
        assert [one["status"] for one in (await person.ask(query, ended=False))["nodes"]] == ["ACTIVE"]
        assert [one["status"] for one in (await person.ask(query, ended=True))["nodes"]] == ["WITHDRAWN", "ACTIVE"]
        await ended(book, consent)
        assert (await person.ask(query, ended=False))["nodes"] == []

    async def test_a_page_has_bounds(self, book: Book) -> None:
        person = await citizen(book)
        for page in ("first: 101", "first: -1", 'after: "x"'):
            for field in ("consents", "denials"):
                assert await person.code(f"{{ {field}({page}) {{ nodes {{ id }} }} }}") == "INVALID", page


class TestNarrowing:
    async def test_what_would_be_wider_is_refused(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms(
            "labs",
            "vitals",
            sensitive=["HIV"],
            dataFrom="2025-01-01",
            dataTo="2025-12-31",
            validUntil=told(END),
            eraseBy=told(END + YEAR),
        )
        consent = await person.grant(place.reader, wish)
        for change in WIDER:
            shown = await person.ask(TEXT, reader=place.reader, terms=wish | change)
            narrowed = {"id": consent["id"], "terms": wish | change, "hash": shown["hash"]}
            assert await person.code(NARROW, **narrowed) == "INVALID", change
        assert (await person.ask("{ consents { nodes { version } } }"))["nodes"] == [{"version": 1}]

    async def test_the_same_terms_change_nothing(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms("labs")
        consent = await person.grant(place.reader, wish)
        assert await person.narrow(consent, wish) == consent
        assert len(await book.sql("select from access.consent_event")) == 1

    async def test_what_has_ended_is_told(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms("labs", "vitals")
        consent = await person.grant(place.reader, wish)
        await person.ask(WITHDRAW, id=consent["id"])
        answer = await person.narrow(consent, wish | {"sections": ["labs"]})
        assert answer == {"__typename": "ConsentRefused", "code": "CONSENT_ENDED"}


class TestDenials:
    async def test_what_does_not_fit_is_refused(self, book: Book) -> None:
        person = await citizen(book)
        for denial in MISFITS:
            assert await person.code(DENY, denial=denial) == "INVALID", denial

    async def test_the_same_once_more_changes_nothing(self, book: Book) -> None:
        person = await citizen(book)
        first = await person.deny(scope="SECTION", section="labs")
        assert await person.deny(scope="SECTION", section="labs") == first
        other = await person.deny(scope="SECTION", section="labs", inEmergency=True)
        assert other["id"] != first["id"]
        lifted = await person.ask(LIFT, id=first["id"])
        assert await person.ask(LIFT, id=first["id"]) == lifted
        query = "query($lifted: Boolean!) { denials(includeLifted: $lifted) { nodes { id isMine } } }"
        assert [one["id"] for one in (await person.ask(query, lifted=False))["nodes"]] == [other["id"]]
        assert len((await person.ask(query, lifted=True))["nodes"]) == 2

    async def test_what_is_no_id_is_refused(self, book: Book) -> None:
        person = await citizen(book)
        for id_ in ("", "x", "é", "\u0000", "A" * 500, "Y29uc2VudA"):
            assert await person.code(LIFT, id=id_) == "INVALID", id_
            assert await person.code(WITHDRAW, id=id_) == "INVALID", id_


class TestTheDoor:
    async def test_no_mutation_over_get(self, book: Book) -> None:
        person = await citizen(book)
        query = "mutation { denyAccess(denial: {scope: ALL}) { id } }"
        answer = await book.client.get(
            "/graphql", params={"query": query}, headers={"Authorization": f"Bearer {person.token}"}
        )
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert await book.sql("select from access.denial") == []

    async def test_02_a_document_makes_ten_changes_at_most(self, book: Book) -> None:
        """Counted wherever a fragment brings them in."""
        person = await citizen(book)

        def changes(letter: str, number: int) -> str:
            return " ".join(f"{letter}{one}: denyAccess(denial: {{scope: ALL}}) {{ id }}" for one in range(number))

        for wide in (
            f"mutation {{ {changes('a', 11)} }}",
            f"mutation {{ {changes('a', 6)} ...F }} fragment F on Mutation {{ {changes('b', 5)} }}",
            f"mutation {{ {changes('a', 6)} ... {{ {changes('b', 5)} }} }}",
        ):
            assert await person.code(wide) == "DOCUMENT_TOO_WIDE"
        assert await book.sql("select from access.denial") == []
        answer = await book.ask(f"mutation {{ {changes('a', 10)} }}", person.token)
        assert len(answer["data"]) == 10

    async def test_of_three_changes_the_one_that_fails_undoes_only_itself(self, book: Book) -> None:
        person = await citizen(book)
        query = """mutation { a: denyAccess(denial: {scope: SECTION, section: "labs"}) { section }
                              b: denyAccess(denial: {scope: SECTION, section: "none"}) { section }
                              c: denyAccess(denial: {scope: SECTION, section: "vitals"}) { section } }"""
        answer = await book.ask(query, person.token)
        assert answer["data"] == {"a": {"section": "labs"}, "b": None, "c": {"section": "vitals"}}
        rows = await book.sql("select section from access.denial order by 1")
        assert [row[0] for row in rows] == ["labs", "vitals"]

"""Who can see a section and why, and what a change would take from whom."""

from tests.api.conftest import Book
from tests.api.consenting import WITHDRAW, app, citizen, clinic, terms

READERS = """query($section: String!) { readers(section: $section) {
    kind name relation purposes consentId sensitive dataFrom dataTo until isAtOnce } }"""
PREVIEW = """query($change: ConsentChangeInput!) { consentPreview(change: $change) {
    kind name relation loses seesLess gains } }"""
DELEGATE = """insert into access.related_person (id, citizen_id, patient_id, kind, sections, valid_from, valid_until)
              select uuidv7(), id, $1, 'delegate', array['labs', 'vitals'], now() - interval '1 h',
                     now() + interval '9 d' from access.citizen where patient_id is distinct from $1 limit 1"""
OPENED = """insert into access.emergency_access
                   (patient_id, id, practitioner_id, organization_id, grant_id, reason_code, reason, sections,
                    sensitive, opened_at, expires_at, review)
            values ($1, uuidv7(), uuidv7(), $2, uuidv7(), 'unconscious', 'x', array['allergies'], false,
                    now(), now() + interval '30 minutes', 'waiting')"""


async def seen(person, section: str) -> dict[str, dict]:
    """Readers by what they are called."""
    rows = await person.ask(READERS, section=section)
    return {row["name"] or row["relation"] or row["kind"]: row for row in rows}


async def test_everybody_who_can_see_it_is_told_with_the_right_it_rests_on(book: Book) -> None:
    person, place, elsewhere = await citizen(book), await clinic(book), await clinic(book, 1)
    await book.sql(DELEGATE, person.patient_id)
    [[citizen_id]] = await book.sql("select id from access.citizen where patient_id = $1", person.patient_id)
    phone = await app(book, citizen_id)
    consent = await person.grant(place.reader, terms("labs", sensitive=["HIV"], dataFrom="2025-01-01"))
    await person.grant(elsewhere.reader, terms("vitals"))
    await person.grant(phone.reader, terms("labs", purposes=["PATRQT", "CAREMGT"]))
    told = await seen(person, "labs")
    assert set(told) == {place.name, phone.name, "delegate", "EMERGENCY", "SENDER"}
    mine = told[place.name]
    assert (mine["kind"], mine["consentId"], mine["purposes"]) == ("FACILITY", consent["id"], ["TREAT"])
    assert (mine["sensitive"], mine["dataFrom"], mine["until"]) == (["HIV"], "2025-01-01", consent["validUntil"])
    assert told[phone.name]["purposes"] == ["CAREMGT", "PATRQT"]
    assert told["EMERGENCY"]["isAtOnce"] is False
    assert (await seen(person, "allergies"))["EMERGENCY"]["isAtOnce"] is True
    assert set(await seen(person, "procedures")) == {"EMERGENCY", "SENDER"}


async def test_a_denial_takes_readers_off_the_list(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    await book.sql(DELEGATE, person.patient_id)
    await person.grant(place.reader, terms("labs", "vitals"))
    await person.deny(scope="SECTION", section="labs")
    assert set(await seen(person, "labs")) == {"EMERGENCY", "SENDER"}
    assert set(await seen(person, "vitals")) == {place.name, "delegate", "EMERGENCY", "SENDER"}
    await person.deny(scope="ALL", inEmergency=True)
    assert set(await seen(person, "vitals")) == {"SENDER"}


async def test_suspended_and_ended_readers_are_not_on_it(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    consent = await person.grant(place.reader, terms("labs"))
    await book.sql("update registry.organization set status = 'suspended' where id = $1", place.organization_id)
    assert place.name not in await seen(person, "labs")
    await book.sql("update registry.organization set status = 'active'")
    assert place.name in await seen(person, "labs")
    await person.ask(WITHDRAW, id=consent["id"])
    assert place.name not in await seen(person, "labs")


async def test_an_open_emergency_names_its_facility(book: Book) -> None:
    person, place = await citizen(book), await clinic(book)
    await book.sql(OPENED, person.patient_id, place.organization_id)
    told = (await seen(person, "allergies"))[place.name]
    assert (told["kind"], told["purposes"]) == ("FACILITY", ["BTG"])
    assert place.name not in await seen(person, "labs")


async def test_there_is_no_such_section(book: Book) -> None:
    person = await citizen(book)
    for section in ("", "everything", "la\u0000bs"):
        assert await person.code(READERS, section=section) == "INVALID"
    assert await person.code(READERS, section="x" * 100_000) == "VARIABLES_TOO_LARGE"


class TestPreview:
    async def test_a_withdrawal_takes_what_no_other_consent_gives(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        consent = await person.grant(place.reader, terms("labs", "vitals"))
        other = await person.grant(place.reader, terms("vitals", dataFrom="2025-01-01"))
        told = await person.ask(PREVIEW, change={"withdraw": consent["id"]})
        assert told == [change(place.name, loses=["labs"], less=["vitals"])]
        assert await person.ask(PREVIEW, change={"withdraw": other["id"]}) == []
        assert len((await person.ask("{ consents { nodes { id } } }"))["nodes"]) == 2

    async def test_a_narrowing(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        wish = terms("labs", "vitals", sensitive=["HIV"])
        consent = await person.grant(place.reader, wish)
        less = {"id": consent["id"], "terms": wish | {"sections": ["vitals"], "sensitive": []}}
        assert await person.ask(PREVIEW, change={"narrow": less}) == [
            change(place.name, loses=["labs"], less=["vitals"])
        ]
        wider = {"id": consent["id"], "terms": wish | {"sensitive": ["HIV", "MENTAL"]}}
        assert await person.code(PREVIEW, change={"narrow": wider}) == "INVALID"

    async def test_a_denial_and_lifting_it(self, book: Book) -> None:
        person, place, elsewhere = await citizen(book), await clinic(book), await clinic(book, 1)
        await book.sql(DELEGATE, person.patient_id)
        await person.grant(place.reader, terms("labs", "vitals"))
        await person.grant(elsewhere.reader, terms("labs"))
        only = {"scope": "ORGANIZATION", "organizationId": place.reader["organizationId"]}
        assert await person.ask(PREVIEW, change={"deny": only}) == [change(place.name, loses=["labs", "vitals"])]
        everything = await person.ask(PREVIEW, change={"deny": {"scope": "ALL"}})
        assert [one["name"] or one["relation"] for one in everything] == [place.name, elsewhere.name, "delegate"]
        denial = await person.deny(scope="SECTION", section="labs")
        lifted = await person.ask(PREVIEW, change={"lift": denial["id"]})
        assert lifted[0] == change(place.name, gains=["labs"])
        assert len(lifted) == 3

    async def test_a_new_consent(self, book: Book) -> None:
        person, place = await citizen(book), await clinic(book)
        new = {"reader": place.reader, "terms": terms("labs")}
        assert await person.ask(PREVIEW, change={"grant": new}) == [change(place.name, gains=["labs"])]
        await person.deny(scope="SECTION", section="labs")
        assert await person.ask(PREVIEW, change={"grant": new}) == []
        assert await book.sql("select from access.consent") == []

    async def test_one_change_and_only_one(self, book: Book) -> None:
        person = await citizen(book)
        for wrong in ({}, {"lift": "x", "withdraw": "x"}, {"lift": None}):
            answer = await book.ask(PREVIEW, person.token, {"change": wrong})
            assert answer["errors"]


def change(name: str, *, loses: list = (), less: list = (), gains: list = ()) -> dict:
    return {
        "kind": "FACILITY",
        "name": name,
        "relation": None,
        "loses": list(loses),
        "seesLess": list(less),
        "gains": list(gains),
    }

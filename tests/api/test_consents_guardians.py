"""Who says yes for a child, what a guardian cannot give away, and what happens when two of them disagree."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.api.conftest import Book
from tests.api.consenting import GRANT, LIFT, TEXT, WITHDRAW, Citizen, Clinic, clinic, signed_in, terms
from tests.api.families import Family, family_of

SECOND = """insert into access.related_person (id, citizen_id, patient_id, kind, sensitive, can_manage, valid_from,
                                               valid_until, private_from)
            select uuidv7(), $1, patient_id, 'parent', sensitive, true, valid_from, valid_until, private_from
              from access.related_person where id = $2"""
DELEGATE = """insert into access.related_person (id, citizen_id, patient_id, kind, sections, valid_from, valid_until)
              values (uuidv7(), $1, $2, 'delegate', array['labs'], now() - interval '1 h', now() + interval '9 days')"""


class Home:
    """A mother, her child of some age and what they say yes to."""

    def __init__(self, family: Family, mother: Citizen, himself: Citizen, place: Clinic) -> None:
        self.family, self.mother, self.himself, self.place = family, mother, himself, place
        self.patient = str(family.child)

    async def father(self) -> Citizen:
        citizen_id = await self.family.citizen()
        await self.family.book.sql(SECOND, citizen_id, self.family.right)
        return await signed_in(self.family.book, citizen_id)

    async def reads(self) -> int | None:
        return (await self.place.reads(self.family.child, "vitals"))["vitals"]


async def home(book: Book, age: int) -> Home:
    family = await family_of(book)
    child = await family.grown(age)
    return Home(family, await signed_in(book, family.mother), await signed_in(book, child), await clinic(book))


def vaccines(**changes) -> dict:
    return terms("vitals", **{"validUntil": (datetime.now(UTC) + timedelta(days=30)).isoformat()} | changes)


class TestWhoSaysYes:
    @pytest.mark.parametrize("age", [0, 6])
    async def test_for_a_small_child_its_parent_alone(self, book: Book, age: int) -> None:
        at_home = await home(book, age)
        consent = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        assert consent["actorRole"] == "REPRESENTATIVE"
        assert (await at_home.reads()) is not None
        rows = await book.sql("select actor_role, granted_by, channel, acr from access.consent")
        assert [tuple(row) for row in rows] == [("representative", at_home.family.mother, "app", "demo")]

    @pytest.mark.parametrize("age", [7, 15, 17])
    async def test_from_seven_years_on_the_child_agrees_too(self, book: Book, age: int) -> None:
        """Luật 91/2025/QH15: from 7 years on together with the representative."""
        at_home = await home(book, age)
        asked = at_home.place.reader, vaccines(), at_home.patient
        assert (await at_home.mother.grant(*asked))["code"] == "CHILD_MUST_AGREE"
        assert await at_home.reads() is None
        shown = await at_home.mother.ask(TEXT, reader=asked[0], terms=asked[1], patient=asked[2])
        assert shown["childMustAgree"] is True
        consent = await at_home.mother.grant(*asked, child=True)
        assert consent["actorRole"] == "CHILD_AND_REPRESENTATIVE"
        assert await at_home.reads() is not None

    async def test_below_sixteen_no_child_alone(self, book: Book) -> None:
        at_home = await home(book, 15)
        answer = await at_home.himself.grant(at_home.place.reader, vaccines())
        assert answer == {"__typename": "ConsentRefused", "code": "REPRESENTATIVE_MUST_AGREE"}

    async def test_from_sixteen_on_alone(self, book: Book) -> None:
        at_home = await home(book, 16)
        consent = await at_home.himself.grant(at_home.place.reader, vaccines())
        assert consent["actorRole"] == "SELF"

    async def test_a_child_may_always_take_back_and_deny(self, book: Book) -> None:
        at_home = await home(book, 9)
        consent = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient, child=True)
        await at_home.himself.ask(WITHDRAW, id=consent["id"])
        assert await at_home.reads() is None
        await at_home.himself.deny(scope="ALL")
        await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient, child=True)
        assert await at_home.reads() is None

    async def test_an_unknown_birth_date_is_taken_for_a_childs(self, book: Book) -> None:
        at_home = await home(book, 30)
        await book.sql("update access.related_person set valid_until = null, private_from = null")
        await book.sql("update book.demographics set birth_date = null where patient_id = $1", at_home.family.child)
        answer = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        assert answer["code"] == "CHILD_MUST_AGREE"


class TestWhatAGuardianCannotGive:
    async def test_no_more_than_he_sees_himself(self, book: Book) -> None:
        """From fifteen on the private categories are the child's."""
        at_home = await home(book, 16)
        wish = vaccines(sensitive=["REPRODUCTIVE"])
        shown = await at_home.mother.ask(TEXT, reader=at_home.place.reader, terms=wish, patient=at_home.patient)
        told = {"reader": at_home.place.reader, "terms": wish, "hash": shown["hash"], "patient": at_home.patient}
        assert await at_home.mother.code(GRANT, **told, child=True) == "FORBIDDEN"
        assert (await at_home.himself.grant(at_home.place.reader, wish))["sensitive"] == ["REPRODUCTIVE"]

    @pytest.mark.parametrize("age", [6, 17])
    async def test_no_longer_than_until_the_child_must_be_asked_or_is_of_age(self, book: Book, age: int) -> None:
        at_home = await home(book, age)
        ask = {"reader": at_home.place.reader, "patient": at_home.patient}
        shown = await at_home.mother.ask(TEXT, terms=vaccines(), **ask)
        last = datetime.fromisoformat(shown["latestEnd"])
        assert timedelta(days=300) < last - datetime.now(UTC) < timedelta(days=367)
        for end, is_fine in ((last + timedelta(seconds=1), False), (last, True)):
            wish = vaccines(validUntil=end.isoformat())
            shown = await at_home.mother.ask(TEXT, terms=wish, **ask)
            granted = {"hash": shown["hash"], "terms": wish, "child": age > 6, **ask}
            if is_fine:
                assert (await at_home.mother.ask(GRANT, **granted))["__typename"] == "Consent"
            else:
                assert await at_home.mother.code(GRANT, **granted) == "INVALID"

    async def test_37_who_no_longer_represents_decides_nothing(self, book: Book) -> None:
        at_home = await home(book, 5)
        consent = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        for ending in ("revoked_at = now()", "revoked_at = null, valid_until = now() - interval '1 s'"):
            await book.sql(f"update access.related_person set {ending} where id = $1", at_home.family.right)
            assert await at_home.mother.code(WITHDRAW, id=consent["id"]) == "NOT_FOUND"
            listing = "query($id: ID) { consents(patientId: $id) { nodes { id } } }"
            assert await at_home.mother.code(listing, id=at_home.patient) == "NOT_FOUND"

    async def test_37_a_delegate_decides_and_lists_nothing(self, book: Book) -> None:
        at_home = await home(book, 5)
        consent = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        citizen_id = await at_home.family.citizen()
        await book.sql(DELEGATE, citizen_id, at_home.family.child)
        delegate = await signed_in(book, citizen_id)
        assert await delegate.code(WITHDRAW, id=consent["id"]) == "FORBIDDEN"
        listing = "query($id: ID) { consents(patientId: $id) { nodes { id } } }"
        assert await delegate.code(listing, id=at_home.patient) == "FORBIDDEN"


class TestTwoGuardians:
    async def test_either_withdraws_what_the_other_gave(self, book: Book) -> None:
        at_home = await home(book, 5)
        father = await at_home.father()
        consent = await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        assert (await father.ask(WITHDRAW, id=consent["id"]))["status"] == "WITHDRAWN"
        assert await at_home.reads() is None

    async def test_a_denial_holds_against_the_other_and_only_who_placed_it_lifts_it(self, book: Book) -> None:
        at_home = await home(book, 5)
        father = await at_home.father()
        denial = await father.deny(at_home.patient, scope="ORGANIZATION", **at_home.place.reader)
        await at_home.mother.grant(at_home.place.reader, vaccines(), at_home.patient)
        assert await at_home.reads() is None
        assert await at_home.mother.code(LIFT, id=denial["id"]) == "FORBIDDEN"
        own = await at_home.mother.deny(at_home.patient, scope="ORGANIZATION", **at_home.place.reader)
        assert own["id"] != denial["id"]
        await father.ask(LIFT, id=denial["id"])
        assert await at_home.reads() is None
        await at_home.mother.ask(LIFT, id=own["id"])
        assert await at_home.reads() is not None

    async def test_the_child_lifts_it_once_an_adult(self, book: Book) -> None:
        at_home = await home(book, 17)
        denial = await at_home.mother.deny(at_home.patient, scope="SECTION", section="vitals")
        assert await at_home.himself.code(LIFT, id=denial["id"]) == "FORBIDDEN"
        eighteen = "to_char(now() - interval '18 years', 'YYYY-MM-DD')"
        birthday = f"update book.demographics set birth_date = {eighteen} where patient_id = $1"
        await book.sql(birthday, at_home.family.child)
        assert (await at_home.himself.ask(LIFT, id=denial["id"]))["liftedAt"]


class TestNotices:
    async def test_what_a_guardian_changes_is_told_to_the_child_and_the_other_guardian(self, book: Book) -> None:
        at_home = await home(book, 9)
        father = await at_home.father()
        wish = terms("vitals", "labs", validUntil=(datetime.now(UTC) + timedelta(days=30)).isoformat())
        consent = await at_home.mother.grant(at_home.place.reader, wish, at_home.patient, child=True)
        await at_home.mother.narrow(consent, wish | {"sections": ["labs"]})
        await at_home.mother.ask(WITHDRAW, id=consent["id"])
        await at_home.mother.ask(WITHDRAW, id=consent["id"])  # changes nothing, tells nothing
        denial = await at_home.mother.deny(at_home.patient, scope="ALL")
        await at_home.mother.ask(LIFT, id=denial["id"])
        assert await self.told(book, at_home) == 2 * 5
        rows = await book.sql("select distinct citizen_id from notify.inbox_item where kind = 'consent_changed'")
        assert at_home.family.mother not in {row[0] for row in rows}
        assert len(rows) == 2
        del father

    async def test_what_the_person_himself_changes_is_told_to_nobody(self, book: Book) -> None:
        at_home = await home(book, 17)
        consent = await at_home.himself.grant(at_home.place.reader, vaccines())
        await at_home.himself.ask(WITHDRAW, id=consent["id"])
        await at_home.himself.deny(scope="ALL")
        assert await self.told(book, at_home) == 0

    async def told(self, book: Book, at_home: Home) -> int:
        rows = await book.sql("select patient_id from notify.inbox_item where kind = 'consent_changed'")
        assert {row[0] for row in rows} <= {UUID(at_home.patient)}
        return len(rows)

"""Delta sync: whatever happens to a book and the right to it, a phone that catches up holds what a download gives."""

import base64
import json
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from graphql import get_named_type, is_leaf_type
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from api.limits.bounds import LONGEST_STRING
from api.planner.documents import Document, Documents
from api.planner.plan import NodeId
from api.planner.read import RecordReader
from api.schema import create_schema, records_of
from domain.database import open_engine
from domain.exchange.fhir_systems import CCCD, PRESCRIPTION
from domain.intake.fhir import submissions
from domain.intake.importing import Importer
from domain.intake.revisions import next_revisions, tied
from domain.intake.versions import allow
from domain.sections import SECTIONS
from domain.sections.prescriptions import Dispense
from tests.access.world import CITIZEN, CLINIC, World
from tests.conftest import KEY, NOW, Database
from tests.domain.intake.histories import START, STEP, Desk, History
from tests.domain.intake.people_and_visits import CHAM, TODAY, at, patient_of

SCHEMA = create_schema()._schema
DOCUMENTS = Documents(SCHEMA, records_of(SCHEMA))
CHANGES = SCHEMA.type_map["Changes"]
FIELD_OF = {s.name: "".join([w if n == 0 else w.title() for n, w in enumerate(s.name.split("_"))]) for s in SECTIONS}
BOOK_SCOPE = " ".join(section.scope for section in SECTIONS)
PAGE = 500
OPEN = ("labs", "encounters", "prescriptions")  # what a clinic is given, or a part of it


def item_fields(name: str) -> str:
    """Every plain field of an item, and what tells that something hanging on it has changed."""
    item = get_named_type(get_named_type(CHANGES.fields[name].type).fields["items"].type)
    plain = [key for key, one in item.fields.items() if is_leaf_type(get_named_type(one.type))]
    below = {"sources": "id", "reports": "id recordedAt", "dispenses": "drug status", "items": "position drug"}
    return " ".join([*plain, *(f"{key} {{ {inner} }}" for key, inner in below.items() if key in item.fields)])


def asking(sections: Iterable[str]) -> str:
    parts = " ".join(f"{FIELD_OF[one]} {{ removed items {{ {item_fields(FIELD_OF[one])} }} }}" for one in sections)
    head = "query ($patient: ID, $since: String, $n: Int!)"
    return f"{head} {{ changes(patientId: $patient, since: $since, limit: $n) {{ cursor hasMore purged {parts} }} }}"


@dataclass
class Phone:
    """What an app keeps of a book: items by section and id, and a cursor."""

    reader: RecordReader
    grant: UUID
    patient: UUID
    cursor: str | None = None
    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def ask(self, sections: Iterable[str], first: int) -> dict[str, Any] | None:
        found = DOCUMENTS.get(asking(sections), None)
        assert isinstance(found, Document), found
        variables = found.variables({"patient": str(self.patient), "since": self.cursor, "n": first})
        answer = await self.reader.read(self.grant, found.plan(variables), variables, uuid4())
        return None if answer.data is None else json.loads(answer.data)

    async def catch_up(self, sections: Iterable[str], first: int, pages: int = 1000) -> "Phone":
        """Some pages, or all there are; as docs/api.md tells an app to do it."""
        for _ in range(pages):
            answer = await self.ask(sections, first)
            if answer is None:
                break
            for name in answer["purged"]:
                self.held.pop(name, None)
            for name in sections:
                self.take_in(name, answer[FIELD_OF[name]])
            self.cursor = answer["cursor"]
            if not answer["hasMore"]:
                break
        return self

    def take_in(self, name: str, told: dict[str, Any] | None) -> None:
        if told is None:
            return
        copy = self.held.setdefault(name, {})
        for one in told["removed"]:
            copy.pop(one, None)
        copy.update({one["id"]: one for one in told["items"]})

    def book(self) -> dict[str, Any]:
        return {name: dict(copy) for name, copy in self.held.items() if copy}


@dataclass
class Scene:
    """An empty book that fills up, its citizen, a clinic, and everything that may happen."""

    world: World
    history: History
    reader: RecordReader
    patient: UUID
    grants: dict[str, UUID]

    def phone(self, who: str) -> Phone:
        return Phone(self.reader, self.grants[who], self.patient)

    async def decide(self, what: str, a: int) -> None:
        sections = list(OPEN[: a % 4])
        if what == "consent":
            dated = {"data_from": f"20{24 + a % 3}-01-01"} if a % 2 else {}
            labels = ["HIV"] if a % 3 == 0 else []
            values = {"sections": sections or ["labs"], "sensitive": labels, **dated}
            await self.world.consent(patient_id=self.patient, organization_id=CLINIC, **values)
        elif what == "withdraw":
            await self.world.sql.execute(
                "update access.consent set withdrawn_at = now(), withdrawn_by = granted_by where withdrawn_at is null"
            )
        elif what == "deny":
            await self.world.deny("section", patient_id=self.patient, section=OPEN[a % 3])
        else:
            await self.world.sql.execute("update access.denial set lifted_at = now(), lifted_by = $1", CITIZEN)


@asynccontextmanager
async def scene(databases, migrated):
    dsn = await databases.clone(migrated)
    database = Database(dsn.split("?")[0].rsplit("/", 1)[1])
    engine = open_engine(database.intake)
    owner = await asyncpg.connect(database.owner)
    try:
        async with RecordReader.open(database.web, size=2) as reader:
            history = History(database, Importer(engine=engine, secret=KEY, clock=lambda: NOW), Desk(engine))
            world = World(owner)
            await world.build()
            for step in START:
                await history.take(*step)
            patient = await patient_of(database.owner, "V0")
            await owner.execute("update access.citizen set patient_id = $1 where id = $2", patient, CITIZEN)
            grants = {
                "citizen": await world.grant("phone", CITIZEN, scope=BOOK_SCOPE),
                "clinic": await world.grant("clinic", scope=BOOK_SCOPE),
            }
            yield Scene(world, history, reader, patient, grants)
    finally:
        await owner.close()
        await engine.dispose()
        await databases.drop(dsn)


DECISION = st.tuples(st.sampled_from(["consent", "consent", "withdraw", "deny", "lift"]), st.integers(0, 11))
SYNC = st.tuples(
    st.just("sync"), st.sampled_from(["citizen", "clinic"]), st.integers(1, 3), st.integers(1, 4), st.booleans()
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a history of a whole database is shrunk by hand
)
@given(steps=st.lists(st.one_of(STEP, STEP, DECISION, SYNC, SYNC), min_size=6, max_size=16))
async def test_a_phone_converges_to_a_fresh_download(databases, migrated, steps):
    async with scene(databases, migrated) as now:
        phones = {who: now.phone(who) for who in now.grants}
        for step in steps:
            if step[0] == "sync":
                _, who, first, pages, narrow = step
                sections = OPEN[:2] if narrow else [section.name for section in SECTIONS]
                await phones[who].catch_up(sections, first, pages)
            elif len(step) == 2:
                await now.decide(*step)
            else:
                await now.history.take(*step)
        everything = [section.name for section in SECTIONS]
        for who, phone in phones.items():
            caught_up = await phone.catch_up(everything, 3)
            fresh = await now.phone(who).catch_up(everything, PAGE)
            assert caught_up.book() == fresh.book()


@pytest.mark.parametrize("move", [[("relink", 0, 3)], [("merge", 0, 1)], [("merge", 0, 1), ("unmerge", 0, 0)]])
async def test_what_moves_to_another_person_moves_out_of_the_copy(databases, migrated, move):
    async with scene(databases, migrated) as now:
        everything = [section.name for section in SECTIONS]
        phone = await now.phone("citizen").catch_up(everything, PAGE)
        for step in move:
            before = phone.book()
            await now.history.take(*step)
            fresh = await now.phone("citizen").catch_up(everything, PAGE)
            await phone.catch_up(everything, 3)
            assert phone.book() == fresh.book()
            assert phone.book() != before


async def test_what_a_pharmacy_gives_out_later_comes_with_its_prescription(databases, migrated):
    async with scene(databases, migrated) as now:
        phone = await now.phone("citizen").catch_up(["prescriptions"], PAGE)
        (prescription, *_) = phone.held["prescriptions"].values()
        await give_out(now, prescription["id"])
        await phone.catch_up(["prescriptions"], PAGE)
        assert len(phone.held["prescriptions"][prescription["id"]]["dispenses"]) == 1


CODE = "01001A1B2C3D-c"
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "Paracetamol 500mg"},
    "authoredOn": "2026-11-20T09:00:00+07:00",
    "groupIdentifier": {"system": PRESCRIPTION, "value": CODE},
}
HANDED_OVER = {
    "resourceType": "MedicationDispense",
    "status": "completed",
    "medicationCodeableConcept": {"text": "Paracetamol 500mg"},
    "authorizingPrescription": [{"identifier": {"system": PRESCRIPTION, "value": CODE}}],
    "whenHandedOver": "2026-11-20T10:00:00+07:00",
}


async def test_what_a_pharmacy_takes_back_without_replacing_it_goes_from_its_prescription(databases, migrated):
    """The dispense is no item of its own: only the prescription that showed it can tell a phone that it is gone."""
    async with scene(databases, migrated) as now:
        await tell_of(now, "01001", 10, "order", ORDER)
        await tell_of(now, "01002", 11, "sale", HANDED_OVER)
        phone = await now.phone("citizen").catch_up(["prescriptions"], PAGE)
        (order,) = (one for one in phone.held["prescriptions"].values() if one["code"] == CODE)
        assert len(order["dispenses"]) == 1
        await tell_of(now, "01002", 12, "sale")
        told = await phone.ask(["prescriptions"], PAGE)
        assert [(one["id"], one["dispenses"]) for one in told["prescriptions"]["items"]] == [(order["id"], [])]
        assert told["prescriptions"]["removed"] == []


async def tell_of(now: Scene, facility: str, minute: int, key: str, *resources: dict[str, Any]) -> None:
    """A bundle about the patient of the scene, as one facility sends it; the same key again corrects it."""
    person = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": CCCD, "value": CHAM["SO_CCCD"]}],
        "name": [{"text": CHAM["HO_TEN"]}],
        "birthDate": "1955-03-14",
        "gender": "female",
    }
    about = [{**one, "subject": {"reference": "Patient/p"}} for one in resources]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": "urn:his", "value": key},
        "entry": [{"resource": one} for one in (person, *about)],
    }
    sent = submissions(json.dumps(bundle).encode(), facility=facility, today=TODAY)
    outcomes = [one async for one in at(now.history.importer, minute).take(sent)]
    assert {one.status for one in outcomes} <= {"accepted", "superseded"}


async def give_out(now: Scene, node: str) -> None:
    """A dispense of one prescription, written as an import writes it."""
    engine = open_engine(now.history.database.intake)
    async with engine.begin() as connection:
        await allow(connection, [now.patient])
        revision = (await next_revisions(connection, [now.patient]))[now.patient]
        values = {"id": str(uuid4()), "to": str(NodeId.read(node).id), "revision": revision, "source": str(uuid4())}
        await connection.execute(text(GIVEN), values | {"patient": now.patient})
        await tied(connection, [now.patient], [Dispense])
    await engine.dispose()


GIVEN = """
insert into book.dispenses (patient_id, id, source_id, prescription_id, revision, status, organization_id, document,
                            received_at, fact_key, content_key, sources, drug)
select patient_id, cast(:id as uuid), cast(:source as uuid), id, :revision, 'completed', organization_id, 'x',
       received_at, :id, '-', sources, 'x'
  from book.prescriptions where patient_id = :patient and id = cast(:to as uuid)
"""


LISTS = [s.name for s in SECTIONS if "first" in SCHEMA.type_map["HealthRecord"].fields[FIELD_OF[s.name]].args]


@pytest.mark.parametrize("section", LISTS)
async def test_a_download_is_the_record(book, section):
    """What `changes` gives to a phone that knows nothing is what `healthRecord` shows."""
    token, name = await book.token(book.citizens[0]), FIELD_OF[section]
    query = f"{{ healthRecord {{ {name}(first: 200) {{ nodes {{ {item_fields(name)} }} }} }} }}"
    whole = (await book.ask(query, token))["data"]["healthRecord"][name]["nodes"]
    changes = (await book.ask(asking([section]), token, {"n": 200}))["data"]["changes"][name]
    assert {item["id"]: item for item in changes["items"]} == {item["id"]: item for item in whole}
    assert not changes["removed"]


async def test_nothing_new_is_almost_nothing(book):
    token = await book.token(book.citizens[0])
    sections = [section.name for section in SECTIONS]
    cursor, waits = None, True
    while waits:
        page = (await book.ask(asking(sections), token, {"n": 30, "since": cursor}))["data"]["changes"]
        cursor, waits = page["cursor"], page["hasMore"]
    told = (await book.ask(asking(sections), token, {"n": 30, "since": cursor}))["data"]["changes"]
    assert (told["hasMore"], told["purged"], told["cursor"]) == (False, [], cursor)
    assert all(told[FIELD_OF[one]] == {"removed": [], "items": []} for one in sections)


async def test_what_was_lost_is_purged_and_told_why(databases, migrated):
    async with scene(databases, migrated) as now:
        await now.world.consent(patient_id=now.patient, sections=["labs", "encounters"])
        phone = await now.phone("clinic").catch_up(OPEN, 100)
        assert set(phone.book()) == {"labs", "encounters"}
        await now.world.deny("section", patient_id=now.patient, section="labs")
        answer = await phone.ask(OPEN, 100)
        assert (answer["purged"], answer["labs"]) == (["labs"], None)
        await now.decide("withdraw", 0)
        answer = await phone.ask(OPEN, 100)
        assert sorted(answer["purged"]) == ["encounters", "labs"]
        assert (answer["cursor"], answer["hasMore"]) == (None, False)
        assert await now.phone("clinic").ask(OPEN, 100) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"data_from": "2024-01-01"}, {"data_from": "2026-01-01"}),
        ({"sensitive": ["HIV"]}, {}),
        ({}, {"data_to": "2024"}),
    ],
)
async def test_narrower_limits_take_out_what_they_close(databases, migrated, before, after):
    async with scene(databases, migrated) as now:
        await now.history.take("import", 0, 3)  # with a sensitive diagnosis
        await now.world.consent(patient_id=now.patient, sections=["conditions", "labs"], **before)
        phone = await now.phone("clinic").catch_up(["conditions", "labs"], PAGE)
        held = phone.book()
        await now.decide("withdraw", 0)
        await now.world.consent(patient_id=now.patient, sections=["conditions", "labs"], **after)
        await phone.catch_up(["conditions", "labs"], PAGE)
        fresh = await now.phone("clinic").catch_up(["conditions", "labs"], PAGE)
        assert phone.book() == fresh.book()
        assert phone.book() != held


async def test_a_book_that_never_was_open_is_as_absent_as_ever(book):
    """A cursor proves nothing: the answer repeats what it says, whether or not there is such a book."""
    token = await book.token(book.citizens[0])
    theirs = (await book.sql("select patient_id from access.citizen where id = $1", book.citizens[2]))[0][0]
    for patient in (theirs, uuid4()):
        told = {"p": str(patient), "s": {"labs": ["0" * 8, 5, None, 5]}}
        cursor = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        answer = await book.ask(asking(["labs"]), token, {"patient": str(patient), "since": cursor, "n": 5})
        assert answer["data"]["changes"] == {"cursor": None, "hasMore": False, "purged": ["labs"], "labs": None}
        without = await book.ask(asking(["labs"]), token, {"patient": str(patient), "n": 5})
        assert (without["data"], without["errors"][0]["extensions"]["code"]) == ({"changes": None}, "NOT_FOUND")


def cursor(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


PATIENT = str(UUID(int=7))


@pytest.mark.parametrize(
    "since",
    [
        "",
        "x",
        "\x00",
        "é",
        "A" * 100_000,
        cursor([]),
        cursor({"p": PATIENT}),
        cursor({"p": PATIENT, "s": {"labs": []}}),
        cursor({"p": PATIENT, "s": {"labs": ["0" * 8, -1, None, 0]}}),
        cursor({"p": PATIENT, "s": {"labs": ["0" * 8, 2**63, None, 0]}}),
        cursor({"p": PATIENT, "s": {"labs": ["0" * 8, True, None, 0]}}),
        cursor({"p": PATIENT, "s": {"labs": ["' or 1=1", 1, None, 0]}}),
        cursor({"p": PATIENT, "s": {"labs'": ["0" * 8, 1, None, 0]}}),
        cursor({"p": PATIENT, "s": {"labs": ["0" * 8, 1, "no id", 0]}}),
        cursor({"p": "nobody", "s": {}}),
    ],
)
async def test_a_cursor_of_nobody_is_named(book, since):
    for more in ("", "__typename "):
        query = asking(["labs"]).replace("{ changes(", f"{{ {more}changes(", 1)
        answer = await book.ask(query, await book.token(book.citizens[0]), {"since": since, "n": 5})
        told = answer["errors"][0]["extensions"]
        assert told["code"] == ("VARIABLES_TOO_LARGE" if len(since) > LONGEST_STRING else "INVALID")
        assert told["code"] != "INVALID" or "since" in (told.get("argument"), told.get("variable"))


@pytest.mark.parametrize("first", [0, -1, 501])
async def test_a_page_has_a_size(book, first):
    answer = await book.ask(asking(["labs"]), await book.token(book.citizens[0]), {"n": first})
    assert answer["errors"][0]["extensions"] == {"code": "INVALID", "argument": "limit"}


async def test_both_exits_say_the_same(book):
    token = await book.token(book.citizens[0], scope="record:labs:read record:prescriptions:read")
    sections = [section.name for section in SECTIONS]
    planned = await book.ask(asking(sections), token, {"n": 4})
    executed = await book.ask(asking(sections).replace("{ changes(", "{ __typename changes(", 1), token, {"n": 4})
    executed["data"].pop("__typename")
    assert planned["data"] == executed["data"]
    assert len(planned["errors"]) == len(executed["errors"]) == len(SECTIONS) - 2


async def test_removals_that_are_too_many_tell_the_section_anew(databases, migrated):
    async with scene(databases, migrated) as now:
        phone = await now.phone("citizen").catch_up(["labs"], 100)
        await now.world.sql.execute(
            """insert into book.removal (patient_id, id, revision, section, item_id, sensitivity)
               select $1, uuidv7(), revision + 1, 'labs', uuidv7(), '' from book.patient, generate_series(1, 2001)
                where patient_id = $1""",
            now.patient,
        )
        answer = await phone.ask(["labs"], 100)
        assert (answer["purged"], answer["labs"]["removed"]) == (["labs"], [])
        assert {item["id"] for item in answer["labs"]["items"]} == set(phone.held["labs"])


async def test_the_moment_of_a_read_is_one(databases, migrated):
    """Imports go on while a phone pages through a book; it still ends with what is there."""
    async with scene(databases, migrated) as now:
        phone = now.phone("citizen")
        for minute in range(6):
            await phone.catch_up(["labs", "encounters"], 1, pages=2)
            await now.history.take("import", minute % 3 * 3, 0)
        await phone.catch_up(["labs", "encounters"], 2)
        fresh = await now.phone("citizen").catch_up(["labs", "encounters"], PAGE)
        assert phone.book() == fresh.book()

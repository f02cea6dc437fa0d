"""Whoever changes a right tells those who stand on it: rows by themselves, statements that go past the rows by hand."""

import ast
import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from auth.tables import OAuthClient, TokenGrant
from domain.changes_feed import (
    CHANNELS,
    IDS_A_PAYLOAD,
    RecordChange,
    Tells,
    tell_consent,
    tell_inbox,
    tell_records,
    tell_rights,
)
from domain.consents.tables import Consent, Denial
from domain.database import Base, open_engine
from domain.emergencies import EmergencyAccess
from domain.organizations import Organization
from domain.patients import Citizen, PatientRedirect
from domain.practitioners import PractitionerRole
from domain.related_persons import RelatedPerson
from domain.sections import SECTIONS
from domain.values import utc_now
from notifications.tables import InboxItem

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "auth", "cli", "domain", "notifications")
DECIDES = {
    *("access.citizen", "access.consent", "access.denial", "access.emergency_access", "access.practitioner_role"),
    *("access.related_person", "auth.client", "auth.token_grant", "registry.organization"),
}
"""The tables that access.begin and access.act read, but for redirects, which only intake writes, in bulk."""
BY_HAND = {
    Consent,
    Denial,
    EmergencyAccess,
    Citizen,
    PractitionerRole,
    RelatedPerson,
    TokenGrant,
    OAuthClient,
    Organization,
    PatientRedirect,
    InboxItem,
}
NEEDLESS = {
    "api/citizens.py:_linked": "a citizen without a record gets one: nothing is lost",
    "auth/purge.py:purge": "their time is over already, and everybody's clock says so",
    "auth/clients/dynamic_registration.py:end": "the client's own row, changed beside it, tells for all of its grants",
    "domain/emergency_rules.py:_new": "the statement of open_emergency, which tells",
    "domain/organizations.py:by_code": "a new facility",
    "domain/organizations.py:save": "names and addresses, never the status",
    "domain/representation/rights.py:end_overdue": "their time is over already, and everybody's clock says so",
    "domain/intake/links.py:_redirect_again": "told by unmerge, which calls it",
}


def test_every_table_that_decides_tells():
    telling = {str(one.class_.__table__) for one in Base.registry.mappers if issubclass(one.class_, Tells)}
    assert telling == DECIDES | {"notify.inbox_item"}


def writers():
    """Functions that write a telling table past the Session, with the calls they make."""
    names = {one.__name__ for one in BY_HAND}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
                    written = {argument.id for one in calls if _name(one) in {"insert", "update", "delete"}
                               for argument in one.args[:1] if isinstance(argument, ast.Name)}  # fmt: skip
                    if written & names:
                        yield f"{path.relative_to(ROOT).as_posix()}:{node.name}", node


def _name(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def tells(node):
    return any(
        isinstance(one, ast.Name) and one.id in {"tell_rights", "tell_consent", "tell_inbox"} for one in ast.walk(node)
    )


def test_a_statement_that_goes_past_the_rows_tells_by_hand():
    found = dict(writers())
    silent = {name for name, node in found.items() if not tells(node)}
    assert silent == NEEDLESS.keys(), "tell_rights in it, or say why it is needless"
    assert len(found) > len(NEEDLESS), "the walk finds those that tell, too"


def test_no_raw_statement_writes_a_table_that_decides():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            text = " ".join(path.read_text().lower().split())
            for table in DECIDES | {"access.patient_redirect"}:
                for verb in ("insert into", "update", "delete from"):
                    assert f"{verb} {table} " not in text, f"{path}: {verb} {table}"


class Ear:
    """What a LISTEN hears, until it is asked."""

    def __init__(self, connection):
        self.connection, self.heard = connection, asyncio.Queue()

    async def open(self):
        for channel in CHANNELS:
            await self.connection.add_listener(channel, lambda _c, _p, name, text: self.heard.put_nowait((name, text)))
        return self

    async def all(self):
        """Everything so far: a word of our own comes after it."""
        await self.connection.execute("select pg_notify('inbox', 'done')")
        found = []
        while (told := await asyncio.wait_for(self.heard.get(), 10)) != ("inbox", "done"):
            found.append((told[0], orjson.loads(told[1])))
        return found


@pytest.fixture
async def ear(database):
    connection = await asyncpg.connect(database.web)
    yield await Ear(connection).open()
    await connection.close()


@pytest.fixture
async def session(database):
    engine = open_engine(database.owner)
    async with AsyncSession(engine, expire_on_commit=False) as made:
        yield made
    await engine.dispose()


def rows():
    """One of each table that decides, in an order that foreign keys allow; the channels its change is told on."""
    now, patient, citizen, organization = utc_now(), uuid4(), uuid4(), uuid4()
    later = now + timedelta(days=1)
    client = {
        "name": "x",
        "kind": "first_party",
        "status": "suspended",
        "auth_method": "none",
        "grant_types": [],
        "scope": "",
    }
    grant = {"scope": "", "created_at": now, "expires_at": later, "revoked_at": now, "revoke_reason": "x"}
    consent = {
        "kind": "visit", "organization_id": organization, "purposes": ["TREAT"], "sections": ["labs"],
        "valid_from": now, "valid_until": later, "granted_by": citizen, "actor_role": "self", "channel": "qr",
        "acr": "x", "auth_time": now,
        "text_hash": b"x", "created_at": now,
    }  # fmt: skip
    emergency = {
        "practitioner_id": citizen, "organization_id": organization, "grant_id": uuid4(), "reason": "x" * 20,
        "reason_code": "unconscious", "sections": ["labs"], "opened_at": now, "expires_at": now + timedelta(minutes=5),
        "review": "waiting",
    }  # fmt: skip
    both = {("rights", "patients", patient), ("consent", "patients", patient)}
    yield Citizen(id=citizen), {("rights", "citizens", citizen)}
    yield Organization(id=organization, code="1", status="suspended"), {("rights", "organizations", organization)}
    yield OAuthClient(client_id="app", created_at=now, **client), {("rights", "clients", "app")}
    made = TokenGrant(client_id="app", **grant)
    yield made, {("rights", "grants", made.id)}
    yield Consent(patient_id=patient, **consent), both
    yield Denial(patient_id=patient, scope="all", placed_by=citizen, placed_at=now), both
    yield RelatedPerson(citizen_id=citizen, patient_id=patient, kind="parent"), both
    yield EmergencyAccess(patient_id=patient, **emergency), both
    post = {"organization_id": organization, "role": "doctor", "display_name": "x"}
    yield PractitionerRole(citizen_id=citizen, **post), {("rights", "citizens", citizen)}
    yield InboxItem(citizen_id=citizen, kind="visit", created_at=now), {("inbox", "citizens", citizen)}


async def test_a_row_written_through_a_session_tells_when_it_is_committed_and_not_before(session, ear):
    for row, expected in rows():
        session.add(row)
        await session.flush()
        assert await ear.all() == []
        await session.commit()
        told = {
            (channel, kind, id_) for channel, payload in await ear.all() for kind, ids in payload.items() for id_ in ids
        }
        assert told == {(channel, kind, str(id_)) for channel, kind, id_ in expected}, type(row)


async def test_a_row_that_is_rolled_back_tells_nothing(session, ear):
    session.add(Citizen(id=uuid4()))
    await session.flush()
    await session.rollback()
    assert await ear.all() == []


async def test_a_grant_that_was_exchanged_ends_with_its_parent_and_both_are_told(session, ear):
    now = utc_now()
    life = {"client_id": "app", "scope": "", "created_at": now, "expires_at": now + timedelta(days=1)}
    client = {
        "name": "x",
        "kind": "first_party",
        "status": "active",
        "auth_method": "none",
        "grant_types": [],
        "scope": "",
    }
    parent = TokenGrant(**life)
    session.add(OAuthClient(client_id="app", created_at=now, **client))
    await session.flush()
    session.add(parent)
    await session.flush()
    child = TokenGrant(**life, parent_id=parent.id)
    session.add(child)
    await session.commit()
    assert await ear.all() == []
    await session.run_sync(lambda _: parent.revoke(now, "x"))
    await session.commit()
    told = [payload["grants"] for _, payload in await ear.all()]
    assert sorted(id_ for ids in told for id_ in ids) == sorted(map(str, (parent.id, child.id)))


async def test_however_many_are_told_of_each_payload_stays_below_what_notify_takes(session, ear):
    ids = [uuid4() for _ in range(10 * IDS_A_PAYLOAD + 1)]
    clients = ["c" * 60 + f"{number:04}" for number in range(2 * IDS_A_PAYLOAD)]
    await session.run_sync(lambda db: tell_rights(db, patients=ids, grants=ids, clients=clients))
    await session.run_sync(lambda db: (tell_consent(db, ids), tell_inbox(db, ids), tell_rights(db)))
    labels = ("", "HIV", "MENTAL", "REPRODUCTIVE", "SUBSTANCE", "GENETIC", "VIOLENCE", "UNKNOWN")
    everything = frozenset((section.name, label) for section in SECTIONS for label in labels)
    await tell_records(await session.connection(), [RecordChange(ids[0], 2**62, everything)])
    await session.commit()
    told = await ear.all()
    assert max(len(orjson.dumps(payload)) for _, payload in told) < 8000
    patients = [id_ for channel, payload in told if channel == "rights" for id_ in payload.get("patients", ())]
    assert sorted(patients) == sorted(map(str, ids))


def test_what_the_walk_would_find_is_found():
    """A writer that forgets is one of the walk's."""
    bad = ast.parse("def forgets(db):\n    db.execute(update(Denial).values(lifted_at=None))").body[0]
    assert not tells(bad)

"""Whatever was granted, narrowed, withdrawn and denied, in any order: `access.begin` opens what a simple model opens.

The model knows no tables: it remembers what was said and looks at all of it again for each question. What citizens
are told beforehand (`domain/consents/readers.py`) must say the same.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from domain.consents import denials, readers, records
from domain.consents.denials import Denied
from domain.consents.standing import standing
from domain.consents.terms import Decider, Reader, Terms
from domain.consents.texts import document
from domain.database import open_engine
from domain.values import utc_now
from tests.conftest import Database

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
SECTIONS = ("labs", "vitals", "conditions")
LABELS = ("HIV", "MENTAL")
CLINICS = (UUID(int=11), UUID(int=12))
READERS = (
    Reader("written_request", CLINICS[0], None, "Sen", "001"),
    Reader("visit", CLINICS[0], None, "Sen", "001"),
    Reader("written_request", CLINICS[1], None, "Mai", "002"),
    Reader("app", None, "steps", "Steps"),
)
PURPOSES = ("TREAT", "CAREMGT", "HRESCH", "PATRQT")
SETUP = """
insert into registry.organization (id, code, name, status) values
    ('00000000-0000-0000-0000-00000000000b', '001', 'Sen', 'active'),
    ('00000000-0000-0000-0000-00000000000c', '002', 'Mai', 'active');
insert into auth.client (client_id, name, kind, status, auth_method, secret_hash, organization_id, grant_types, scope,
                         created_at, redirect_uris) values
    ('sen', 'Sen', 'facility', 'active', 'client_secret_basic', 'x', '00000000-0000-0000-0000-00000000000b', '[]', '',
     now(), '[]'),
    ('mai', 'Mai', 'facility', 'active', 'client_secret_basic', 'x', '00000000-0000-0000-0000-00000000000c', '[]', '',
     now(), '[]'),
    ('steps', 'Steps', 'third_party', 'active', 'none', null, null, '[]', '', now(), '[]')"""
GRANT = """insert into auth.token_grant (id, client_id, citizen_id, scope, created_at, expires_at)
           values ($1, $2, $3, 'record:labs:read record:vitals:read record:conditions:read', now(), now() + '1 hour')"""
BEGIN = "select outcome from access.begin($1, $2, $3, $4, null)"
OPENED = """select current_setting('app.sections') as sections, current_setting('app.sensitive') as sensitive,
                   current_setting('app.undated') as undated, current_setting('app.windows') as windows"""

Seen = dict[str, tuple[frozenset[str], str, str]]
"""By section: labels, first and last day."""
OPEN = ("0000-00-00", "9999-99-99")


@dataclass
class Person:
    """A patient of his own for each history, with the token of his app."""

    patient_id: UUID = field(default_factory=uuid4)
    citizen_id: UUID = field(default_factory=uuid4)
    app_grant: UUID = field(default_factory=uuid4)


@dataclass
class Said:
    """A consent as the model remembers it."""

    id: UUID
    reader: Reader
    terms: Terms
    holds: bool = True


@dataclass
class World:
    owner: asyncpg.Connection
    consent: AsyncEngine
    grants: dict[UUID, UUID]

    async def person(self) -> Person:
        one = Person()
        await self.owner.execute(
            "insert into access.citizen (id, patient_id) values ($1, $2)", one.citizen_id, one.patient_id
        )
        await self.owner.execute(GRANT, one.app_grant, "steps", one.citizen_id)
        return one

    async def run(self, person: Person, work: Any, *arguments: Any) -> Any:
        """As the writing role, with the patient opened as `access.act` does."""
        async with async_sessionmaker(self.consent, expire_on_commit=False)() as session:
            await session.execute(sql("select set_config('app.persons', :p, true)"), {"p": str(person.patient_id)})
            done = await session.run_sync(work, *arguments)
            await session.commit()
        return done

    async def sees(self, person: Person, reader: Reader, purpose: str) -> Seen:
        """What the decision opens to the reader's token."""
        grant = person.app_grant if reader.organization_id is None else self.grants[reader.organization_id]
        async with self.owner.transaction():
            await self.owner.fetchval(BEGIN, grant, person.patient_id, purpose, list(SECTIONS))
            told = await self.owner.fetchrow(OPENED)
        dated = {one.partition(":")[0] for one in told["windows"].split(",")}
        assert dated | set(told["undated"].split(",")) == set(told["sections"].split(",")) | {""}
        return {section: _view(told, section) for section in told["sections"].split(",") if section}


def _view(told: asyncpg.Record, section: str) -> tuple[frozenset[str], str, str]:
    labels = frozenset(one.partition(":")[2] for one in told["sensitive"].split(",") if one.startswith(f"{section}:"))
    if section in told["undated"].split(","):
        return (labels, *OPEN)
    [window] = [one for one in told["windows"].split(",") if one.startswith(f"{section}:")]
    days = window.partition(":")[2]
    return labels, days[:10], days[10:20]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    owner = await asyncpg.connect(database.owner)
    await owner.execute(SETUP)
    grants = {clinic: uuid4() for clinic in CLINICS}
    for clinic, client in zip(CLINICS, ("sen", "mai"), strict=True):
        await owner.execute(GRANT, grants[clinic], client, None)
    engine = open_engine(database.consent)
    yield World(owner, engine, grants)
    await engine.dispose()
    await owner.close()


def expected(said: list[Said], denied: list[Denied], reader: Reader, purpose: str) -> Seen:
    """The rule in so many words: a no beats every yes; of several yeses the one with the widest dates counts, whole."""
    mine = [one for one in said if one.holds and (one.reader.organization_id, one.reader.client_id) == _who(reader)]
    if any(no.scope == "all" or no.organization_id in {reader.organization_id} - {None} for no in denied):
        return {}
    seen: Seen = {}
    for section in SECTIONS:
        yes = [
            one.terms
            for one in sorted(mine, key=_order)
            if purpose in one.terms.purposes and section in one.terms.sections
        ]
        if yes and purpose in reader.purposes and section not in {no.section for no in denied}:
            labels = frozenset(yes[0].sensitive) - {no.category for no in denied}
            seen[section] = (labels, yes[0].data_from or OPEN[0], yes[0].data_to or OPEN[1])
    return seen


def _who(reader: Reader) -> tuple[UUID | None, str | None]:
    return reader.organization_id, reader.client_id


def _order(one: Said) -> tuple[Any, ...]:
    terms = one.terms
    is_open = terms.data_from is None and terms.data_to is None
    return (not is_open, terms.data_from is not None, terms.data_from or "", -len(terms.sensitive), one.id)


subsets = st.lists(st.sampled_from(SECTIONS), min_size=1, max_size=3, unique=True).map(tuple)
labels = st.lists(st.sampled_from(LABELS), max_size=2, unique=True).map(tuple)
days = st.sampled_from([None, "2024-01-01", "2025-01-01"])
indices = st.integers(0, 9)
purposes = {
    "facility": st.sampled_from([("TREAT",), ("TREAT", "CAREMGT"), ("HRESCH",)]),
    "app": st.sampled_from([("PATRQT",), ("PATRQT", "CAREMGT"), ("HRESCH",)]),
}
grantings = st.sampled_from(READERS).flatmap(
    lambda reader: st.tuples(
        st.just("grant"),
        st.just(reader),
        purposes["app" if reader.kind == "app" else "facility"],
        subsets,
        labels,
        days,
        st.sampled_from([None, "2026-01-01"]),
    )
)
denyings = st.one_of(
    st.just(Denied("all")),
    st.sampled_from(CLINICS).map(lambda one: Denied("organization", organization_id=one)),
    st.sampled_from(SECTIONS).map(lambda one: Denied("section", section=one)),
    st.sampled_from(LABELS).map(lambda one: Denied("category", category=one)),
    st.just(Denied("all", in_emergency=True)),
)
narrowings = st.tuples(st.just("narrow"), indices, subsets, labels, days)
histories = st.lists(
    st.one_of(
        grantings,
        grantings,
        narrowings,
        st.tuples(st.sampled_from(["withdraw", "expire", "lift"]), indices),
        st.tuples(st.just("deny"), denyings),
    ),
    min_size=1,
    max_size=9,
)


class Story:
    """One history, told to the database and to the model."""

    def __init__(self, world: World, person: Person) -> None:
        self.world, self.person = world, person
        self.said: list[Said] = []
        self.denied: list[tuple[UUID, Denied]] = []
        self.by = Decider(person.citizen_id, "self", "app", "demo", utc_now())

    async def tell(self, step: tuple[Any, ...]) -> None:
        kind, *rest = step
        if kind in {"grant", "deny"}:
            await getattr(self, kind)(*rest)
        elif among := self.denied if kind == "lift" else self.said:
            await getattr(self, kind)(among[rest[0] % len(among)], *rest[1:])

    async def grant(self, reader: Reader, purposes: Any, sections: Any, sensitive: Any, first: Any, last: Any) -> None:
        until = utc_now() + timedelta(days=9)
        now = utc_now() - timedelta(seconds=1)
        terms = Terms(purposes, sections, sensitive, first, last, until, None).checked(now)
        text = document(reader, terms, "vi")
        made = await self.world.run(
            self.person,
            lambda db: records.grant(
                db,
                patient_id=self.person.patient_id,
                reader=reader,
                terms=terms,
                by=self.by,
                text=text,
                now=now,
                sign=str,
            ),
        )
        self.said.append(Said(made.id, reader, terms))

    async def narrow(self, one: Said, sections: Any, sensitive: Any, first: Any) -> None:
        """To what both the old terms and the drawn ones have."""
        if not one.holds:
            return
        left = tuple(name for name in one.terms.sections if name in sections) or one.terms.sections
        shown = tuple(name for name in one.terms.sensitive if name in sensitive)
        since = max(filter(None, [one.terms.data_from, first]), default=None)
        terms = replace(one.terms, sections=left, sensitive=shown, data_from=since)
        text = document(one.reader, terms, "vi")

        def work(db: Any) -> None:
            consent = records.of_persons(db, [self.person.patient_id], one.id)
            records.narrow(db, consent, terms, by=self.by, text=text, now=utc_now(), sign=str)

        await self.world.run(self.person, work)
        one.terms = terms

    async def withdraw(self, one: Said) -> None:
        def work(db: Any) -> None:
            consent = records.of_persons(db, [self.person.patient_id], one.id)
            records.withdraw(db, consent, by=self.by, now=utc_now(), sign=str)

        await self.world.run(self.person, work)
        one.holds = False

    async def expire(self, one: Said) -> None:
        past = "valid_from = now() - interval '2 h', valid_until = now() - interval '1 s'"
        await self.world.owner.execute(f"update access.consent set {past} where id = $1", one.id)
        one.holds = False

    async def deny(self, wish: Denied) -> None:
        placed = await self.world.run(
            self.person,
            lambda db: denials.place(
                db,
                patient_id=self.person.patient_id,
                persons=[self.person.patient_id],
                denied=wish,
                placed_by=self.person.citizen_id,
                now=utc_now(),
            ),
        )
        if placed.id not in {id_ for id_, _ in self.denied}:
            self.denied.append((placed.id, wish))

    async def lift(self, one: tuple[UUID, Denied]) -> None:
        await self.world.run(
            self.person,
            lambda db: denials.lift(
                db,
                [self.person.patient_id],
                one[0],
                by=self.person.citizen_id,
                is_adult_himself=False,
                now=utc_now(),
            ),
        )
        self.denied.remove(one)

    async def foretold(self, reader: Reader, purpose: str) -> Seen:
        """What the citizen is told that the reader sees."""
        stands = await self.world.run(self.person, standing, [self.person.patient_id], utc_now())
        kind = "app" if reader.client_id else "facility"
        views = readers.seen(stands).get(readers.Who(kind, reader.id), {})
        return {
            section: (view.labels, view.data_from or OPEN[0], view.data_to or OPEN[1])
            for (why, section), view in views.items()
            if why == purpose
        }


@settings(max_examples=30, suppress_health_check=SLOW)
@given(history=histories)
async def test_random_histories_open_what_the_model_opens(world: World, history: list[tuple[Any, ...]]) -> None:
    story = Story(world, await world.person())
    for step in history:
        await story.tell(step)
    denied = [wish for _, wish in story.denied]
    for reader in (READERS[0], READERS[2], READERS[3]):
        for purpose in PURPOSES:
            wanted = expected(story.said, denied, reader, purpose)
            assert await world.sees(story.person, reader, purpose) == wanted, (reader.name, purpose)
            assert await story.foretold(reader, purpose) == wanted, (reader.name, purpose)


@settings(max_examples=15, suppress_health_check=SLOW)
@given(history=histories, last=denyings)
async def test_a_preview_tells_what_then_happens(world: World, history: list[tuple[Any, ...]], last: Denied) -> None:
    """Sections that a denial is said to take are those that are open before and shut after it."""
    story = Story(world, await world.person())
    for step in history:
        await story.tell(step)
    before = await world.run(story.person, standing, [story.person.patient_id], utc_now())
    after = replace(before, denied=(*before.denied, last))
    told = {(one.who.kind, one.who.id): set(one.loses) for one in readers.differences(before, after)}
    had = {reader: await _everything(story, reader) for reader in READERS[1:]}
    await story.deny(last)
    for reader in READERS[1:]:
        lost = had[reader] - await _everything(story, reader)
        assert told.get(("app" if reader.client_id else "facility", reader.id), set()) == lost


async def _everything(story: Story, reader: Reader) -> set[str]:
    return {section for purpose in PURPOSES for section in await story.world.sees(story.person, reader, purpose)}

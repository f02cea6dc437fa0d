"""The idiomatic way: Strawberry, a SQLAlchemy session a request, DataLoaders, no sign-in and no rules of access.

Documents are parsed and validated once (Strawberry's own caches), rows are fetched in batches, a page reads no more
rows than it shows.
"""

import asyncio
import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from strawberry import Info
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks import orm_types as types
from domain.sections import SECTIONS
from domain.sections.prescriptions import Dispense, PrescriptionItem

PAGE = 50
MODELS = {section.name: section.model for section in SECTIONS}


class Loaders:
    """The loaders of one request, over its one session (which takes one statement at a time)."""

    def __init__(self, session: AsyncSession) -> None:
        self.session, self.turn = session, asyncio.Lock()
        self.sections = {name: DataLoader(load_fn=self._rows(model)) for name, model in MODELS.items()}
        self.items = DataLoader(load_fn=self._items)
        self.dispenses = DataLoader(load_fn=self._dispenses)

    async def all(self, statement: Any) -> Sequence[Any]:
        async with self.turn:
            return (await self.session.scalars(statement)).all()

    def _rows(self, model: Any) -> Callable[[list[UUID]], Awaitable[list[list[Any]]]]:
        """The newest shown rows of some patients, one more than a page."""
        newest = (model.occurred.desc().nulls_last(), model.id.desc())
        place = func.row_number().over(partition_by=model.patient_id, order_by=newest).label("place")

        async def load(patients: list[UUID]) -> list[list[Any]]:
            ranked = select(model, place).where(model.patient_id.in_(patients), model.shown).subquery()
            row = aliased(model, ranked)
            rows = await self.all(select(row).where(ranked.c.place <= PAGE + 1).order_by(ranked.c.place))
            grouped: dict[UUID, list[Any]] = defaultdict(list)
            for one in rows:
                grouped[one.patient_id].append(one)
            return [grouped[patient] for patient in patients]

        return load

    async def _items(self, keys: list[tuple[UUID, UUID]]) -> list[list[Any]]:
        own = tuple_(PrescriptionItem.patient_id, PrescriptionItem.prescription_id)
        rows = await self.all(select(PrescriptionItem).where(own.in_(keys)).order_by(PrescriptionItem.position))
        grouped: dict[tuple[UUID, UUID], list[Any]] = defaultdict(list)
        for one in rows:
            grouped[one.patient_id, one.prescription_id].append(one)
        return [grouped[key] for key in keys]

    async def _dispenses(self, keys: list[tuple[UUID, UUID, str | None]]) -> list[list[Any]]:
        """What was given out of a prescription: by its row, or by its code in any letter case."""
        patients = {patient for patient, _, _ in keys}
        wanted = select(Dispense).where(Dispense.patient_id.in_(patients), Dispense.shown)
        rows = await self.all(wanted.order_by(Dispense.occurred, Dispense.id))
        return [[row for row in rows if _given_out_of(row, *key)] for key in keys]


def _given_out_of(row: Dispense, patient: UUID, id_: UUID, code: str | None) -> bool:
    by_code = code is not None and (row.prescription_code or "").lower() == code.lower()
    return row.patient_id == patient and (row.prescription_id == id_ or by_code)


def _list(section: str) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return await info.context["loaders"].sections[section].load(root.patient)

    del resolve.__annotations__["return"]
    return strawberry.field(resolver=resolve)


def _single(section: str) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        rows = await info.context["loaders"].sections[section].load(root.patient)
        return rows[0] if rows else None

    del resolve.__annotations__["return"]
    return strawberry.field(resolver=resolve)


def _page(section: str) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info, first: int = PAGE, after: str | None = None) -> Any:
        loaders = info.context["loaders"]
        if after is None:
            rows = await loaders.sections[section].load(root.patient)
        else:
            rows = await loaders.all(_next(MODELS[section], root.patient, first, after))
        shown = rows[:first]
        page_info = types.PageInfo(has_next_page=len(rows) > first, end_cursor=_cursor(shown[-1]) if shown else None)
        return types.Page(nodes=shown, page_info=page_info)

    del resolve.__annotations__["return"]
    return strawberry.field(resolver=resolve)


def _next(model: Any, patient: UUID, first: int, after: str) -> Any:
    """The rows behind a cursor of an item that has a date, one more than a page."""
    occurred, _, id_ = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().partition("|")
    own = select(model).where(model.patient_id == patient, model.shown)
    behind = own.where(tuple_(model.occurred, model.id) < tuple_(literal(occurred), literal(UUID(id_))))
    return behind.order_by(model.occurred.desc().nulls_last(), model.id.desc()).limit(first + 1)


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.occurred or ''}|{row.id}".encode()).rstrip(b"=").decode()


@strawberry.type
class HealthRecord:
    patient: strawberry.Private[UUID]
    demographics: types.Demographics | None = _single("demographics")
    allergies: list[types.Allergy] = _list("allergies")
    conditions: types.Page[types.Condition] = _page("conditions")
    family_history: list[types.FamilyHistory] = _list("family_history")
    social_history: list[types.SocialHistory] = _list("social_history")
    immunizations: list[types.Immunization] = _list("immunizations")
    encounters: types.Page[types.Encounter] = _page("encounters")
    procedures: types.Page[types.Procedure] = _page("procedures")
    labs: types.Page[types.Lab] = _page("labs")
    imaging: types.Page[types.Imaging] = _page("imaging")
    vitals: types.Page[types.Vital] = _page("vitals")
    prescriptions: types.Page[types.Prescription] = _page("prescriptions")
    referrals: list[types.Referral] = _list("referrals")
    follow_ups: types.Page[types.FollowUp] = _page("follow_ups")
    insurance: list[types.Insurance] = _list("insurance")
    documents: types.Page[types.Document] = _page("documents")

    @strawberry.field
    def patient_id(self) -> strawberry.ID:
        return strawberry.ID(str(self.patient))


@strawberry.type
class Query:
    @strawberry.field
    def health_record(self, patient_id: strawberry.ID) -> HealthRecord:
        return HealthRecord(patient=UUID(patient_id))


class Endpoint(GraphQL[Any, None]):
    """One session a request, closed with it."""

    sessions: async_sessionmaker[AsyncSession]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.sessions() as session:
            scope["loaders"] = Loaders(session)
            await super().__call__(scope, receive, send)

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"request": request, "response": response, "loaders": request.scope["loaders"]}


def create_app(dsn: str, connections: int) -> Starlette:
    address = dsn.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(address, pool_size=connections, max_overflow=0)
    endpoint = Endpoint(strawberry.Schema(Query, extensions=[ParserCache, ValidationCache]))
    endpoint.sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", endpoint)], lifespan=lifespan)

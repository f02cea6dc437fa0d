"""Who may meet in somebody's log: his own phone, his mother, a clinic and its doctor, an app, a stranger."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.values import new_id
from tests.access.world import World
from tests.api.conftest import Book

CLINIC, DOCTOR = "Phòng khám Hoa Sen", "BS. Lê Thị Sen"
READ = """query ($of: ID, $why: PurposeOfUse) { healthRecord(patientId: $of, purpose: $why) {
  labs(first: 1) { totalCount } vitals(first: 1) { totalCount } } }"""
LOG = """query ($of: ID, $first: Int! = 50, $after: String, $own: Boolean! = false) {
  accessLog(patientId: $of, first: $first, after: $after, includeOwn: $own) {
    nodes { id at reader organizationName practitionerName appName isReading sectionsAsked sectionsOpened purpose basis
            consentIds emergencyId representationId outcome dispute { id status answeredAt }
            vi: summary en: summary(language: EN) }
    endCursor hasNextPage } }"""
DISPUTE = """mutation ($id: ID!, $why: String!, $of: ID) { disputeAccess(entryId: $id, reason: $why, patientId: $of) {
    __typename ... on AccessDispute { id status } ... on DisputeRefusal { code } } }"""
SECTIONS = "record:labs:read record:vitals:read"


@dataclass
class Circle:
    """One citizen of the book, and those around him. `patient` is his; the mother decides for it too."""

    book: Book
    patient: UUID
    citizen: UUID
    mother: UUID
    doctor: UUID
    stranger: UUID
    clinic: UUID

    async def phone(self, who: UUID | None = None, scope: str = f"log:read {SECTIONS}") -> str:
        return await self.book.token(who or self.citizen, scope)

    async def facility(self, citizen: UUID | None = None, scope: str = SECTIONS) -> str:
        return await self.book.token(citizen, scope, "clinic" if citizen is None else "ward")

    async def read(self, token: str, why: str | None = None, of: UUID | None = None) -> dict:
        return await self.book.ask(READ, token, {"of": str(of or self.patient), "why": why})

    async def log(self, token: str | None = None, **asked: object) -> list[dict]:
        answer = await self.book.ask(LOG, token or await self.phone(), {"of": str(self.patient), **asked})
        assert "errors" not in answer, answer
        return answer["data"]["accessLog"]["nodes"]

    async def consent(self, **changes: object) -> UUID:
        async with self.world() as world:
            return await world.consent(patient_id=self.patient, organization_id=self.clinic, **changes)

    @asynccontextmanager
    async def world(self):
        connection = await asyncpg.connect(self.book.database.owner)
        try:
            yield World(connection)
        finally:
            await connection.close()


async def circle_of(book: Book) -> Circle:
    citizen, mother, doctor, stranger = book.citizens[:4]
    ((patient,),) = await book.sql("select patient_id from access.citizen where id = $1", citizen)
    made = Circle(book, patient, citizen, mother, doctor, stranger, new_id())
    await book.sql(
        """insert into registry.organization (id, code, name, name_en, status)
           values ($1, '99999', $2, 'Lotus Clinic', 'active')""",
        made.clinic,
        CLINIC,
    )
    for client_id, kind, organization in (
        ("clinic", "facility", made.clinic),
        ("ward", "clinician", made.clinic),
        ("diary", "third_party", None),
    ):
        await book.sql(
            """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                        redirect_uris, organization_id, secret_hash)
               values ($1, 'App ' || $1, $2, 'active', $3, '[]', '', now(), '[]', $4, $5)""",
            client_id, kind, "none" if organization is None else "client_secret_basic", organization,
            None if organization is None else client_id.encode(),
        )  # fmt: skip
    await book.sql(
        """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)
           values ($1, $2, $3, 'doctor', $4)""",
        new_id(), doctor, made.clinic, DOCTOR,
    )  # fmt: skip
    await book.sql(
        """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage)
           values ($1, $2, $3, 'parent', true)""",
        new_id(), mother, patient,
    )  # fmt: skip
    return made

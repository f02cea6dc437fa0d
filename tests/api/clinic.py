"""A clinic and its clinician beside the invented population, and the citizen who meets them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson

from api.app import record_scopes
from tests.api.conftest import Book

CLINIC, OTHER = "clinic", "other-clinic"
WARD = "ward"
FACILITY_SCOPE = " ".join(["patient:find", "consent:request", "visit:manage", *record_scopes()])
PHONE_SCOPE = " ".join(["consent:read", "consent:manage", "log:read", *record_scopes()])
RECORD = """query ($id: ID) { healthRecord(patientId: $id) {
  demographics { name } allergies { id } conditions { nodes { id } } labs(first: 1) { nodes { id } }
  vitals(first: 1) { nodes { id } } encounters(first: 1) { nodes { id } } prescriptions(first: 1) { nodes { id } }
} }"""


@dataclass
class Clinic:
    """`patient` is the first citizen's own; `organizations` and `doctor` were made for the test."""

    book: Book
    patient: UUID
    organizations: dict[str, UUID]
    doctor: UUID

    @property
    def citizen(self) -> UUID:
        return self.book.citizens[0]

    async def desk(self, client_id: str = CLINIC, scope: str = FACILITY_SCOPE) -> "Voice":
        """The system of a facility; the ward's speaks for a clinician who signed in."""
        citizen = self.doctor if client_id == WARD else None
        return Voice(self.book, await self.book.token(citizen, scope, client_id))

    async def phone(self, citizen: UUID | None = None, scope: str = PHONE_SCOPE, acr: str | None = "demo") -> "Voice":
        return Voice(self.book, await self.book.token(citizen or self.citizen, scope, acr=acr))

    async def read_by(self, desk: "Voice") -> set[str]:
        """The sections that are open to it."""
        answer = await desk.answer(RECORD, id=str(self.patient))
        record = answer["data"]["healthRecord"] or {}
        return {name for name, value in record.items() if value is not None}

    async def inbox(self, citizen: UUID | None = None) -> list[str]:
        rows = await self.book.sql(
            "select kind from notify.inbox_item where citizen_id = $1 order by created_at, id", citizen or self.citizen
        )
        return [row["kind"] for row in rows]

    async def logged(self, action: str) -> list[tuple[str, UUID]]:
        rows = await self.book.sql(
            "select outcome, patient_id from access.access_log where purpose = $1 order by at", action
        )
        return [tuple(row) for row in rows]

    async def card(self, patient: UUID | None = None) -> dict[str, str]:
        """What the patient's citizen card shows."""
        (row,) = await self.book.sql(
            """select name, left(birth_date, 10) as birth_date, identifiers from book.demographics
                where patient_id = $1 and shown""",
            patient or self.patient,
        )
        numbers = orjson.loads(row["identifiers"])
        number = next(one["value"] for one in numbers if one["kind"] == "cccd")
        return {"number": number, "name": row["name"], "birthDate": row["birth_date"]}

    async def relate(self, citizen: UUID, *, kind: str = "guardian", can_manage: bool = True) -> None:
        await self.book.sql(
            """insert into access.related_person (id, citizen_id, patient_id, kind, can_manage, valid_until)
               values (gen_random_uuid(), $1, $2, $3, $4, now() + interval '1 year')""",
            citizen, self.patient, kind, can_manage,
        )  # fmt: skip

    async def deny(self, client_id: str = CLINIC) -> None:
        await self.book.sql(
            """insert into access.denial (patient_id, id, scope, organization_id, in_emergency, placed_by, placed_at)
               values ($1, gen_random_uuid(), 'organization', $2, false, $3, now())""",
            self.patient, self.organizations[client_id], self.citizen,
        )  # fmt: skip


@dataclass
class Voice:
    """Somebody with a token."""

    book: Book
    token: str

    async def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        return await self.book.ask(query, self.token, variables)

    async def get(self, query: str, **variables: Any) -> Any:
        """The one field of the answer; an error fails the test."""
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        return value

    async def refused(self, query: str, **variables: Any) -> str:
        """The code of the one error."""
        answer = await self.answer(query, **variables)
        (error,) = answer["errors"]
        return error["extensions"]["code"]


async def furnish(book: Book) -> Clinic:
    organizations = {CLINIC: uuid4(), OTHER: uuid4()}
    for place, (client_id, organization) in enumerate(organizations.items()):
        await book.sql(
            "insert into registry.organization (id, code, name, status) values ($1, $2, $3, 'active')",
            organization, f"9900{place}", f"Phòng khám {place}",
        )  # fmt: skip
        await client(book, client_id, "facility", organization)
    await client(book, WARD, "clinician", organizations[CLINIC])
    doctor = uuid4()
    await book.sql("insert into access.citizen (id) values ($1)", doctor)
    await book.sql(
        """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)
           values (gen_random_uuid(), $1, $2, 'doctor', 'BS Lê Xanh')""",
        doctor, organizations[CLINIC],
    )  # fmt: skip
    (row,) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0])
    return Clinic(book, row["patient_id"], organizations, doctor)


async def client(book: Book, client_id: str, kind: str, organization: UUID) -> None:
    await book.sql(
        """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                    redirect_uris, organization_id, secret_hash)
           values ($1, $1, $2, 'active', 'client_secret_basic', '[]', $3, now(), '[]', $4, $5)""",
        client_id, kind, FACILITY_SCOPE, organization, client_id.encode(),
    )  # fmt: skip

"""A small world on a migrated database: one patient, who he trusts, and who asks. Rows are written as their owner."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from domain.values import utc_now

PATIENT, STRANGER = UUID(int=1), UUID(int=2)
CITIZEN, MOTHER, DOCTOR = UUID(int=11), UUID(int=12), UUID(int=13)
CLINIC, HOSPITAL = UUID(int=21), UUID(int=22)
CLIENTS = {
    "phone": ("first_party", None),
    "clinic": ("facility", CLINIC),
    "hospital": ("facility", HOSPITAL),
    "ward": ("clinician", CLINIC),
    "diary": ("third_party", None),
}
SECTIONS = ("labs", "vitals", "allergies")
SCOPE = " ".join(["emergency:open", *(f"record:{section}:read" for section in SECTIONS)])


@dataclass
class World:
    """Ask with `begin`; change with `sql`. The transaction is thrown away by the fixture."""

    sql: asyncpg.Connection

    async def build(self) -> None:
        await self.sql.executemany(
            "insert into registry.organization (id, code, status) values ($1, $2, 'active')",
            [(CLINIC, "01001"), (HOSPITAL, "79001")],
        )
        for client_id, (kind, organization) in CLIENTS.items():
            method = "none" if organization is None else "client_secret_basic"
            await self.sql.execute(
                """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                            redirect_uris, organization_id, secret_hash)
                   values ($1, $1, $2, 'active', $3, '[]', '', now(), '[]', $4, $5)""",
                client_id, kind, method, organization, None if organization is None else client_id.encode(),
            )  # fmt: skip
        await self.sql.executemany(
            "insert into access.citizen (id, patient_id) values ($1, $2)",
            [(CITIZEN, PATIENT), (MOTHER, None), (DOCTOR, None)],
        )
        await self.sql.execute(
            """insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)
               values ($1, $2, $3, 'doctor', 'BS')""", uuid4(), DOCTOR, CLINIC,
        )  # fmt: skip

    async def grant(self, client_id: str, citizen: UUID | None = None, scope: str = SCOPE, **more: object) -> UUID:
        now, id_ = utc_now(), uuid4()
        values = {
            "id": id_,
            "client_id": client_id,
            "citizen_id": citizen,
            "scope": scope,
            "created_at": now,
            "expires_at": now + timedelta(hours=1),
            **more,
        }
        await self.insert("auth.token_grant", values)
        return id_

    async def consent(self, **changes: object) -> UUID:
        """A living written request of the clinic for labs, for treatment, unless told otherwise."""
        now = utc_now()
        values: dict[str, object] = {
            "patient_id": PATIENT,
            "id": uuid4(),
            "kind": "written_request",
            "organization_id": CLINIC,
            "purposes": ["TREAT"],
            "sections": ["labs"],
            "sensitive": [],
            "valid_from": now - timedelta(minutes=1),
            "valid_until": now + timedelta(days=1),
            "version": 1,
            "granted_by": CITIZEN,
            "actor_role": "self",
            "channel": "app",
            "acr": "demo",
            "auth_time": now,
            "text_hash": b"text",
            "created_at": now,
        }
        await self.insert("access.consent", values | changes)
        return values["id"]  # type: ignore[return-value]

    async def deny(self, scope: str, **what: object) -> None:
        values = {"patient_id": PATIENT, "id": uuid4(), "scope": scope, "in_emergency": False, "placed_by": CITIZEN}
        await self.insert("access.denial", {**values, "placed_at": utc_now(), **what})

    async def represent(self, **changes: object) -> UUID:
        values: dict[str, object] = {"id": uuid4(), "citizen_id": MOTHER, "patient_id": PATIENT, "kind": "parent"}
        await self.insert("access.related_person", values | {"can_manage": True} | changes)
        return values["id"]  # type: ignore[return-value]

    async def emergency(self, **changes: object) -> None:
        now = utc_now()
        values = {
            "patient_id": PATIENT,
            "id": uuid4(),
            "practitioner_id": DOCTOR,
            "organization_id": CLINIC,
            "grant_id": uuid4(),
            "reason_code": "unconscious",
            "reason": "x",
            "sections": ["allergies"],
            "sensitive": False,
            "opened_at": now - timedelta(minutes=1),
            "expires_at": now + timedelta(minutes=50),
            "review": "waiting",
        }
        await self.insert("access.emergency_access", values | changes)

    async def insert(self, table: str, values: dict[str, object]) -> None:
        numbered = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.sql.execute(f"insert into {table} ({', '.join(values)}) values ({numbered})", *values.values())

    async def begin(
        self,
        grant: UUID,
        patient: UUID | None = PATIENT,
        purpose: str | None = None,
        sections: tuple[str, ...] = SECTIONS,
    ) -> tuple[str, set[str]]:
        """The outcome and the sections opened; the settings are there to be asked afterwards."""
        row = await self.sql.fetchrow(
            "select * from access.begin($1, $2, $3, $4, null)", grant, patient, purpose, list(sections)
        )
        return row["outcome"], set(filter(None, (row["opened"] or "").split(",")))

    async def setting(self, name: str) -> str:
        return await self.sql.fetchval("select current_setting($1)", f"app.{name}")

    async def labels(self) -> set[str]:
        return set(filter(None, (await self.setting("sensitive")).split(",")))

    async def log(self) -> dict[str, object]:
        return dict(await self.sql.fetchrow("select * from access.access_log order by at desc, id desc limit 1"))

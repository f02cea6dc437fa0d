"""A family of the book: a mother, her child as a patient and once grown as a citizen, and tokens that may decide."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from api.app import record_scopes
from tests.api.conftest import Book

DECIDES = " ".join(["consent:read", "consent:manage", "log:read", "delegate:manage", *record_scopes()])
CONDITIONS = "{ healthRecord(patientId: %s) { conditions { totalCount nodes { sensitivity } } } }"


@dataclass
class Family:
    book: Book
    mother: UUID
    child: UUID
    """The patient."""
    right: UUID

    async def of(self, citizen: UUID, *, acr: str | None = "demo", **more: Any) -> str:
        """A token of a citizen who just signed in strongly."""
        return await self.book.token(citizen, DECIDES, acr=acr, **more)

    async def labels(self, token: str, patient: UUID | None = None) -> list[str] | None:
        """The labels of the conditions that the token reads, each once; None where the section or the book is shut."""
        answer = await self.book.ask(CONDITIONS % quoted(patient or self.child), token)
        record = (answer.get("data") or {}).get("healthRecord")
        if record is None or record["conditions"] is None:
            return None
        return sorted({node["sensitivity"] or "" for node in record["conditions"]["nodes"]})

    async def label(self, label: str, table: str = "conditions") -> None:
        """One of the child's rows is of that kind from now on."""
        first = f"select id from book.{table} where patient_id = $1 and shown and sensitivity = '' order by id limit 1"
        statement = f"update book.{table} set sensitivity = $2 where patient_id = $1 and id = ({first})"
        await self.book.sql(statement, self.child, label)

    async def grown(self, years: int) -> UUID:
        """The child is that old today, and signs in: its rights by the law are drawn anew. Returns the citizen."""
        await self.book.sql(
            "update book.demographics set birth_date = to_char(now() at time zone 'Asia/Ho_Chi_Minh' - $2::int * "
            "interval '1 year', 'YYYY-MM-DD') where patient_id = $1",
            self.child,
            years,
        )
        await self.book.sql(
            """update access.related_person
                  set valid_from = least(valid_from, now() - interval '20 years'),
                      private_from = date_trunc('day', now() + (15 - $2::int) * interval '1 year' - interval '1 day'),
                      valid_until = date_trunc('day', now() + (18 - $2::int) * interval '1 year' - interval '1 day')
                where patient_id = $1""",
            self.child,
            years,
        )
        return await self.citizen(self.child)

    async def citizen(self, patient: UUID | None = None) -> UUID:
        citizen = uuid4()
        await self.book.sql("insert into access.citizen (id, patient_id) values ($1, $2)", citizen, patient)
        return citizen

    async def inbox(self, citizen: UUID, kind: str = "delegation") -> list[UUID]:
        """What notices of a kind are about, oldest first."""
        rows = await self.book.sql(
            "select subject_id from notify.inbox_item where citizen_id = $1 and kind = $2 order by id", citizen, kind
        )
        return [row["subject_id"] for row in rows]

    async def logged(self, action: str) -> list[tuple[str, str]]:
        """Basis and outcome of the log's rows of an action, oldest first."""
        rows = await self.book.sql(
            "select basis, outcome from access.access_log where purpose = $1 order by at", action
        )
        return [(row["basis"], row["outcome"]) for row in rows]


async def family_of(book: Book) -> Family:
    """The curated mother, and the first of her children."""
    [row] = await book.sql(
        """select r.citizen_id, r.patient_id, r.id from access.related_person r
             join access.citizen c on c.id = r.citizen_id and c.demo_label like '%| mẹ%'
            order by r.valid_from, r.id limit 1"""
    )
    return Family(book, row["citizen_id"], row["patient_id"], row["id"])


def quoted(value: object) -> str:
    return f'"{value}"'


def code_of(answer: dict[str, Any]) -> str | None:
    """The code of the answer's first error."""
    return answer["errors"][0]["extensions"]["code"] if answer.get("errors") else None

"""What a book holds that a drawn query can name: cursors of every list in every order, ids, codes and facilities."""

import base64
from uuid import UUID

from tests.api.conftest import Book
from tests.api.planner.queries import ORDERS, Marks, connections

CODES = """
    select distinct code from book.labs where patient_id = $1
    union select icd10 from book.conditions where patient_id = $1
    union select code from book.vitals where patient_id = $1
    union select drug_code from book.prescription_items where patient_id = $1
    union select vaccine_code from book.immunizations where patient_id = $1"""
KINDS = """
    select distinct class_code from book.encounters where patient_id = $1
    union select kind from book.documents where patient_id = $1 union select category from book.conditions
     where patient_id = $1"""
FACILITIES = """select distinct s->>'organization_code' from book.encounters t, jsonb_array_elements(t.sources) s
                 where patient_id = $1"""


async def marks_of(book: Book, token: str, patient: UUID) -> Marks:
    """Cursors as this reader gets them; of all rows, whoever else may see them."""
    known = {"patient": [str(patient)]}
    for order in ORDERS:
        lists = " ".join(f"{one}(first: 60, orderBy: {order}) {{ edges {{ cursor }} }}" for one in connections())
        query = f"query ($id: ID) {{ healthRecord(patientId: $id) {{ {lists} }} }}"
        record = (await book.ask(query, token, {"id": str(patient)}))["data"]["healthRecord"]
        for name, page in record.items():
            known[f"cursor.{name}.{order}"] = [edge["cursor"] for edge in page["edges"]] if page else []
            known[f"cursor.{name}.{order}"] += [_never(order)]
    for section in ("labs", "encounters", "allergies", "vitals"):
        rows = await book.sql(
            f"select access.node_id('{section}', patient_id, id) from book.{section} where patient_id = $1 limit 10",
            patient,
        )
        known[f"id.{section}"] = [row[0] for row in rows]
    for name, sql in (("code", CODES), ("kind", KINDS), ("facility", FACILITIES)):
        known[name] = [row[0] for row in await book.sql(sql, patient) if row[0]]
    return Marks(known)


def _never(order: str) -> str:
    """A place where no item ever stood."""
    mark = "" if order == ORDERS[0] else f"{order}|"
    key = "2025-03" if "OCCURRED" in order else "2026-01-01T00:00:00.000000Z"
    return base64.urlsafe_b64encode(f"{mark}{key}|{UUID(int=7)}".encode()).decode().rstrip("=")

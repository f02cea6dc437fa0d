"""The one way to make a table that a patient owns: key, policies and grants in one call, so none can be forgotten.

- `healthbook_record` reads what the decision opened (`access.begin` sets it for the transaction): one patient, the
  section, its labels and dates. Plain comparisons with settings, strict: no decision is an error, never "all rows".
  A section is open where `app.undated` or `app.windows` names it; `access.within_limits` decides what is not usual.
  Dates are compared as text; the decision gives a last day as `2025-12-31~`, which is after every hour of it.
  The settings are listed in migrations/versions/0006_decision.py.
- `healthbook_intake` writes the rows of the patients its transaction names.
"""

from collections.abc import Callable
from typing import Any

from alembic import op

RECORD = "healthbook_record"
INTAKE = "healthbook_intake"
PATIENT = "patient_id = current_setting('app.patient')::uuid"


def reading(section: str) -> str:
    """What the reading role sees of a section's table. Short, because it is prepared for each table of each read."""
    usual = "(sensitivity = '' or current_setting('app.sensitive') = '*')"
    undated = f"strpos(current_setting('app.undated'), ',{section},') > 0"
    return f"{PATIENT} and (({usual} and {undated}) or access.within_limits('{section}', sensitivity, occurred))"


def spelled_out(section: str) -> str:
    """The same, as the revisions before 0020 said it."""
    labels = f"strpos(current_setting('app.sensitive'), ',{section}:' || sensitivity || ',') > 0"
    window = f"split_part(current_setting('app.windows'), ',{section}:', 2)"  # empty, so nothing, where none is told
    dates = f"occurred >= left({window}, 10) and occurred <= substr({window}, 11, 11)"
    conditions = (
        PATIENT,
        f"strpos(current_setting('app.sections'), ',{section},') > 0",
        f"(sensitivity = '' or current_setting('app.sensitive') = '*' or {labels})",
        f"(strpos(current_setting('app.undated'), ',{section},') > 0 or ({dates}))",
    )
    return " and ".join(conditions)


def create_patient_table(
    name: str,
    *columns: Any,
    section: str | None,
    schema: str = "book",
    policy: Callable[[str], str] = reading,
    **options: Any,
) -> None:
    """A table keyed by patient. `section` opens its rows; None for the patient's own row, seen with any section."""
    op.create_table(name, *columns, schema=schema, **options)
    protect(f"{schema}.{name}", PATIENT if section is None else policy(section))


def protect(table: str, reads: str) -> None:
    """`reads`: the rows that the reading role sees."""
    mine = "strpos(current_setting('app.patients'), patient_id::text) > 0"  # an array would be parsed for every row
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy record on {table} for select to {RECORD} using ({reads})")
    op.execute(f"create policy intake on {table} to {INTAKE} using ({mine}) with check ({mine})")
    op.execute(f"grant select on {table} to {RECORD}")
    op.execute(f"grant select, insert, update on {table} to {INTAKE}")

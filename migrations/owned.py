"""The one way to make a table that a patient owns: key, policies and grants in one call, so none can be forgotten.

- `healthbook_record` reads what the decision opened (`access.begin` sets it for the transaction): one patient, the
  section, its labels and dates. Plain comparisons with settings, strict: no decision is an error, never "all rows".
  Dates are compared as text; the decision gives a last day as `2025-12-31~`, which is after every hour of it.
- `healthbook_intake` writes the rows of the patients its transaction names.
"""

from typing import Any

from alembic import op

RECORD = "healthbook_record"
INTAKE = "healthbook_intake"
WITHIN = "occurred >= current_setting('app.data_from') and occurred <= current_setting('app.data_to')"


def create_patient_table(name: str, *columns: Any, section: str | None, schema: str = "book", **options: Any) -> None:
    """A table keyed by patient. `section` opens its rows; None for the patient's own row, seen with any section."""
    op.create_table(name, *columns, schema=schema, **options)
    protect(f"{schema}.{name}", section)


def protect(table: str, section: str | None) -> None:
    reads = ["patient_id = current_setting('app.patient')::uuid"]
    if section is not None:
        reads += [
            f"strpos(current_setting('app.sections'), ',{section},') > 0",
            "(sensitivity = '' or strpos(current_setting('app.sensitive'), ',' || sensitivity || ',') > 0)",
            f"(current_setting('app.all_dates') = 'yes' or ({WITHIN}))",
        ]
    mine = "strpos(current_setting('app.patients'), patient_id::text) > 0"  # an array would be parsed for every row
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy record on {table} for select to {RECORD} using ({' and '.join(reads)})")
    op.execute(f"create policy intake on {table} to {INTAKE} using ({mine}) with check ({mine})")
    op.execute(f"grant select on {table} to {RECORD}")
    op.execute(f"grant select, insert, update on {table} to {INTAKE}")

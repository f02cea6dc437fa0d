"""Check-in passes: what a clinic verifies without a connection, and hands in once it is back.

A pass is the patient's to make (`app.persons`) and, beside him, only the clinic's to see that it names
(`app.organization`). Its use stands in the appointment, of which there is one row: so one appointment is checked in
once, whatever is handed in at the same time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PERSON = "strpos(current_setting('app.persons'), patient_id::text) > 0"
FACILITY = "organization_id::text = current_setting('app.organization')"
TABLE = "booking.check_in_pass"


def upgrade() -> None:
    op.add_column(
        "booking", sa.Column("arrived_at", postgresql.TIMESTAMP(timezone=True), nullable=True), schema="booking"
    )
    op.add_column("booking", sa.Column("pass_hash", sa.LargeBinary(), nullable=True), schema="booking")
    table()
    op.execute(f"alter table {TABLE} enable row level security")
    op.execute(f"alter table {TABLE} force row level security")
    op.execute(f"create policy see on {TABLE} for select to healthbook_consent using ({PERSON} or {FACILITY})")
    op.execute(f"create policy make on {TABLE} for insert to healthbook_consent with check ({PERSON})")
    op.execute(f"grant select, insert on {TABLE} to healthbook_consent")


def table() -> None:
    op.create_table(
        "check_in_pass",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("auth_time", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("sections", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "expires_at > valid_from and valid_from >= made_at and expires_at <= made_at + interval '24 hours'",
            name=op.f("ck_check_in_pass_period"),
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_check_in_pass")),
        schema="booking",
        info={"class": "lookup"},
    )
    op.create_index(
        op.f("ix_check_in_pass_patient_id"), "check_in_pass", ["patient_id"], unique=False, schema="booking"
    )


def downgrade() -> None:
    raise NotImplementedError("what citizens decided is not thrown away")

"""The index of each section stands in the order of its usual page, which reads its own rows and not all of the patient's."""

from alembic import op

from migrations.indexes import make_index

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = (
    "demographics", "allergies", "conditions", "family_history", "social_history", "immunizations", "encounters", "procedures",
    "labs", "imaging", "vitals", "prescriptions", "dispenses", "referrals", "follow_ups", "insurance", "documents",
)


def upgrade() -> None:
    """The book is read meanwhile. Where this was cut short it goes on: nothing that is ready is made again."""
    with op.get_context().autocommit_block():
        for table in TABLES:
            make_index(
                f"book.ix_{table}_page", f"on book.{table} (patient_id, occurred desc nulls last, id desc) where shown"
            )
            op.execute(f"drop index concurrently if exists book.ix_{table}_shown")


def downgrade() -> None:
    raise NotImplementedError("the version before reads with these as well")

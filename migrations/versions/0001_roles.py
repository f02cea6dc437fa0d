"""Roles and schemas.

Login roles own nothing and inherit nothing. `healthbook_web` can only call functions; `healthbook_record` reads the
book under row-level security and owns `access.read`; `healthbook_access` decides and writes the log.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LOGIN = ("healthbook_web", "healthbook_intake", "healthbook_auth")
OWNERS = ("healthbook_record", "healthbook_access")
SCHEMAS = ("access", "auth", "book", "intake", "registry")


def upgrade() -> None:
    for role in (*LOGIN, *OWNERS):
        login = "login" if role in LOGIN else "nologin"
        op.execute(
            f"do $$ begin create role {role} {login} noinherit nobypassrls nosuperuser; "
            "exception when duplicate_object or unique_violation then null; end $$"
        )
    for schema in SCHEMAS:
        op.execute(f"create schema if not exists {schema}")
    op.execute("revoke all on schema public from public")
    op.execute("grant usage on schema access to healthbook_web, healthbook_record, healthbook_access, healthbook_auth")
    op.execute("grant usage on schema book to healthbook_web, healthbook_record, healthbook_intake")
    op.execute("grant usage on schema auth to healthbook_auth, healthbook_access")
    op.execute("grant usage on schema registry to healthbook_web, healthbook_record, healthbook_access, healthbook_intake")
    op.execute("grant usage on schema intake, access to healthbook_intake")


def downgrade() -> None:
    for schema in ("access", "auth", "book", "intake"):
        op.execute(f"drop schema if exists {schema} cascade")

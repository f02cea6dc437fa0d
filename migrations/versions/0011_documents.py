"""Trusted documents, and which clients may use no others. The web process only calls a function that lists them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Everything that is published, where that is not what the caller knows already (`state`), else null. Both parts come
# from one statement, so that what is told belongs to its state.
TRUSTED_DOCUMENTS = """
create function access.trusted_documents(p_known text) returns json
language sql stable security definer set search_path = pg_catalog
return (
    with document as (
        select d.client_id, d.sha256, d.body from registry.trusted_document d where d.withdrawn_at is null
    ), restricted as (
        select coalesce(json_agg(t.client_id order by t.client_id), '[]') as clients from registry.trusted_only t
    ), told as (
        select encode(sha256(convert_to(concat(
                   (select json_agg(json_build_array(d.client_id, d.sha256) order by d.sha256, d.client_id)
                      from document d), (select clients from restricted)), 'UTF8')), 'hex') as state
    )
    select json_build_object('state', told.state, 'only', (select clients from restricted),
                             'documents', (select coalesce(json_agg(row_to_json(d)), '[]') from document d))
      from told where told.state is distinct from p_known
)
"""


def upgrade() -> None:
    op.create_table('trusted_document',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('published_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('withdrawn_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("sha256 = encode(pg_catalog.sha256(convert_to(body, 'UTF8')), 'hex')", name=op.f('ck_trusted_document_named_by_its_hash')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trusted_document')),
    sa.UniqueConstraint('sha256', 'client_id', name=op.f('uq_trusted_document_sha256_client_id'), postgresql_nulls_not_distinct=True),
    schema='registry',
    info={'class': 'reference'}
    )
    op.create_table('trusted_only',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('since', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_trusted_only')),
    schema='registry',
    info={'class': 'reference'}
    )
    op.execute("grant select on registry.trusted_document, registry.trusted_only to healthbook_access")
    op.execute("grant create on schema access to healthbook_access")
    op.execute(sa.text(TRUSTED_DOCUMENTS.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("revoke execute on function access.trusted_documents(text) from public")
    op.execute("alter function access.trusted_documents(text) owner to healthbook_access")
    op.execute("grant execute on function access.trusted_documents(text) to healthbook_web")
    op.execute("revoke create on schema access from healthbook_access")


def downgrade() -> None:
    raise NotImplementedError("what was published may be in use by apps that cannot be called back")

"""Catching up: every patient's revision, removals, and a tag by which a phone asks whether its copy still holds.

`access.limits` tells in a few characters how far the decision opened a section; it changes with consent, not with data.
`access.read` gives the tag of its answer where it is asked for one: of the statement, its arguments, the patient and his
revision, and the whole decision. Where the tag given is still right, the outcome is UNCHANGED and nothing is read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.owned import create_patient_table, spelled_out

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ITEMS = (
    "demographics", "allergies", "conditions", "family_history", "social_history", "immunizations", "encounters", "procedures",
    "labs", "imaging", "vitals", "prescriptions", "dispenses", "referrals", "follow_ups", "insurance", "documents",
)
ANY_SECTION = "' || section || '"
"""For a policy over rows of all sections: their own column inside the literals."""

LIMITS = """
create function access.limits(p_section text) returns text
language sql stable set search_path = pg_catalog
return (
    select left(encode(sha256(convert_to(concat_ws('|',
               strpos(current_setting('app.undated'), ',' || p_section || ',') > 0,
               left(split_part(current_setting('app.windows'), ',' || p_section || ':', 2), 21),
               (select string_agg(l, ',' order by l) from string_to_table(current_setting('app.sensitive'), ',') l
                 where l = '*' or starts_with(l, p_section || ':'))), 'UTF8')), 'hex'), 8)
)
"""

READ = """
create function access.read(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[], p_plan text, p_args text[], p_request uuid, p_tag text,
    out data text, out outcome text, out opened text, out tag text
) language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    decided record;
begin
    select * into decided from access.begin(p_grant, p_patient, p_purpose, p_sections, p_request);
    outcome := decided.outcome;
    opened := decided.opened;
    if outcome = 'ALLOWED' then
        if p_tag is not null then
            tag := left(encode(sha256(convert_to(concat_ws('|', p_plan, array_to_json(p_args), decided.patient,
                (select b.revision from book.patient b where b.patient_id = decided.patient), opened,
                current_setting('app.undated'), current_setting('app.windows'), current_setting('app.sensitive')),
                'UTF8')), 'hex'), 32);
            if p_tag = tag then
                outcome := 'UNCHANGED';
                return;
            end if;
        end if;
        execute (
            select format('execute %I(%s)', p_plan, string_agg(quote_nullable(a), ',' order by n))
              from unnest(decided.patient::text || p_args) with ordinality as t(a, n)
        ) into data;
    end if;
end $$
"""
OLD = "access.read(uuid, uuid, text, text[], text, text[], uuid)"
NEW = "access.read(uuid, uuid, text, text[], text, text[], uuid, text)"


def upgrade() -> None:
    for table in ("patient", *ITEMS):
        op.add_column(
            table, sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False), schema="book"
        )
    create_patient_table(
        "removal",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("occurred", sa.Text(collation="C"), nullable=True),
        sa.Column("sensitivity", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "id", name=op.f("pk_removal")),
        section=ANY_SECTION,
        policy=spelled_out,
        info={"class": "patient"},
    )
    op.create_index("ix_removal_patient_id_section_revision", "removal", ["patient_id", "section", "revision"], schema="book")
    # A process of the earlier version reads nothing from here on.
    op.execute(f"-- squawk-ignore ban-drop-function\ndrop function {OLD}")
    for text in (LIMITS, READ):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("grant create on schema access to healthbook_record")
    op.execute(f"revoke execute on function {NEW} from public")
    op.execute(f"alter function {NEW} owner to healthbook_record")
    op.execute("revoke create on schema access from healthbook_record")
    op.execute(f"grant execute on function {NEW} to healthbook_web")
    op.execute("revoke execute on function access.limits(text) from public")
    op.execute("grant execute on function access.limits(text) to healthbook_record")


def downgrade() -> None:
    raise NotImplementedError("what phones have caught up with cannot be counted back")

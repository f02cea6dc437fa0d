"""Search: texts are compared without case, tone marks and other accents, as people type on a phone."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Letters in one form (Unicode NFKD), folded case, without combining marks, đ as d, one space where there was any.
FOLDED = r"""
create function access.folded(p_text text) returns text
language sql immutable parallel safe strict
return translate(regexp_replace(regexp_replace(
    casefold(normalize(p_text, nfkd) collate "pg_catalog"."pg_unicode_fast"), U&'[\0300-\036F]+', '', 'g'),
    '\s+', ' ', 'g'), U&'\0111', 'd')
"""


def upgrade() -> None:
    op.execute(FOLDED)
    op.execute("revoke execute on function access.folded(text) from public")
    op.execute("grant execute on function access.folded(text) to healthbook_record")


def downgrade() -> None:
    op.execute("drop function access.folded(text)")

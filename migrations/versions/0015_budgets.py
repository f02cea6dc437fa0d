"""Budgets: what the callers of the API may spend a minute, held once for all workers, who lease it in bulk."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOST = 1000  # accounts of one call

# Takes at least what is needed, or nothing; else as much as is wanted, and never more than an eighth of what is left,
# so that a worker which goes idle keeps little from the others. A call that began in an earlier minute than the row's
# is served from the row's: time never runs backwards. Rows are locked in the order of their keys.
LEASE = f"""
create function access.lease(p_keys bytea[], p_needed bigint[], p_wanted bigint[], p_limits bigint[])
returns table (key bytea, granted bigint, remaining bigint, ends_in_s double precision)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    this_minute constant timestamptz := date_trunc('minute', clock_timestamp());
begin
    if cardinality(p_keys) > {MOST} then
        raise exception 'at most {MOST} accounts' using errcode = 'program_limit_exceeded';
    end if;
    return query
    with asked as materialized (
        select a.key, greatest(a.needed, 0) as needed, a.wanted, a.most
          from unnest(p_keys, p_needed, p_wanted, p_limits) a(key, needed, wanted, most)
    ), taken as (
        insert into access.budget as b (key, window_start, taken)
        select a.key, this_minute, case when a.most >= a.needed then greatest(a.needed, least(a.wanted, a.most / 8)) else 0 end
          from asked a order by a.key
        on conflict (key) do update
           set window_start = greatest(b.window_start, excluded.window_start),
               taken = (
                   select f.so_far + case when f.most - f.so_far >= f.needed
                                          then greatest(f.needed, least(f.wanted, (f.most - f.so_far) / 8)) else 0 end
                     from (select a.needed, a.wanted, a.most,
                                  case when b.window_start >= excluded.window_start then b.taken else 0 end as so_far
                             from asked a where a.key = excluded.key) f)
        returning b.key, new.window_start, new.taken,
                  new.taken - case when old.window_start = new.window_start then old.taken else 0 end as granted
    )
    select t.key, t.granted, greatest(a.most - t.taken, 0),
           extract(epoch from t.window_start + interval '1 minute' - clock_timestamp())::double precision
      from taken t join asked a on a.key = t.key;
end $$
"""

# What decides which budgets a client spends from.
CLIENT_PROFILE = """
create function access.client_profile(p_client text) returns text[]
language sql stable security definer set search_path = pg_catalog
return (select array[c.kind, c.organization_id::text] from auth.client c where c.client_id = p_client)
"""

OWNER, CALLER = "healthbook_access", "healthbook_web"
FUNCTIONS = {
    "access.lease(bytea[], bigint[], bigint[], bigint[])": LEASE,
    "access.client_profile(text)": CLIENT_PROFILE,
}


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("window_start", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_budget_taken")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budget")),
        schema="access",
        prefixes=["UNLOGGED"],
    )
    op.execute("alter table access.budget set (fillfactor = 50)")  # updates stay on their page
    op.execute(f"grant select, insert, update on access.budget to {OWNER}")
    op.execute("grant select, delete on access.budget to healthbook_auth")  # housekeeping
    op.execute(f"grant create on schema access to {OWNER}")
    for name, text in FUNCTIONS.items():
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"alter function {name} owner to {OWNER}")
        op.execute(f"grant execute on function {name} to {CALLER}")
    op.execute(f"revoke create on schema access from {OWNER}")


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"drop function {name}")
    op.drop_table("budget", schema="access")

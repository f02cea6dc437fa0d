"""The access log read, disputed and sealed.

Citizens read it through `access.log_of`, inside a transaction that `access.act` opened: the persons are those of
`app.persons`. Sealing and its proof run as the owner; what a seal covers of a row is `access.log_line`, once, here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The text of an entry that is hashed: all its columns as a JSON array that starts with the version of this form. A
# migration that adds a column to the log replaces the function: version 1 stays as it is for the seals made with it,
# a version 2 takes the column in. The cast of jsonb is the text: ", " between values, no other space, UTF-8 as it is.
LOG_LINE = """
create function access.log_line(p_entry access.access_log, p_version int) returns text
language sql stable parallel safe
return case p_version when 1 then jsonb_build_array(
    1, p_entry.patient_id, (extract(epoch from p_entry.at) * 1000000)::bigint, p_entry.id, p_entry.grant_id,
    p_entry.client_id, p_entry.citizen_id, p_entry.organization_id, p_entry.basis, p_entry.purpose, p_entry.sections,
    p_entry.opened, p_entry.outcome, p_entry.consent_ids, p_entry.related_person_id, p_entry.emergency_id,
    p_entry.request_id
)::text end
"""

# A page of a person's log before (p_at, p_id), newest first, of all ids a merge gave him. Without p_own neither what
# he read himself nor what the caller, who acts for him, did. Of somebody without a right no name is told, only the
# facility or the app. Planned anew each time, so that the index of what others did is used where it fits.
LOG_OF = """
create function access.log_of(p_citizen uuid, p_own boolean, p_at timestamptz, p_id uuid, p_first int)
returns table (
    id uuid, at timestamptz, is_you boolean, basis text, purpose text, sections text[], opened text[], outcome text,
    client_name text, client_kind text, organization_name text, organization_name_en text, practitioner_name text,
    consent_ids uuid[], emergency_id uuid, related_person_id uuid, dispute_id uuid, dispute_status text,
    disputed_at timestamptz, answered_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    return query
    with page as materialized (
        select l.*
          from unnest(string_to_array(current_setting('app.persons'), ',')::uuid[]) person
         cross join lateral (
               select * from access.access_log e
                where e.patient_id = person and e.at <= p_at and (e.at, e.id) < (p_at, p_id)
                  and (p_own or e.basis <> 'self' and (e.citizen_id is distinct from p_citizen
                       or e.basis not in ('parent', 'guardian', 'legal_representative', 'delegate')))
                order by e.at desc, e.id desc limit p_first) l
         order by l.at desc, l.id desc limit p_first
    )
    select p.id, p.at, p.citizen_id is not null and p.citizen_id = p_citizen, p.basis, p.purpose, p.sections, p.opened,
           p.outcome, c.name, c.kind, coalesce(o.name, o.code), o.name_en, w.display_name, p.consent_ids,
           p.emergency_id, p.related_person_id, d.id, d.status, d.raised_at, d.answered_at
      from page p
      left join auth.client c on c.client_id = p.client_id
      left join registry.organization o on o.id = p.organization_id
      left join lateral (
           select r.display_name from access.practitioner_role r
            where p.outcome = 'ALLOWED' and r.citizen_id = p.citizen_id and r.organization_id = p.organization_id
            order by r.revoked_at desc nulls first, r.valid_from desc limit 1) w on true
      left join access.dispute d on d.patient_id = p.patient_id and d.entry_id = p.id
     order by p.at desc, p.id desc;
end $$
"""

# Under which of his ids a person's log holds an entry; null where it does not.
LOG_HOLDS = """
create function access.log_holds(p_at timestamptz, p_id uuid) returns uuid
language sql stable security definer set search_path = pg_catalog
return (select e.patient_id from access.access_log e
         where e.patient_id = any (string_to_array(current_setting('app.persons'), ',')::uuid[])
           and e.at = p_at and e.id = p_id)
"""

# For operators: what citizens dispute, oldest first, with what the log has of the entry. No name of a person.
DISPUTES = """
create function access.disputes(p_status text, p_first int)
returns table (
    patient_id uuid, id uuid, raised_at timestamptz, status text, reason text, entry_id uuid, entry_at timestamptz,
    organization_code text, client_id text, basis text, purpose text, outcome text
)
language sql stable security definer set search_path = pg_catalog as $$
    select d.patient_id, d.id, d.raised_at, d.status, d.reason, d.entry_id, d.entry_at, o.code, e.client_id, e.basis,
           e.purpose, e.outcome
      from access.dispute d
      left join access.access_log e on e.patient_id = d.patient_id and e.at = d.entry_at and e.id = d.entry_id
      left join registry.organization o on o.id = e.organization_id
     where d.status = p_status
     order by d.raised_at, d.id limit p_first
$$
"""

# The signed ends of days after one, in order. Nothing personal: numbers, hashes and signatures.
DAY_ROOTS = """
create function access.day_roots(p_after text, p_first int) returns json
language sql stable security definer set search_path = pg_catalog as $$
    select coalesce(json_agg(x order by x.day), '[]') from (
        select r.day, r.seal_number as seal, encode(r.hash, 'hex') as hash, r.signed
          from access.day_root r where r.day > coalesce(p_after, '') order by r.day limit p_first
    ) x
$$
"""

# No transaction that writes the log lives longer: what is older than the margin of sealing is complete.
LIMIT = """
do $limit$
declare
    name text;
begin
    foreach name in array array['healthbook_web', 'healthbook_consent'] loop
        execute format('alter role %I in database %I set transaction_timeout = %L', name, current_database(), '20s');
    end loop;
end $limit$
"""

FUNCTIONS = {
    "access.log_line(access.access_log, int)": LOG_LINE,
    "access.log_of(uuid, boolean, timestamptz, uuid, int)": LOG_OF,
    "access.log_holds(timestamptz, uuid)": LOG_HOLDS,
    "access.disputes(text, int)": DISPUTES,
    "access.day_roots(text, int)": DAY_ROOTS,
}
OWNER = "healthbook_access"
CALLERS = {
    "access.log_of(uuid, boolean, timestamptz, uuid, int)": "healthbook_consent",
    "access.log_holds(timestamptz, uuid)": "healthbook_consent",
    "access.disputes(text, int)": "current_user",
    "access.day_roots(text, int)": "healthbook_web",
}


def upgrade() -> None:
    op.add_column("log_seal", sa.Column("version", sa.Integer(), server_default="1", nullable=False), schema="access")
    op.add_column("log_seal", sa.Column("marks", sa.LargeBinary(), server_default="", nullable=False), schema="access")
    # A partitioned table cannot be indexed concurrently; these are small, or of few rows.
    op.execute("-- squawk-ignore require-concurrent-index-creation\n"
               "create index ix_access_log_at on access.access_log using brin (at) with (autosummarize = true)")
    op.execute("-- squawk-ignore require-concurrent-index-creation\n"
               "create index ix_access_log_others on access.access_log (patient_id, at, id) where basis <> 'self'")
    for text in FUNCTIONS.values():
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute(f"grant create on schema access to {OWNER}")
    for function in FUNCTIONS:
        op.execute(f"revoke execute on function {function} from public")
        if function in CALLERS:
            op.execute(f"alter function {function} owner to {OWNER}")
            op.execute(f"grant execute on function {function} to {CALLERS[function]}")
    op.execute(f"revoke create on schema access from {OWNER}")
    op.execute(f"grant select on access.access_log, access.day_root to {OWNER}")
    op.execute(LIMIT)


def downgrade() -> None:
    raise NotImplementedError("what is sealed stays sealed")

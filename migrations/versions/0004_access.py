"""The decision and the read: `access.begin`, `access.read` and their kin.

`access.read` runs as `healthbook_record`, which SECURITY DEFINER gives instead of SET ROLE. It decides, logs and
executes the driver's prepared plan in one statement and so in one transaction: no log, no data.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NODE_ID = """
create function access.node_id(p_kind text, p_patient uuid, p_id uuid) returns text
language sql immutable parallel safe
return translate(encode(decode(p_kind, 'escape') || uuid_send(p_patient) || uuid_send(p_id), 'base64'), E'+/=\\n', '-_')
"""

# What the token may ask for, and the right it has to this patient; then the settings and the log row. One statement:
# each further one of a function costs as much as the look-ups themselves.
# Outcomes: DEAD (no living grant), REFUSED (no right, or no such patient: they look the same), ALLOWED.
BEGIN = """create function access.begin(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[],
    out patient uuid, out outcome text, out opened text
) language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
    with asking as materialized (
        select g.client_id, g.citizen_id, c.organization_id, c.kind, ' ' || g.scope || ' ' as scope,
               coalesce(kept.patient_id, own.patient_id) as own_id
          from auth.token_grant g
          join auth.client c on c.client_id = g.client_id and c.status = 'active'
          left join registry.organization o on o.id = c.organization_id
          left join access.citizen own on own.id = g.citizen_id
          left join access.patient_redirect kept on kept.old_id = own.patient_id
         where g.id = p_grant and g.revoked_at is null and g.expires_at > clock_timestamp()
           and (o.id is null or o.status = 'active')
    ), asked as materialized (
        select a.*, coalesce(r.patient_id, w.wanted) as patient,
               coalesce(a.kind = 'first_party' and coalesce(r.patient_id, w.wanted) = a.own_id, false) as is_self
          from (select coalesce(p_patient, (select own_id from asking)) as wanted) w
          left join asking a on true
          left join access.patient_redirect r on r.old_id = w.wanted
    ), decided as materialized (
        select q.*, rep.kind as representing,
               case when q.client_id is null then 'DEAD' when q.is_self or rep.kind is not null then 'ALLOWED'
                    else 'REFUSED' end as outcome,
               case when q.is_self or rep.kind is not null then array(
                   select s from unnest(p_sections) s
                    where strpos(q.scope, ' record:' || s || ':read ') > 0
                      and (q.is_self or rep.sections is null or s = any (rep.sections))
               ) else '{}' end as open_sections
          from asked q
          left join lateral (
              select r.kind, r.sections
                from access.related_person r
                left join access.patient_redirect kept on kept.old_id = r.patient_id
               where not q.is_self and q.kind = 'first_party' and r.citizen_id = q.citizen_id
                 and coalesce(kept.patient_id, r.patient_id) = q.patient and r.revoked_at is null
                 and r.valid_from <= clock_timestamp() and (r.valid_until is null or r.valid_until > clock_timestamp())
               order by r.valid_from limit 1
          ) rep on true
    ), logged as (
        insert into access.access_log
               (patient_id, at, id, grant_id, client_id, citizen_id, organization_id, basis, purpose, sections, opened, outcome)
        select coalesce(d.patient, '00000000-0000-0000-0000-000000000000'), clock_timestamp(), uuidv7(), p_grant,
               coalesce(d.client_id, ''), d.citizen_id, d.organization_id,
               case when d.is_self then 'self' else coalesce(d.representing, 'none') end, p_purpose,
               p_sections, d.open_sections, d.outcome
          from decided d
    )
    select d.patient, d.outcome,
           set_config('app.sections', ',' || array_to_string(d.open_sections, ',') || ',', true)
      into patient, outcome, opened
      from decided d
     where set_config('app.patient', case when d.outcome = 'ALLOWED' then d.patient::text
                                          else '00000000-0000-0000-0000-000000000000' end, true) is not null
       and set_config('app.sensitive', case when d.is_self then ',HIV,MENTAL,REPRODUCTIVE,SUBSTANCE,GENETIC,VIOLENCE,UNKNOWN,'
                                            else ',' end, true) is not null
       and set_config('app.all_dates', 'yes', true) is not null
       and set_config('app.data_from', '', true) is not null
       and set_config('app.data_to', '', true) is not null;
end $$
"""

# The plan is a statement the driver prepared on this connection; its first argument is the patient that was decided.
READ = """
create function access.read(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[], p_plan text, p_args text[],
    out data text, out outcome text, out opened text
) language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    decided record;
begin
    select * into decided from access.begin(p_grant, p_patient, p_purpose, p_sections);
    outcome := decided.outcome;
    opened := decided.opened;
    if outcome = 'ALLOWED' then
        execute (
            select format('execute %I(%s)', p_plan, string_agg(quote_nullable(a), ',' order by n))
              from unnest(decided.patient::text || p_args) with ordinality as t(a, n)
        ) into data;
    end if;
end $$
"""

# Who a grant's citizen is, and whose books he may open. Ids only; null for a dead grant.
ME = """
create function access.me(p_grant uuid) returns json
language sql stable security definer set search_path = pg_catalog as $$
    select json_build_object(
        'client_id', g.client_id, 'citizen_id', g.citizen_id, 'organization_id', c.organization_id,
        'organization_code', o.code, 'scope', g.scope, 'patient_id', coalesce(kept.patient_id, own.patient_id),
        'patients', coalesce((
            select json_agg(json_build_object('patient_id', coalesce(k.patient_id, r.patient_id), 'relation', r.kind)
                            order by r.valid_from, r.id)
              from access.related_person r
              left join access.patient_redirect k on k.old_id = r.patient_id
             where r.citizen_id = g.citizen_id and r.revoked_at is null and c.kind = 'first_party'
               and r.valid_from <= clock_timestamp() and (r.valid_until is null or r.valid_until > clock_timestamp())
        ), '[]'))
      from auth.token_grant g
      join auth.client c on c.client_id = g.client_id and c.status = 'active'
      left join registry.organization o on o.id = c.organization_id
      left join access.citizen own on own.id = g.citizen_id
      left join access.patient_redirect kept on kept.old_id = own.patient_id
     where g.id = p_grant and g.revoked_at is null and g.expires_at > clock_timestamp()
       and (o.id is null or o.status = 'active')
$$
"""

# Facilities by name for any living grant: no patient's data. At most `p_first` rows after the code `p_after`.
ORGANIZATIONS = """
create function access.organizations(p_grant uuid, p_codes text[], p_after text, p_first int) returns json
language sql stable security definer set search_path = pg_catalog as $$
    select coalesce(json_agg(x), '[]') from (
        select o.id, o.code, o.name, o.name_en, o.kind, o.province, o.address
          from registry.organization o
         where exists (select from auth.token_grant g where g.id = p_grant and g.revoked_at is null
                          and g.expires_at > clock_timestamp())
           and (p_codes is null or o.code = any (p_codes)) and o.code > coalesce(p_after, '')
         order by o.code limit p_first
    ) x
$$
"""

REVISION = """
create function access.revision() returns text
language sql stable security definer set search_path = pg_catalog
return (select version_num from registry.alembic_version)
"""

# Monthly partitions of the log, from this month to `p_months` ahead; run at every migration and by a job.
PREPARE_LOG = """
create function access.prepare_log(p_months int) returns void
language plpgsql set search_path = pg_catalog as $$
declare
    month date := date_trunc('month', now() at time zone 'utc');
begin
    for i in 0..p_months loop
        execute format(
            'create table if not exists access.access_log_%s partition of access.access_log for values from (%L) to (%L)',
            to_char(month, 'YYYYMM'), month::timestamp at time zone 'utc', (month + interval '1 month') at time zone 'utc'
        );
        month := month + interval '1 month';
    end loop;
end $$
"""

OWNERS = {
    "access.begin(uuid, uuid, text, text[])": "healthbook_access",
    "access.read(uuid, uuid, text, text[], text, text[])": "healthbook_record",
    "access.me(uuid)": "healthbook_access",
    "access.organizations(uuid, text[], text, int)": "healthbook_access",
}
PUBLIC_TO_WEB = (
    "access.read(uuid, uuid, text, text[], text, text[])",
    "access.me(uuid)",
    "access.organizations(uuid, text[], text, int)",
    "access.revision()",
)


# What may change in rows that are otherwise only added: the marks that end them, and where a look-up key leads.
MARKS = {
    "source_record": "superseded_at",
    "link": "undone_at, undone_by",
    "review": "resolved_at, resolution",
    "patient_key": "patient_id",
    "refusal": "issues, received_at, replayed_at",
}


def upgrade() -> None:
    for function in (NODE_ID, BEGIN, READ, ME, ORGANIZATIONS, REVISION, PREPARE_LOG):
        op.execute(sa.text(function.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("revoke execute on all functions in schema access from public")
    op.execute("grant create on schema access to healthbook_access, healthbook_record")
    for function, owner in OWNERS.items():
        op.execute(f"alter function {function} owner to {owner}")
    op.execute("revoke create on schema access from healthbook_access, healthbook_record")
    for function in PUBLIC_TO_WEB:
        op.execute(f"grant execute on function {function} to healthbook_web")
    op.execute("grant execute on function access.begin(uuid, uuid, text, text[]) to healthbook_record")
    op.execute("grant execute on function access.node_id(text, uuid, uuid) to healthbook_web, healthbook_record")
    op.execute("grant execute on function access.revision() to healthbook_intake, healthbook_auth")
    op.execute("grant select on auth.token_grant, auth.client to healthbook_access")
    op.execute("grant select on registry.organization to healthbook_access, healthbook_record, healthbook_intake")
    op.execute("grant insert, update on registry.organization to healthbook_intake")
    op.execute("grant select on access.citizen, access.related_person, access.patient_redirect to healthbook_access")
    op.execute("grant insert on access.access_log to healthbook_access")
    op.execute("grant select on access.citizen to healthbook_auth")
    op.execute("grant select, insert, update, delete on access.patient_redirect to healthbook_intake")
    op.execute("grant select, insert, update, delete on all tables in schema auth to healthbook_auth")
    op.execute("grant select, insert on all tables in schema intake to healthbook_intake")
    for table, marks in MARKS.items():
        op.execute(f"grant update ({marks}) on intake.{table} to healthbook_intake")
    op.execute("grant delete on intake.patient_key, intake.never_link to healthbook_intake")
    op.execute("alter table access.access_log owner to current_user")
    op.execute("select access.prepare_log(3)")
    op.execute("create table access.access_log_default partition of access.access_log default")


def downgrade() -> None:
    raise NotImplementedError("the first release has nothing to go back to")

"""Visits: who stands at the desk. A number alone finds nobody; what is compared beside it never leaves the server."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NOBODY = "00000000-0000-0000-0000-000000000000"
MOST = 4  # patients of one number; one that more people share names nobody

# Whom keyed hashes of numbers lead to, for a living grant of a facility or its clinician that may find patients.
PATIENTS_OF_KEYS = """
create function access.patients_of_keys(p_grant uuid, p_keys bytea[]) returns uuid[]
language sql stable security definer set search_path = pg_catalog
return (
    select array_agg(distinct coalesce(r.patient_id, k.patient_id))
      from auth.token_grant g
      join auth.client c on c.client_id = g.client_id and c.status = 'active' and c.kind in ('facility', 'clinician')
                        and (c.expires_at is null or c.expires_at > clock_timestamp())
      join registry.organization o on o.id = c.organization_id and o.status = 'active'
      join intake.patient_key k on k.key = any (p_keys)
      left join access.patient_redirect r on r.old_id = k.patient_id
      left join auth.token_grant parent on parent.id = g.parent_id
     where g.id = p_grant and g.revoked_at is null and g.expires_at > clock_timestamp()
       and (g.parent_id is null or parent.revoked_at is null and parent.expires_at > clock_timestamp())
       and string_to_array(g.scope, ' ') && array['patient:find', 'visit:manage']
       and (c.kind = 'facility' or exists (
               select from access.practitioner_role w
                where w.citizen_id = g.citizen_id and w.organization_id = c.organization_id and w.revoked_at is null
                  and w.valid_from <= clock_timestamp() and (w.valid_until is null or w.valid_until > clock_timestamp())))
)
"""

# Names and birth dates of these patients, to be compared with what the desk was told. It reads under row-level security
# one patient at a time, and always as many times, so that a known number takes as long as an unknown one.
IDENTIFY = f"""
create function access.identify(p_grant uuid, p_keys bytea[])
returns table (patient_id uuid, name text, birth_date text)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    nobody constant uuid := '{NOBODY}';
    found uuid[] := coalesce(access.patients_of_keys(p_grant, p_keys), '{{}}');
    one uuid;
begin
    if cardinality(found) > {MOST} then
        found := '{{}}';
    end if;
    perform set_config('app.sections', ',demographics,', true), set_config('app.undated', ',demographics,', true),
            set_config('app.windows', ',', true), set_config('app.sensitive', '*', true);
    foreach one in array (found || array_fill(nobody, array[{MOST}]))[1:{MOST}] loop
        perform set_config('app.patient', one::text, true);
        return query select d.patient_id, d.name, d.birth_date
                       from book.demographics d where d.patient_id = one and d.shown;
    end loop;
    perform set_config('app.patient', nobody::text, true), set_config('app.sections', ',', true),
            set_config('app.undated', ',', true), set_config('app.sensitive', ',', true);
end $$
"""

# Consents, not visits: how old somebody is decides who must agree. Only of a person that this transaction was opened for.
BIRTH_DATE = f"""
create function access.birth_date(p_patient uuid) returns text
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    born text;
begin
    if strpos(current_setting('app.persons'), p_patient::text) > 0 then
        perform set_config('app.sections', ',demographics,', true), set_config('app.undated', ',demographics,', true),
                set_config('app.windows', ',', true), set_config('app.sensitive', '*', true),
                set_config('app.patient', p_patient::text, true);
        select d.birth_date into born from book.demographics d where d.patient_id = p_patient and d.shown;
        perform set_config('app.patient', '{NOBODY}', true), set_config('app.sections', ',', true),
                set_config('app.undated', ',', true), set_config('app.sensitive', ',', true);
    end if;
    return born;
end $$
"""

# Consents that ran out after `p_since` without an event that says so: ids only, for housekeeping.
EXPIRED_CONSENTS = """
create function access.expired_consents(p_since timestamptz, p_now timestamptz, p_most integer)
returns table (patient_id uuid, id uuid)
language sql stable security definer set search_path = pg_catalog
begin atomic
    select c.patient_id, c.id
      from access.consent c
     where c.withdrawn_at is null and c.valid_until > p_since and c.valid_until <= least(p_now, clock_timestamp())
       and not exists (select from access.consent_event e
                        where e.patient_id = c.patient_id and e.consent_id = c.id and e.kind = 'expired')
     order by c.valid_until
     limit least(p_most, 1000);
end
"""

OWNERS = {
    "access.birth_date(uuid)": "healthbook_record",
    "access.expired_consents(timestamptz, timestamptz, integer)": "healthbook_access",
    "access.patients_of_keys(uuid, bytea[])": "healthbook_access",
    "access.identify(uuid, bytea[])": "healthbook_record",
}
CALLERS = {
    "access.birth_date(uuid)": "healthbook_consent, healthbook_auth",
    "access.expired_consents(timestamptz, timestamptz, integer)": "healthbook_consent",
    "access.patients_of_keys(uuid, bytea[])": "healthbook_record",
    "access.identify(uuid, bytea[])": "healthbook_consent",
}


def upgrade() -> None:
    for function in (BIRTH_DATE, EXPIRED_CONSENTS, PATIENTS_OF_KEYS, IDENTIFY):
        op.execute(sa.text(function.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("grant create on schema access to healthbook_access, healthbook_record")
    for function, owner in OWNERS.items():
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {owner}")
    op.execute("revoke create on schema access from healthbook_access, healthbook_record")
    for function, callers in CALLERS.items():
        op.execute(f"grant execute on function {function} to {callers}")
    op.execute("grant usage on schema intake to healthbook_access")
    op.execute("grant select (key, patient_id) on intake.patient_key to healthbook_access")
    asker = "kind <> 'app' and organization_id::text = current_setting('app.organization', true)"
    op.execute(f"create policy holder on access.consent for select to healthbook_consent using ({asker})")


def downgrade() -> None:
    raise NotImplementedError("what citizens decided is not thrown away")

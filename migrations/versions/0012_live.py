"""Subscriptions: what may be told to whom at this moment, and until when that is so by the clock alone.

The decision is `access.begin`'s and `access.act`'s, whatever these have become. Here is only when it leaves a line in
the log. `p_occasion`:

- START, a subscription begins: a line, unless the same reader was shown the same within the hour (an app that comes
  back every five minutes with a new token is one reader);
- PUSH, something is told: a line for it, naming the sections that were told and no others;
- CHECK, a right may have ended: a line only if it has.

A decision that is to leave no line is made in a subtransaction that is undone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UNDONE = "HB001"
MOST_UNREAD = 1000  # counted no further

# The first moment at which the clock alone changes what a grant may at a patient; null where it never does.
CHANGES_AT = """
create function access.changes_at(p_grant uuid, p_persons uuid[]) returns timestamptz
language sql stable set search_path = pg_catalog
return (
    select least(
        g.expires_at, parent.expires_at, c.expires_at,
        (select min(w.valid_until)
           from access.practitioner_role w
          where c.kind = 'clinician' and w.citizen_id = g.citizen_id and w.organization_id = c.organization_id
            and w.revoked_at is null and w.valid_until > clock_timestamp()),
        (select min(ends.at)
           from access.related_person r, unnest(array[r.valid_until, r.private_from]) as ends(at)
          where r.citizen_id = g.citizen_id and r.patient_id = any (p_persons) and r.revoked_at is null
            and ends.at > clock_timestamp()),
        (select min(k.valid_until)
           from access.consent k
          where k.patient_id = any (p_persons) and k.withdrawn_at is null and k.valid_until > clock_timestamp()
            and (k.organization_id = c.organization_id or k.client_id = c.client_id)),
        (select min(e.expires_at)
           from access.emergency_access e
          where e.patient_id = any (p_persons) and e.practitioner_id = g.citizen_id
            and e.organization_id = c.organization_id and e.closed_at is null and e.expires_at > clock_timestamp()))
      from auth.token_grant g
      join auth.client c on c.client_id = g.client_id
      left join auth.token_grant parent on parent.id = g.parent_id
     where g.id = p_grant
)
"""

# Whether the same reader was shown (at least) these sections, or did this, by another request within the hour.
SEEN_LATELY = """
create function access.seen_lately(
    p_grant uuid, p_patient uuid, p_action text, p_opened text[], p_request uuid
) returns boolean
language sql stable set search_path = pg_catalog
return (
    select exists (
        select from access.access_log l
          join auth.token_grant g on g.id = p_grant
         where l.patient_id = p_patient and l.at > clock_timestamp() - interval '1 hour' and l.client_id = g.client_id
           and l.citizen_id is not distinct from g.citizen_id and l.outcome = 'ALLOWED' and l.opened @> p_opened
           and (p_action is null or l.purpose = p_action) and l.request_id is distinct from p_request)
)
"""

# `p_rows`: what changed, as `section:label`. `opened`: of p_sections, those open now. `told`: what may be told now. `seconds`:
# for how long all of this holds, if nobody decides anew. REFUSED and DEAD as in access.begin.
STANDING = f"""
create function access.standing(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[], p_rows text[], p_occasion text, p_request uuid,
    out outcome text, out patient uuid, out persons uuid[], out organization uuid, out opened text[], out told text[],
    out seconds float8
) language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    decided record;
    logged text[];
begin
    begin
        select * into decided from access.begin(p_grant, p_patient, p_purpose, p_sections, p_request);
        opened := string_to_array(trim(both ',' from decided.opened), ',');
        told := array(select distinct split_part(r, ':', 1) from unnest(p_rows) r
                       where split_part(r, ':', 1) = any (opened)
                         and (split_part(r, ':', 2) = '' or current_setting('app.sensitive') = '*'
                              or strpos(current_setting('app.sensitive'), ',' || r || ',') > 0));
        raise exception using errcode = '{UNDONE}';
    exception when sqlstate '{UNDONE}' then null;
    end;
    outcome := decided.outcome;
    patient := decided.patient;
    logged := case
        when outcome <> 'ALLOWED' then p_sections
        when p_occasion = 'START' then
            case when opened = '{{}}' or not access.seen_lately(p_grant, patient, null, opened, p_request) then p_sections end
        when not opened @> p_sections then p_sections
        when p_occasion = 'PUSH' then nullif(told, '{{}}')
    end;
    if logged is not null then
        select * into decided from access.begin(p_grant, p_patient, p_purpose, logged, p_request);
        outcome := decided.outcome;
        told := array(select t from unnest(told) t where strpos(decided.opened, ',' || t || ',') > 0);
    end if;
    persons := array(select old_id from access.patient_redirect where patient_id = decided.patient) || patient;
    organization := (select c.organization_id from auth.token_grant g join auth.client c on c.client_id = g.client_id
                      where g.id = p_grant);
    seconds := extract(epoch from access.changes_at(p_grant, persons) - clock_timestamp());
end $$
"""

# The same for what is no section: consents of a book one decides for, and one's own inbox. FORBIDDEN: he may see the
# book, but not decide; SCOPE as in access.act. An inbox is shown to its citizen's own app, which acts for nobody else.
FOLLOWING = f"""
create function access.following(
    p_grant uuid, p_patient uuid, p_action text, p_scope text, p_occasion text, p_request uuid,
    out outcome text, out patient uuid, out persons uuid[], out citizen uuid, out unread int, out seconds float8
) language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    decided record;
    is_mine boolean;
begin
    is_mine := p_action <> 'inboxChanged' or exists (
        select from auth.token_grant g join auth.client c on c.client_id = g.client_id
         where g.id = p_grant and g.patient_id is null and g.citizen_id is not null and c.kind = 'first_party');
    begin
        select * into decided from access.act(p_grant, p_patient, p_action, p_scope, p_request);
        outcome := case when decided.outcome <> 'ALLOWED' then decided.outcome
                        when not is_mine then 'REFUSED'
                        when p_action = 'consentChanged' and not decided.can_manage then 'FORBIDDEN'
                        else 'ALLOWED' end;
        if outcome = 'ALLOWED' and (
            p_occasion = 'CHECK' or p_occasion = 'PUSH' and p_action = 'inboxChanged'
            or p_occasion = 'START' and access.seen_lately(
                p_grant, coalesce(decided.patient, '00000000-0000-0000-0000-000000000000'), p_action, '{{}}', p_request)
        ) then
            raise exception using errcode = '{UNDONE}';
        end if;
    exception when sqlstate '{UNDONE}' then null;
    end;
    patient := decided.patient;
    persons := coalesce(decided.persons, '{{}}');
    citizen := decided.citizen_id;
    if p_action = 'inboxChanged' and outcome = 'ALLOWED' then
        unread := (select count(*) from (
            select from notify.inbox_item i
             where i.citizen_id = citizen and i.read_at is null and i.archived_at is null limit {MOST_UNREAD}) counted);
    end if;
    seconds := extract(epoch from access.changes_at(p_grant, persons) - clock_timestamp());
end $$
"""

OWNER = "healthbook_access"
FUNCTIONS = {
    "access.changes_at(uuid, uuid[])": None,
    "access.seen_lately(uuid, uuid, text, text[], uuid)": None,
    "access.standing(uuid, uuid, text, text[], text[], text, uuid)": "healthbook_web",
    "access.following(uuid, uuid, text, text, text, uuid)": "healthbook_web",
}


def upgrade() -> None:
    for text in (CHANGES_AT, SEEN_LATELY, STANDING, FOLLOWING):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute(f"grant create on schema access to {OWNER}")
    for function, caller in FUNCTIONS.items():
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {OWNER}")
        if caller:
            op.execute(f"grant execute on function {function} to {caller}")
    op.execute(f"revoke create on schema access from {OWNER}")
    op.execute(f"grant usage on schema notify to {OWNER}")
    op.execute(f"grant select on notify.inbox_item to {OWNER}")


def downgrade() -> None:
    raise NotImplementedError("a subscription cannot be decided without it")

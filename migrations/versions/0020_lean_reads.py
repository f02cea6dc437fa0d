"""Reading costs less: the usual row passes a short policy, and one statement decides and logs.

- A policy names 25 functions, and each is prepared for each table of each read. What is usual (open without limits of
  time, no label or all of them) is told by less than half of them; `access.within_limits` decides about the rest. What
  `app.undated` and `app.windows` name is open; `app.sections`, which names both, is for the gates of the statement.
- The log row of a citizen's own book is the decision: no row, no right.
- `access.read` hands on what the plan wrote as it is (`json`), instead of turning it into another type.
"""

import sqlalchemy as sa
from alembic import op

from migrations.owned import RECORD, reading

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# What the policies said themselves until now; a citizen's own rows never come here.
WITHIN_LIMITS = """create function access.within_limits(p_section text, p_sensitivity text, p_occurred text) returns boolean
language plpgsql stable parallel safe as $$
declare
    days text;
begin
    if p_sensitivity <> '' and current_setting('app.sensitive') <> '*'
       and strpos(current_setting('app.sensitive'), ',' || p_section || ':' || p_sensitivity || ',') = 0 then
        return false;
    end if;
    if strpos(current_setting('app.undated'), ',' || p_section || ',') > 0 then
        return true;
    end if;
    days := split_part(current_setting('app.windows'), ',' || p_section || ':', 2);
    return coalesce(p_occurred >= left(days, 10) and p_occurred <= substr(days, 11, 11), false);
end $$
"""

# The tables that a section opens, each with its section; `removal` names it in every row.
REDRAW = f"""
do $redraw$
declare
    drawn record;
begin
    for drawn in
        select polrelid::regclass::text as name,
               substring(pg_get_expr(polqual, polrelid) from $x$app\\.sections'::text\\), ',([a-z_]+),'$x$) as section
          from pg_policy
         where polname = 'record' and strpos(pg_get_expr(polqual, polrelid), 'app.sections') > 0
    loop
        execute format('alter policy record on %s using (%s)', drawn.name,
                       replace($x${reading("<section>")}$x$, '<section>', coalesce(drawn.section, $x$' || section || '$x$)));
    end loop;
end $redraw$
"""

# Asked about by the longer way: a grant made from another, or for one profile; a client of an organization; another
# purpose; an id that was merged. So there is no join here but by key, and no right but the one of being oneself.
BEGIN = """create or replace function access.begin(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[], p_request uuid,
    out patient uuid, out outcome text, out opened text
) language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    done text;
begin
    insert into access.access_log
           (patient_id, at, id, grant_id, client_id, citizen_id, basis, purpose, sections, opened, outcome, request_id)
    select i.patient_id, clock_timestamp(), uuidv7(), g.id, g.client_id, g.citizen_id, 'self', 'PATRQT', p_sections,
           case when string_to_array('record:' || array_to_string(p_sections, ':read record:') || ':read', ' ')
                     <@ string_to_array(g.scope, ' ') then p_sections  -- the usual: all of them
                else array(select s from unnest(p_sections) s
                            where strpos(' ' || g.scope || ' ', ' record:' || s || ':read ') > 0) end,
           'ALLOWED', p_request
      from auth.token_grant g
      join auth.client c on c.client_id = g.client_id and c.status = 'active'
                        and (c.expires_at is null or c.expires_at > clock_timestamp())
      join access.citizen i on i.id = g.citizen_id
      left join access.patient_redirect r on r.old_id = i.patient_id
     where g.id = p_grant and g.revoked_at is null and g.expires_at > clock_timestamp()
       and g.parent_id is null and g.patient_id is null and c.kind = 'first_party' and c.organization_id is null
       and (p_patient is null or p_patient = i.patient_id) and coalesce(p_purpose, 'PATRQT') = 'PATRQT' and r.old_id is null
       and i.patient_id is not null
    returning patient_id, ',' || array_to_string(opened, ',') || ',' into patient, opened;
    if patient is null then
        select d.patient, d.outcome, d.opened into patient, outcome, opened
          from access.decide(p_grant, p_patient, p_purpose, p_sections, p_request) d;
        return;
    end if;
    outcome := 'ALLOWED';
    done := concat(set_config('app.patient', patient::text, true), set_config('app.sections', opened, true),
                   set_config('app.undated', opened, true), set_config('app.windows', ',', true),
                   set_config('app.sensitive', '*', true));
end $$
"""

READ = """create function access.read(
    p_grant uuid, p_patient uuid, p_purpose text, p_sections text[], p_plan text, p_args text[], p_request uuid, p_tag text,
    out data json, out outcome text, out opened text, out tag text
) language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    decided record;
    given text;
    one text;
begin
    decided := access.begin(p_grant, p_patient, p_purpose, p_sections, p_request);
    outcome := decided.outcome;
    opened := decided.opened;
    if outcome <> 'ALLOWED' then
        return;
    end if;
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
    given := quote_literal(decided.patient);
    foreach one in array p_args loop
        given := given || ',' || quote_nullable(one);
    end loop;
    execute 'execute ' || quote_ident(p_plan) || '(' || given || ')' into data;
end $$
"""
READ_ARGUMENTS = "(uuid, uuid, text, text[], text, text[], uuid, text)"


def upgrade() -> None:
    op.execute(WITHIN_LIMITS)
    op.execute("revoke execute on function access.within_limits(text, text, text) from public")
    op.execute(f"grant execute on function access.within_limits(text, text, text) to {RECORD}")
    op.execute(sa.text(REDRAW.replace(":", r"\:")))  # a colon is no parameter here
    op.execute(sa.text(BEGIN.replace(":", r"\:")))
    op.execute(f"-- squawk-ignore ban-drop-function\ndrop function access.read{READ_ARGUMENTS}")
    op.execute(sa.text(READ.replace(":", r"\:")))
    op.execute(f"grant create on schema access to {RECORD}")
    op.execute(f"revoke execute on function access.read{READ_ARGUMENTS} from public")
    op.execute(f"alter function access.read{READ_ARGUMENTS} owner to {RECORD}")
    op.execute(f"revoke create on schema access from {RECORD}")
    op.execute(f"grant execute on function access.read{READ_ARGUMENTS} to healthbook_web")


def downgrade() -> None:
    raise NotImplementedError("decisions are made by one release, not by two")

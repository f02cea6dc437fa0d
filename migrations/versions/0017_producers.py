"""Who is told of new results, decided beside their import; what forecasts of vaccine doses rest on, page by page; and
how long before an appointment whom is reminded. Places of new slots are offered to those who wait (`booking.offer`).

`notify.results_came` is all that the importing login may say to an inbox: which patients got results of which section
and label. It learns nothing back. `book.forecast_page` is all that the worker reads of the book; its owner reads a few
columns of four tables, of the patients that the page names.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The patient himself (`sections` and `sensitive` null: he sees everything) and who manages his book, with what of it each
# sees, as `access.rights_of_another` opens it. By the id asked for, which may be one of before a merge.
THOSE_WHO_DECIDE = """
create function access.those_who_decide(p_patients uuid[], p_now timestamptz)
returns table (patient_id uuid, citizen_id uuid, sections text[], sensitive text[])
language sql stable security definer set search_path = pg_catalog
begin atomic
    with asked as (
        select distinct p.id as patient, coalesce(r.patient_id, p.id) as kept
          from unnest(p_patients) p(id) left join access.patient_redirect r on r.old_id = p.id
    ), ids as (
        select a.patient, a.kept as id from asked a
         union
        select a.patient, r.old_id from asked a join access.patient_redirect r on r.patient_id = a.kept
    )
    select i.patient, c.id, cast(null as text[]), cast(null as text[])
      from ids i join access.citizen c on c.patient_id = i.id
     union all
    select i.patient, p.citizen_id, p.sections,
           case when p.private_from is null or p.private_from > p_now then p.sensitive else '{}' end
      from ids i
      join access.related_person p on p.patient_id = i.id and p.can_manage and p.revoked_at is null
                                  and p.valid_from <= p_now and (p.valid_until is null or p.valid_until > p_now);
end
"""

# Who has an unread notice of the last hour about this book is not told again: he will find it all there.
RESULTS_CAME = """
create function notify.results_came(p_patients uuid[], p_sections text[], p_labels text[], p_now timestamptz)
returns void language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    one record;
begin
    for one in
        select d.patient_id, array_agg(distinct d.citizen_id) as citizens
          from access.those_who_decide(p_patients, p_now) d
          join unnest(p_patients, p_sections, p_labels) n(patient, section, label) on n.patient = d.patient_id
         where (d.sections is null or n.section = any (d.sections))
           and (n.label = '' or d.sensitive is null or n.label = any (d.sensitive))
           and not exists (select from notify.inbox_item i
                            where i.citizen_id = d.citizen_id and i.read_at is null and i.kind = 'new_result'
                              and i.patient_id = d.patient_id and i.created_at > p_now - interval '1 hour')
         group by d.patient_id order by d.patient_id
    loop
        perform notify.post('new_result', one.citizens, one.patient_id, null, p_now, null);
        perform pg_notify('inbox', json_build_object('citizens', page.ids)::text)
           from (select json_agg(c) as ids from unnest(one.citizens) with ordinality t(c, n) group by (n - 1) / 100) page;
    end loop;
end $$
"""

# Living bookings of which offsets (minutes before the start) came after p_since, but not before they stood as they do:
# `due` are those of any clinic or citizen, `usual` what their own clinic says. A page by (starts_at, id).
REMINDERS_DUE = """
create function booking.reminders_due(
    p_since timestamptz, p_now timestamptz, p_wished integer[], p_starts_after timestamptz, p_after uuid, p_most integer
) returns table (patient_id uuid, id uuid, starts_at timestamptz, due integer[], usual integer[])
language sql stable security definer set search_path = pg_catalog
begin atomic
    with offsets as (
        select m.minutes, make_interval(mins => m.minutes) as before
          from (select unnest(p.reminder_minutes) as minutes from booking.policy p
                 union select unnest(p_wished) union select unnest(array[1440, 120])) m
    )
    select b.patient_id, b.id, b.starts_at, array_agg(o.minutes), coalesce(p.reminder_minutes, array[1440, 120])
      from offsets o
      join booking.booking b on b.status = 'booked' and b.starts_at > p_since + o.before
                            and b.starts_at <= p_now + o.before and b.changed_at <= b.starts_at - o.before
      left join booking.policy p on p.organization_id = b.organization_id
     where b.starts_at > p_now and (b.starts_at, b.id) > (p_starts_after, p_after)
     group by b.patient_id, b.id, b.starts_at, p.reminder_minutes
     order by b.starts_at, b.id
     limit least(p_most, 10000);
end
"""

# The next people whose book somebody reads, by the id that he or they know it by; the record is that of the kept id.
# Fields are named as in the API. At most 300 doses (more are not looked at), 100 conditions and 100 allergies each.
GIVEN = """jsonb_build_object('id', {r}.id, 'occurred', {r}.occurred, 'status', {r}.status,
           'statusReason', {r}.status_reason, 'vaccineSystem', {r}.vaccine_system, 'vaccineCode', {r}.vaccine_code,
           'vaccine', {r}.vaccine, 'antigens', {r}.antigens, 'isSubpotent', {r}.is_subpotent,
           'sensitivity', {r}.sensitivity"""
FORECAST_PAGE = f"""
create function book.forecast_page(p_after uuid, p_most integer)
returns table (id uuid, patient_id uuid, record jsonb)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    named uuid[] := array(
        select n.person
          from ((select c.patient_id as person from access.citizen c where c.patient_id > p_after order by 1 limit p_most)
                 union
                (select distinct r.patient_id from access.related_person r
                  where r.patient_id > p_after and r.can_manage and r.revoked_at is null order by 1 limit p_most)) n
         order by 1 limit p_most);
    kept uuid[] := array(
        select coalesce(m.patient_id, n.person) from unnest(named) with ordinality n(person, place)
          left join access.patient_redirect m on m.old_id = n.person order by n.place);
begin
    perform set_config('app.patients', array_to_string(kept, ','), true);
    return query
    select p.named, p.kept, jsonb_build_object(
        'demographics', (
            select jsonb_build_object('birthDate', d.birth_date, 'sex', d.sex, 'isDeceased', d.is_deceased)
              from book.demographics d where d.patient_id = p.kept and d.shown
             order by d.occurred desc nulls last, d.id desc limit 1),
        'immunizations', (
            select coalesce(jsonb_agg({GIVEN.format(r="i")}, 'reports', i.reports)), '[]')
              from (select s.*, (
                        select jsonb_agg({GIVEN.format(r="e")}))
                          from book.immunizations e
                         where e.patient_id = s.patient_id and e.fact_key = s.fact_key and e.superseded_at is null
                    ) as reports
                      from (select {{columns}} from book.immunizations v
                             where v.patient_id = p.kept and v.shown order by v.occurred desc nulls last limit 300) s) i),
        'allergies', (
            select coalesce(jsonb_agg(jsonb_build_object(
                       'codeSystem', a.code_system, 'code', a.code, 'display', a.display,
                       'clinicalStatus', a.clinical_status, 'verificationStatus', a.verification_status,
                       'isAbsence', a.is_absence, 'sensitivity', a.sensitivity)), '[]')
              from (select {{allergy}} from book.allergies g
                     where g.patient_id = p.kept and g.shown order by g.occurred desc nulls last limit 100) a),
        'conditions', jsonb_build_object('nodes', (
            select coalesce(jsonb_agg(jsonb_build_object(
                       'icd10', c.icd10, 'occurred', c.occurred, 'abatement', c.abatement,
                       'clinicalStatus', c.clinical_status, 'verificationStatus', c.verification_status,
                       'sensitivity', c.sensitivity)), '[]')
              from (select {{condition}} from book.conditions n
                     where n.patient_id = p.kept and n.shown order by n.occurred desc nulls last limit 100) c)))
      from unnest(named, kept) p(named, kept);
    perform set_config('app.patients', '', true);
end $$
"""
READS = {
    "immunizations": "patient_id, id, sensitivity, occurred, fact_key, shown, superseded_at, status, status_reason, "
    "vaccine_system, vaccine_code, vaccine, antigens, is_subpotent",
    "allergies": "patient_id, shown, sensitivity, occurred, code_system, code, display, clinical_status, "
    "verification_status, is_absence",
    "conditions": "patient_id, shown, sensitivity, occurred, icd10, abatement, clinical_status, verification_status",
    "demographics": "patient_id, id, shown, occurred, birth_date, sex, is_deceased",
}
FORECASTER = "healthbook_forecast"
# Free places of a facility's own slots to those who wait: each slot is taken to have been full, so that `booking.settle`
# offers what is free of it and counts anew. By time, as long as somebody waits for such a place.
OFFER = """
create function booking.offer(p_organization uuid, p_slots uuid[], p_now timestamptz) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    slot record;
    offers jsonb := '[]';
begin
    if p_organization::text is distinct from current_setting('app.organization') then
        raise exception 'only the facility itself offers places' using errcode = 'insufficient_privilege';
    end if;
    perform from booking.slot s where s.organization_id = p_organization and s.id = any (p_slots) order by s.id for update;
    for slot in
        select s.id, s.service_id, s.starts_at from booking.slot s
         where s.organization_id = p_organization and s.id = any (p_slots) and s.taken < s.capacity
           and s.closed_at is null and exists (
                select from booking.waiting w
                 where w.organization_id = p_organization and w.service_id = s.service_id and w.status = 'waiting'
                   and w.earliest <= s.starts_at and w.latest >= s.starts_at)
         order by s.starts_at, s.id
    loop
        continue when not exists (
            select from booking.waiting w
             where w.organization_id = p_organization and w.service_id = slot.service_id and w.status = 'waiting'
               and w.earliest <= slot.starts_at and w.latest >= slot.starts_at);
        update booking.slot s set taken = s.capacity where s.organization_id = p_organization and s.id = slot.id;
        offers := offers || booking.settle(p_organization, slot.id, p_now);
    end loop;
    return offers;
end $$
"""

OWNERS = {
    "access.those_who_decide(uuid[], timestamptz)": "healthbook_access",
    "notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_notify",
    "booking.reminders_due(timestamptz, timestamptz, integer[], timestamptz, uuid, integer)": "healthbook_booking",
    "booking.offer(uuid, uuid[], timestamptz)": "healthbook_booking",
    "book.forecast_page(uuid, integer)": FORECASTER,
}
CALLERS = {
    "access.those_who_decide(uuid[], timestamptz)": "healthbook_notify, healthbook_worker",
    "notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_intake",
    "booking.reminders_due(timestamptz, timestamptz, integer[], timestamptz, uuid, integer)": "healthbook_worker",
    "booking.offer(uuid, uuid[], timestamptz)": "healthbook_consent",
    "book.forecast_page(uuid, integer)": "healthbook_worker",
}
CHOICES = "30, 60, 120, 180, 360, 720, 1440, 2880, 4320, 10080, 20160"
CHECKS = {
    "booking.policy": "cardinality(reminder_minutes) <= 5 and 30 <= all (reminder_minutes) and 20160 >= all (reminder_minutes)",
    "notify.wishes": f"cardinality(reminder_minutes) <= 5 and reminder_minutes <@ array[{CHOICES}]",
}


def upgrade() -> None:
    tables()
    forecaster()
    reminders()
    page = FORECAST_PAGE.format(
        columns=READS["immunizations"], allergy=READS["allergies"], condition=READS["conditions"]
    )
    for text in (THOSE_WHO_DECIDE, RESULTS_CAME, REMINDERS_DUE, OFFER, page):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    # The worker of the earlier version gives no reminders from here on; this one gives those that were missed.
    due = "booking.due(timestamptz, timestamptz, uuid, integer)"
    op.execute(f"-- squawk-ignore ban-drop-function\ndrop function {due}")
    for function, owner in OWNERS.items():
        schema = function.partition(".")[0]
        op.execute(f"grant usage, create on schema {schema} to {owner}")
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {owner}")
        op.execute(f"revoke create on schema {schema} from {owner}")
        op.execute(f"grant execute on function {function} to {CALLERS[function]}")
    grants()
    with op.get_context().autocommit_block():  # looked through beside traffic
        for table in CHECKS:
            name = f"ck_{table.partition('.')[2]}_reminder_minutes"  # validating again does no harm
            op.execute(f"-- squawk-ignore prefer-robust-stmts\nalter table {table} validate constraint {name}")


def reminders() -> None:
    """How long before its start an appointment is remembered: by clinic and by citizen; given to each by himself."""
    op.add_column('policy', sa.Column('reminder_minutes', postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{1440,120}'"), nullable=False), schema='booking')
    op.add_column('wishes', sa.Column('reminder_minutes', postgresql.ARRAY(sa.Integer()), nullable=True), schema='notify')
    nobody = "00000000-0000-0000-0000-000000000000"
    op.add_column('reminded', sa.Column('citizen_id', sa.Uuid(), server_default=nobody, nullable=False), schema='notify')
    for table, rule in CHECKS.items():
        name = f"ck_{table.partition('.')[2]}_reminder_minutes"
        op.execute(f"alter table {table} add constraint {name} check ({rule}) not valid")
    # Only the worker writes it, and says whose it is.
    op.execute("-- squawk-ignore ban-drop-default\nalter table notify.reminded alter column citizen_id drop default")
    # Short rows of three months, which only the worker writes.
    op.execute("-- squawk-ignore ban-drop-constraint\nalter table notify.reminded drop constraint pk_reminded")
    op.execute(
        "-- squawk-ignore adding-serial-primary-key-field,constraint-missing-not-valid\n"
        "alter table notify.reminded add constraint pk_reminded primary key (subject_id, citizen_id, before_s, starts_at)"
    )


def tables() -> None:
    op.create_table('dose_reminded',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('dose_key', sa.LargeBinary(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('patient_id', 'dose_key', name=op.f('pk_dose_reminded')),
    schema='notify',
    info={'class': 'local'}
    )


def forecaster() -> None:
    """Reads what a dose forecast rests on, of the patients that its own function names."""
    op.execute(
        f"do $$ begin create role {FORECASTER} nologin noinherit nobypassrls nosuperuser; "
        "exception when duplicate_object or unique_violation then null; end $$"
    )
    op.execute(f"grant usage on schema access to {FORECASTER}")
    op.execute(f"grant select on access.citizen, access.related_person, access.patient_redirect to {FORECASTER}")
    named = "strpos(current_setting('app.patients'), patient_id::text) > 0"
    for table, columns in READS.items():
        op.execute(f"grant select ({columns}) on book.{table} to {FORECASTER}")
        op.execute(f"create policy forecast on book.{table} for select to {FORECASTER} using ({named})")


def grants() -> None:
    op.execute("grant usage on schema book to healthbook_worker")
    op.execute("grant select, insert on notify.dose_reminded to healthbook_worker")
    op.execute("grant usage on schema notify to healthbook_intake")
    op.execute("revoke execute on function jobs.enqueue(text, bytea, interval, text, integer) from healthbook_intake")
    op.execute("revoke usage on schema jobs from healthbook_intake")
    op.execute("grant usage on schema access to healthbook_notify")
    op.execute("grant select (citizen_id, kind, patient_id, created_at, read_at) on notify.inbox_item to healthbook_notify")


def downgrade() -> None:
    raise NotImplementedError("what citizens were told is not thrown away")

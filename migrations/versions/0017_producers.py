"""Who is told of new results, decided beside their import; and what forecasts of vaccine doses rest on, page by page.

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

# The patient himself, and who manages his book and sees such a section and label, as `access.rights_of_another` opens
# them. Who has an unread notice of the last hour about this book is not told again: he will find it all there.
RESULTS_CAME = """
create function notify.results_came(p_patients uuid[], p_sections text[], p_labels text[], p_now timestamptz)
returns void language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    one record;
begin
    for one in
        with news as (
            select n.patient, n.section, n.label from unnest(p_patients, p_sections, p_labels) n(patient, section, label)
        ), ids as (
            select n.patient, n.patient as id from news n
             union
            select n.patient, r.old_id from news n join access.patient_redirect r on r.patient_id = n.patient
        ), concerned as (
            select i.patient, c.id as citizen from ids i join access.citizen c on c.patient_id = i.id
             union
            select i.patient, p.citizen_id
              from ids i
              join access.related_person p on p.patient_id = i.id and p.can_manage and p.revoked_at is null
                                          and p.valid_from <= p_now and (p.valid_until is null or p.valid_until > p_now)
             where exists (select from news n
                            where n.patient = i.patient and (p.sections is null or n.section = any (p.sections))
                              and (n.label = '' or n.label = any (p.sensitive)
                                                   and (p.private_from is null or p.private_from > p_now)))
        )
        select c.patient, array_agg(c.citizen order by c.citizen) as citizens
          from concerned c
         where not exists (select from notify.inbox_item i
                            where i.citizen_id = c.citizen and i.read_at is null and i.kind = 'new_result'
                              and i.patient_id = c.patient and i.created_at > p_now - interval '1 hour')
         group by c.patient order by c.patient
    loop
        perform notify.post('new_result', one.citizens, one.patient, null, p_now, null);
        perform pg_notify('inbox', json_build_object('citizens', page.ids)::text)
           from (select json_agg(c) as ids from unnest(one.citizens) with ordinality t(c, n) group by (n - 1) / 100) page;
    end loop;
end $$
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
OWNERS = {
    "notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_notify",
    "book.forecast_page(uuid, integer)": FORECASTER,
}
CALLERS = {
    "notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_intake",
    "book.forecast_page(uuid, integer)": "healthbook_worker",
}


def upgrade() -> None:
    tables()
    forecaster()
    page = FORECAST_PAGE.format(
        columns=READS["immunizations"], allergy=READS["allergies"], condition=READS["conditions"]
    )
    for text in (RESULTS_CAME, page):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("grant create on schema notify to healthbook_notify")
    op.execute(f"grant usage, create on schema book to {FORECASTER}")
    for function, owner in OWNERS.items():
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {owner}")
    op.execute("revoke create on schema notify from healthbook_notify")
    op.execute(f"revoke create on schema book from {FORECASTER}")
    for function, callers in CALLERS.items():
        op.execute(f"grant execute on function {function} to {callers}")
    grants()


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
    op.execute("grant select on access.citizen, access.related_person, access.patient_redirect to healthbook_notify")
    op.execute("grant select (citizen_id, kind, patient_id, created_at, read_at) on notify.inbox_item to healthbook_notify")


def downgrade() -> None:
    raise NotImplementedError("what citizens were told is not thrown away")

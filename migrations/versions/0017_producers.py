"""Who is told of new results, decided beside their import.

`notify.results_came` is all that the importing login may say to an inbox: which patients got results of which section
and label. It learns nothing back.
"""

import sqlalchemy as sa
from alembic import op

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
OWNERS = {"notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_notify"}
CALLERS = {"notify.results_came(uuid[], text[], text[], timestamptz)": "healthbook_intake"}


def upgrade() -> None:
    for text in (RESULTS_CAME,):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("grant create on schema notify to healthbook_notify")
    for function, owner in OWNERS.items():
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {owner}")
    op.execute("revoke create on schema notify from healthbook_notify")
    for function, callers in CALLERS.items():
        op.execute(f"grant execute on function {function} to {callers}")
    grants()


def grants() -> None:
    op.execute("grant usage on schema notify to healthbook_intake")
    op.execute("revoke execute on function jobs.enqueue(text, bytea, interval, text, integer) from healthbook_intake")
    op.execute("revoke usage on schema jobs from healthbook_intake")
    op.execute("grant usage on schema access to healthbook_notify")
    op.execute("grant select on access.citizen, access.related_person, access.patient_redirect to healthbook_notify")
    op.execute("grant select (citizen_id, kind, patient_id, created_at, read_at) on notify.inbox_item to healthbook_notify")


def downgrade() -> None:
    raise NotImplementedError("what citizens were told is not thrown away")

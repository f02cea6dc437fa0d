"""Appointments: what clinics offer, and holds, offers and bookings in one table.

Clinic tables are read by every living grant and written by the facility of the transaction; a patient's bookings by
him (`app.persons`) and by the one facility they name (`app.organization`). What touches other people's rows, the
number of places that are taken and who is next in a line, is done by functions of `healthbook_booking`, which nobody
can log in as. Whoever changes what lives in a slot locks the slot first, several in the order of their ids: so takers
of one place stand in a line, and no two wait for each other.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NOBODY = "00000000-0000-0000-0000-000000000000"
PERSON = "strpos(current_setting('app.persons'), patient_id::text) > 0"
FACILITY = "organization_id::text = current_setting('app.organization')"
CLINIC = ("policy", "service", "practitioner", "room", "hours", "day_rule", "slot")
TAKES_A_PLACE = "('held', 'offered', 'booked', 'checked_in', 'called', 'in_progress', 'done', 'no_show')"
KINDS = """'consent_request', 'consent_changed', 'emergency_access', 'record_read', 'delegation', 'security', 'visit',
    'appointment_booked', 'appointment_moved', 'appointment_cancelled', 'waiting_list_offer', 'queue_call'"""

# The truth about one slot, under its lock: what is overdue ends, `taken` is counted anew, and each place that has come
# free is offered for half an hour to the next in line who was not offered this very slot before. Who let an offer pass
# stands at the end of the line; after the third he has left it. Tells the offers: [{"id", "patient_id"}, ...].
SETTLE = f"""
create function booking.settle(p_organization uuid, p_slot uuid, p_now timestamptz) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    slot record;
    entry record;
    lead interval;
    living int;
    offer uuid;
    offers jsonb := '[]';
begin
    select * into slot from booking.slot s where s.organization_id = p_organization and s.id = p_slot for update;
    if not found then
        return offers;
    end if;
    with ended as (
        update booking.booking b
           set status = 'expired', changed_at = p_now, version = b.version + 1
         where b.organization_id = p_organization and b.slot_id = p_slot and b.status in ('held', 'offered')
           and b.held_until <= p_now
        returning b.patient_id, b.waiting_id
    )
    update booking.waiting w
       set status = case when w.missed >= 2 then 'lapsed' else 'waiting' end, missed = w.missed + 1, in_line_since = p_now
      from ended e
     where w.patient_id = e.patient_id and w.id = e.waiting_id and w.status = 'offered';
    living := (select count(*) from booking.booking b
                where b.organization_id = p_organization and b.slot_id = p_slot and b.status in {TAKES_A_PLACE});
    lead := coalesce((select make_interval(mins => lead_minutes) from booking.policy
                       where organization_id = p_organization), '0');
    while living < least(slot.taken, slot.capacity) and slot.closed_at is null and slot.starts_at > p_now + lead loop
        select w.* into entry
          from booking.waiting w
         where w.organization_id = p_organization and w.service_id = slot.service_id and w.status = 'waiting'
           and w.earliest <= slot.starts_at and w.latest >= slot.starts_at
           and not exists (select from booking.booking b
                            where b.patient_id = w.patient_id and b.waiting_id = w.id and b.slot_id = p_slot)
         order by w.in_line_since, w.id
         limit 1 for update skip locked;
        exit when not found;
        offer := uuidv7();
        insert into booking.booking
               (patient_id, id, organization_id, service_id, slot_id, starts_at, ends_at, status, held_until, waiting_id,
                contact_name, contact_phone, booked_by, created_at, changed_at)
        values (entry.patient_id, offer, p_organization, slot.service_id, p_slot, slot.starts_at, slot.ends_at, 'offered',
                least(p_now + interval '30 minutes', slot.starts_at), entry.id, entry.contact_name, entry.contact_phone,
                entry.joined_by, p_now, p_now);
        update booking.waiting w set status = 'offered' where w.patient_id = entry.patient_id and w.id = entry.id;
        offers := offers || jsonb_build_object('id', offer, 'patient_id', entry.patient_id);
        living := living + 1;
    end loop;
    update booking.slot s
       set taken = living, overbooked = greatest(living - s.capacity, 0)
     where s.organization_id = p_organization and s.id = p_slot
       and (s.taken <> living or s.overbooked <> greatest(living - s.capacity, 0));
    return offers;
end $$
"""

# Locks slots, and those where these persons let a hold pass, in the order of their ids, and settles the latter.
BEGIN_CHANGE = """
create function booking.begin_change(
    p_persons uuid[], p_organizations uuid[], p_slots uuid[], p_now timestamptz
) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    passed record;
    offers jsonb := '[]';
begin
    perform from booking.slot s
       join (select o, i from unnest(p_organizations, p_slots) as wanted(o, i)
              union
             select b.organization_id, b.slot_id from booking.booking b
              where b.patient_id = any (p_persons) and b.status in ('held', 'offered') and b.held_until <= p_now) w
         on s.organization_id = w.o and s.id = w.i
      order by s.id for update of s;
    for passed in
        select distinct b.organization_id, b.slot_id from booking.booking b
         where b.patient_id = any (p_persons) and b.status in ('held', 'offered') and b.held_until <= p_now
    loop
        offers := offers || booking.settle(passed.organization_id, passed.slot_id, p_now);
    end loop;
    return offers;
end $$
"""

# One place of a slot for the row that the caller inserts next. The facility itself (`p_by_staff`) may take one until
# the slot ends, and with `p_overbook` one beyond the capacity. Outcomes: TAKEN, FULL, CLOSED, TOO_SOON, TOO_FAR, GONE.
TAKE = """
create function booking.take(
    p_organization uuid, p_slot uuid, p_now timestamptz, p_by_staff boolean, p_overbook boolean,
    out outcome text, out offers jsonb
) language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    slot record;
    rules record;
    staff boolean := p_by_staff and p_organization::text = current_setting('app.organization');
begin
    offers := booking.settle(p_organization, p_slot, p_now);
    select * into slot from booking.slot s where s.organization_id = p_organization and s.id = p_slot;
    select * into rules from booking.policy p where p.organization_id = p_organization;
    outcome := case when slot.id is null then 'GONE'
                    when slot.closed_at is not null then 'CLOSED'
                    when staff and slot.ends_at <= p_now then 'TOO_SOON'
                    when not staff and slot.starts_at <= p_now + make_interval(mins => coalesce(rules.lead_minutes, 0)) then 'TOO_SOON'
                    when not staff and slot.starts_at > p_now + make_interval(days => coalesce(rules.horizon_days, 60)) then 'TOO_FAR' end;
    if outcome is null then
        update booking.slot s
           set taken = s.taken + 1, overbooked = greatest(s.taken + 1 - s.capacity, 0)
         where s.organization_id = p_organization and s.id = p_slot and (s.taken < s.capacity or staff and p_overbook);
        outcome := case when found then 'TAKEN' else 'FULL' end;
    end if;
end $$
"""

# For the worker, over all patients: ids only.
OVERDUE = """
create function booking.overdue(p_now timestamptz, p_most integer) returns table (organization_id uuid, slot_id uuid)
language sql stable security definer set search_path = pg_catalog
begin atomic
    select distinct b.organization_id, b.slot_id
      from booking.booking b
     where b.status in ('held', 'offered') and b.held_until <= p_now
     limit least(p_most, 1000);
end
"""
DUE = """
create function booking.due(p_from timestamptz, p_until timestamptz, p_after uuid, p_most integer)
returns table (patient_id uuid, id uuid, starts_at timestamptz)
language sql stable security definer set search_path = pg_catalog
begin atomic
    select b.patient_id, b.id, b.starts_at
      from booking.booking b
     where b.status = 'booked' and (b.starts_at, b.id) > (p_from, p_after) and b.starts_at <= p_until
     order by b.starts_at, b.id
     limit least(p_most, 10000);
end
"""
ERASE_CONTACTS = """
create function booking.erase_contacts(p_before timestamptz, p_most integer) returns integer
language sql volatile security definer set search_path = pg_catalog
begin atomic
    with old as (
        select b.patient_id, b.id from booking.booking b
         where b.contact_name is not null and b.ends_at < p_before
         limit least(p_most, 10000)
    ), erased as (
        update booking.booking b set contact_name = null, contact_phone = null
          from old where b.patient_id = old.patient_id and b.id = old.id
        returning 1
    ), left_line as (
        update booking.waiting w set contact_name = null, contact_phone = null
         where w.contact_name is not null and w.latest < p_before
        returning 1
    )
    select ((select count(*) from erased) + (select count(*) from left_line))::int;
end
"""

# What a calendar address shows, while it lives and its maker still may act for the patient: times, and what changed.
FEED = """
create function booking.calendar_feed(p_secret bytea, p_now timestamptz) returns json
language sql stable security definer set search_path = pg_catalog
begin atomic
    with feed as (
        select f.id, f.shows_facility, f.citizen_id, coalesce(r.patient_id, f.patient_id) as patient_id
          from booking.feed f
          left join access.patient_redirect r on r.old_id = f.patient_id
         where f.secret_hash = p_secret and f.revoked_at is null
    ), persons as (
        select f.*, array(select f.patient_id union select o.old_id from access.patient_redirect o
                           where o.patient_id = f.patient_id) as ids
          from feed f
    )
    select json_build_object('id', p.id, 'shows_facility', p.shows_facility, 'events', coalesce((
               select json_agg(e order by e.starts_at, e.id) from (
                   select b.id, b.starts_at, b.ends_at, b.status, b.version, b.changed_at,
                          case when p.shows_facility then o.name end as facility,
                          case when p.shows_facility then o.address end as address
                     from booking.booking b
                     join registry.organization o on o.id = b.organization_id
                    where b.patient_id = any (p.ids) and b.starts_at > p_now - interval '30 days'
                      and b.status not in ('held', 'offered', 'expired')
                    order by b.starts_at, b.id limit 200) e), '[]'))
      from persons p
     where exists (select from access.citizen c where c.id = p.citizen_id and c.patient_id = any (p.ids))
        or exists (select from access.related_person r
                    where r.citizen_id = p.citizen_id and r.patient_id = any (p.ids) and r.revoked_at is null
                      and r.valid_from <= p_now and (r.valid_until is null or r.valid_until > p_now)
                      and (r.can_manage or r.sections is null or 'follow_ups' = any (r.sections)));
end
"""

# What booking has to know of a paper in the book of the person this transaction was opened for: nothing clinical.
SLIP = f"""
create function access.slip(p_patient uuid, p_kind text, p_id uuid)
returns table (status text, valid_from text, valid_until text, facility_code text)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    section text := case p_kind when 'referral' then 'referrals' else 'follow_ups' end;
begin
    if strpos(current_setting('app.persons'), p_patient::text) = 0 then
        return;
    end if;
    perform set_config('app.sections', ',' || section || ',', true), set_config('app.undated', ',' || section || ',', true),
            set_config('app.windows', ',', true), set_config('app.sensitive', '*', true),
            set_config('app.patient', p_patient::text, true);
    if p_kind = 'referral' then
        return query select r.status, r.valid_from, r.valid_until, r.to_facility_code
                       from book.referrals r
                      where r.patient_id = p_patient and r.id = p_id and r.shown and r.superseded_at is null;
    else
        return query select f.status, null::text, f.until, f.facility_code
                       from book.follow_ups f
                      where f.patient_id = p_patient and f.id = p_id and f.kind = 'slip' and f.shown
                        and f.superseded_at is null;
    end if;
    perform set_config('app.patient', '{NOBODY}', true), set_config('app.sections', ',', true),
            set_config('app.undated', ',', true), set_config('app.sensitive', ',', true);
end $$
"""

# The desk's page, where a person is signed in and no token is: who works at the facility now works at its bookings, and at
# no person's. Logged as `access.act` does it, with the outcome, before anything is read.
ACT_AT_DESK = f"""
create function access.act_at_desk(p_citizen uuid, p_organization uuid, p_action text, p_request uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
    works boolean := exists (
        select from access.practitioner_role w
          join registry.organization o on o.id = w.organization_id and o.status = 'active'
         where w.citizen_id = p_citizen and w.organization_id = p_organization and w.revoked_at is null
           and w.valid_from <= clock_timestamp() and (w.valid_until is null or w.valid_until > clock_timestamp()));
begin
    insert into access.access_log
           (patient_id, at, id, grant_id, client_id, citizen_id, organization_id, basis, purpose, sections, opened, outcome,
            request_id)
    values ('{NOBODY}', clock_timestamp(), uuidv7(), '{NOBODY}', '', p_citizen, p_organization,
            case when works then 'organization' else 'none' end, p_action, '{{}}', '{{}}',
            case when works then 'ALLOWED' else 'REFUSED' end, p_request);
    perform set_config('app.persons', '', true),
            set_config('app.organization', case when works then p_organization::text else '' end, true);
    return works;
end $$
"""

OWNERS = {
    "access.act_at_desk(uuid, uuid, text, uuid)": "healthbook_access",
    "booking.settle(uuid, uuid, timestamptz)": "healthbook_booking",
    "booking.begin_change(uuid[], uuid[], uuid[], timestamptz)": "healthbook_booking",
    "booking.take(uuid, uuid, timestamptz, boolean, boolean)": "healthbook_booking",
    "booking.overdue(timestamptz, integer)": "healthbook_booking",
    "booking.due(timestamptz, timestamptz, uuid, integer)": "healthbook_booking",
    "booking.erase_contacts(timestamptz, integer)": "healthbook_booking",
    "booking.calendar_feed(bytea, timestamptz)": "healthbook_booking",
    "access.slip(uuid, text, uuid)": "healthbook_record",
}


def upgrade() -> None:
    op.execute("create schema if not exists booking")
    op.execute(
        "do $$ begin create role healthbook_booking nologin noinherit nobypassrls nosuperuser; "
        "exception when duplicate_object or unique_violation then null; end $$"
    )
    tables()
    # Rewritten at once: a check over short rows that no service updates.
    op.execute("-- squawk-ignore ban-drop-constraint\nalter table notify.inbox_item drop constraint ck_inbox_item_kind")
    op.execute(
        "-- squawk-ignore constraint-missing-not-valid\n"
        f"alter table notify.inbox_item add constraint ck_inbox_item_kind check (kind in ({KINDS}))"
    )
    for name in CLINIC:
        protect_clinic(name)
    protect_clinic("queue_counter", deletes=False)
    for name in ("booking", "waiting", "calendar", "feed"):
        protect_patients(name)
    functions()


def protect_clinic(name: str, *, deletes: bool = True) -> None:
    """Anybody's to read, the facility's own to write."""
    table = f"booking.{name}"
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    everybody = "organization_id is not null"
    op.execute(f"create policy offer on {table} for select to healthbook_consent using ({everybody})")
    op.execute(f"create policy enter on {table} for insert to healthbook_consent with check ({FACILITY})")
    op.execute(f"create policy change on {table} for update to healthbook_consent using ({FACILITY}) with check ({FACILITY})")
    op.execute(f"grant select, insert, update on {table} to healthbook_consent")
    if deletes:
        op.execute(f"create policy remove on {table} for delete to healthbook_consent using ({FACILITY})")
        op.execute(f"grant delete on {table} to healthbook_consent")
    op.execute(f"create policy keep on {table} to healthbook_booking using ({everybody}) with check ({everybody})")


def protect_patients(name: str) -> None:
    """The patient's; those that name a facility are that facility's too."""
    table = f"booking.{name}"
    mine = f"({PERSON} or {FACILITY})" if name in {"booking", "waiting"} else PERSON
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy own on {table} to healthbook_consent using ({mine}) with check ({mine})")
    op.execute(f"grant select, insert, update on {table} to healthbook_consent")
    op.execute(
        f"create policy keep on {table} to healthbook_booking using (patient_id is not null) "
        "with check (patient_id is not null)"
    )


def functions() -> None:
    for text in (SETTLE, BEGIN_CHANGE, TAKE, OVERDUE, DUE, ERASE_CONTACTS, FEED, SLIP, ACT_AT_DESK):
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon is no parameter here
    op.execute("grant usage on schema booking to healthbook_booking, healthbook_consent, healthbook_web")
    op.execute("grant usage on schema access, registry to healthbook_booking")
    op.execute("grant select, insert, update on booking.booking to healthbook_booking")
    op.execute("grant select, update on booking.waiting, booking.slot to healthbook_booking")
    op.execute("grant select on booking.policy, booking.feed to healthbook_booking")
    op.execute("grant select on access.citizen, access.related_person, access.patient_redirect to healthbook_booking")
    op.execute("grant select on registry.organization to healthbook_booking")
    op.execute("grant create on schema booking to healthbook_booking")
    op.execute("grant create on schema access to healthbook_record, healthbook_access")
    for function, owner in OWNERS.items():
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"alter function {function} owner to {owner}")
        caller = "healthbook_web" if "calendar_feed" in function else "healthbook_consent"
        op.execute(f"grant execute on function {function} to {caller}")
    op.execute("revoke create on schema booking from healthbook_booking")
    op.execute("revoke create on schema access from healthbook_record, healthbook_access")


def tables() -> None:
    op.create_table('booking',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('slot_id', sa.Uuid(), nullable=False),
    sa.Column('starts_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('ends_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('held_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('series_id', sa.Uuid(), nullable=True),
    sa.Column('series_place', sa.Integer(), server_default='0', nullable=False),
    sa.Column('slip_kind', sa.Text(), nullable=True),
    sa.Column('slip_id', sa.Uuid(), nullable=True),
    sa.Column('waiting_id', sa.Uuid(), nullable=True),
    sa.Column('instead_of', sa.Uuid(), nullable=True),
    sa.Column('request_key', sa.LargeBinary(), nullable=True),
    sa.Column('contact_name', sa.Text(), nullable=True),
    sa.Column('contact_phone', sa.Text(), nullable=True),
    sa.Column('booked_by', sa.Uuid(), nullable=True),
    sa.Column('is_walk_in', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_overbooked', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('overbook_reason', sa.Text(), nullable=True),
    sa.Column('queue_day', sa.Date(), nullable=True),
    sa.Column('queue_number', sa.Integer(), nullable=True),
    sa.Column('visit_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('changed_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("slip_kind in ('referral', 'follow_up')", name=op.f('ck_booking_slip_kind')),
    sa.CheckConstraint("status in ('held', 'offered', 'booked', 'checked_in', 'called', 'in_progress', 'done', 'no_show', 'cancelled', 'cancelled_by_clinic', 'expired')", name=op.f('ck_booking_status')),
    sa.CheckConstraint("status not in ('held', 'offered') or held_until is not null", name=op.f('ck_booking_held_until')),
    sa.CheckConstraint('(queue_number is null) = (queue_day is null)', name=op.f('ck_booking_queue')),
    sa.CheckConstraint('(slip_id is null) = (slip_kind is null)', name=op.f('ck_booking_slip')),
    sa.CheckConstraint('is_overbooked = (overbook_reason is not null)', name=op.f('ck_booking_overbooked_for_a_reason')),
    sa.PrimaryKeyConstraint('patient_id', 'id', name=op.f('pk_booking')),
    schema='booking',
    info={'class': 'appointment'}
    )
    op.create_index('ix_booking_contact', 'booking', ['ends_at'], unique=False, schema='booking', postgresql_where=sa.text('contact_name is not null'))
    op.create_index('ix_booking_day', 'booking', ['organization_id', 'starts_at'], unique=False, schema='booking')
    op.create_index('ix_booking_due', 'booking', ['starts_at', 'id'], unique=False, schema='booking', postgresql_where=sa.text("status = 'booked'"))
    op.create_index('ix_booking_overdue', 'booking', ['held_until'], unique=False, schema='booking', postgresql_where=sa.text("status in ('held', 'offered')"))
    op.create_index('ix_booking_patient', 'booking', ['patient_id', 'starts_at', 'id'], unique=False, schema='booking')
    op.create_index('ix_booking_slot', 'booking', ['organization_id', 'slot_id'], unique=False, schema='booking', postgresql_where=sa.text("status in ('held', 'offered', 'booked', 'checked_in', 'called', 'in_progress', 'done', 'no_show')"))
    op.create_index('uq_booking_offer', 'booking', ['patient_id', 'waiting_id'], unique=True, schema='booking', postgresql_where=sa.text("status = 'offered'"))
    op.create_index('uq_booking_request', 'booking', ['patient_id', 'request_key', 'series_place'], unique=True, schema='booking', postgresql_where=sa.text('request_key is not null'))
    op.create_index('uq_booking_service', 'booking', ['patient_id', 'organization_id', 'service_id', 'series_place'], unique=True, schema='booking', postgresql_where=sa.text("status in ('held', 'booked', 'checked_in', 'called', 'in_progress')"))
    op.create_index('uq_booking_slip', 'booking', ['patient_id', 'slip_id'], unique=True, schema='booking', postgresql_where=sa.text("slip_id is not null and status in ('held', 'booked', 'checked_in', 'called', 'in_progress', 'done')"))
    op.create_table('calendar',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('patient_id', name=op.f('pk_calendar')),
    schema='booking',
    info={'class': 'appointment'}
    )
    op.create_table('feed',
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('citizen_id', sa.Uuid(), nullable=False),
    sa.Column('shows_facility', sa.Boolean(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('secret_hash', name=op.f('pk_feed')),
    sa.UniqueConstraint('id', name=op.f('uq_feed_id')),
    schema='booking',
    info={'class': 'lookup'}
    )
    op.create_index(op.f('ix_feed_patient_id'), 'feed', ['patient_id'], unique=False, schema='booking')
    op.create_table('policy',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('lead_minutes', sa.Integer(), nullable=False),
    sa.Column('horizon_days', sa.Integer(), nullable=False),
    sa.Column('cancel_minutes', sa.Integer(), nullable=False),
    sa.Column('no_shows', sa.Integer(), nullable=False),
    sa.Column('no_show_months', sa.Integer(), nullable=False),
    sa.Column('keeps_holidays', sa.Boolean(), nullable=False),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(latitude is null) = (longitude is null)', name=op.f('ck_policy_place')),
    sa.CheckConstraint('cancel_minutes between 0 and 43200', name=op.f('ck_policy_cancel')),
    sa.CheckConstraint('horizon_days between 1 and 366', name=op.f('ck_policy_horizon')),
    sa.CheckConstraint('latitude between -90 and 90 and longitude between -180 and 180', name=op.f('ck_policy_degrees')),
    sa.CheckConstraint('lead_minutes between 0 and 43200', name=op.f('ck_policy_lead')),
    sa.CheckConstraint('no_shows between 0 and 100 and no_show_months between 1 and 60', name=op.f('ck_policy_no_shows')),
    sa.PrimaryKeyConstraint('organization_id', name=op.f('pk_policy')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('practitioner',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_practitioner')),
    sa.UniqueConstraint('organization_id', 'code', name=op.f('uq_practitioner_organization_id_code')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('queue_counter',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'service_id', 'day', name=op.f('pk_queue_counter')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('room',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_room')),
    sa.UniqueConstraint('organization_id', 'code', name=op.f('uq_room_organization_id_code')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('service',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('name_en', sa.Text(), nullable=True),
    sa.Column('specialty', sa.Text(), nullable=True),
    sa.Column('vaccine_codes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('slip', sa.Text(), nullable=False),
    sa.Column('is_telehealth', sa.Boolean(), nullable=False),
    sa.Column('join_link', sa.Text(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.CheckConstraint("slip in ('none', 'referral', 'follow_up')", name=op.f('ck_service_slip')),
    sa.CheckConstraint('is_telehealth or join_link is null', name=op.f('ck_service_link')),
    sa.CheckConstraint('minutes between 5 and 720', name=op.f('ck_service_minutes')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_service')),
    sa.UniqueConstraint('organization_id', 'code', name=op.f('uq_service_organization_id_code')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('waiting',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('earliest', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('latest', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('in_line_since', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('missed', sa.Integer(), server_default='0', nullable=False),
    sa.Column('contact_name', sa.Text(), nullable=True),
    sa.Column('contact_phone', sa.Text(), nullable=True),
    sa.Column('joined_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("status in ('waiting', 'offered', 'placed', 'left', 'lapsed')", name=op.f('ck_waiting_status')),
    sa.CheckConstraint('latest > earliest', name=op.f('ck_waiting_period')),
    sa.PrimaryKeyConstraint('patient_id', 'id', name=op.f('pk_waiting')),
    schema='booking',
    info={'class': 'appointment'}
    )
    op.create_index('ix_waiting_line', 'waiting', ['organization_id', 'service_id', 'in_line_since', 'id'], unique=False, schema='booking', postgresql_where=sa.text("status = 'waiting'"))
    op.create_index('uq_waiting_service', 'waiting', ['patient_id', 'organization_id', 'service_id'], unique=True, schema='booking', postgresql_where=sa.text("status in ('waiting', 'offered')"))
    op.create_table('day_rule',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("kind in ('closed', 'open')", name=op.f('ck_day_rule_kind')),
    sa.ForeignKeyConstraint(['organization_id', 'service_id'], ['booking.service.organization_id', 'booking.service.id'], name=op.f('fk_day_rule_organization_id_service_id')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_day_rule')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_index('uq_day_rule_day', 'day_rule', ['organization_id', 'day', 'service_id'], unique=True, schema='booking', postgresql_nulls_not_distinct=True)
    op.create_table('hours',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('practitioner_id', sa.Uuid(), nullable=True),
    sa.Column('room_id', sa.Uuid(), nullable=True),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('opens_at', sa.Time(), nullable=False),
    sa.Column('closes_at', sa.Time(), nullable=False),
    sa.Column('slot_minutes', sa.Integer(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.CheckConstraint('capacity between 1 and 1000', name=op.f('ck_hours_capacity')),
    sa.CheckConstraint('closes_at > opens_at', name=op.f('ck_hours_period')),
    sa.CheckConstraint('slot_minutes between 5 and 720', name=op.f('ck_hours_slot_minutes')),
    sa.CheckConstraint('valid_until is null or valid_until >= valid_from', name=op.f('ck_hours_validity')),
    sa.CheckConstraint('weekday between 0 and 6', name=op.f('ck_hours_weekday')),
    sa.ForeignKeyConstraint(['organization_id', 'practitioner_id'], ['booking.practitioner.organization_id', 'booking.practitioner.id'], name=op.f('fk_hours_organization_id_practitioner_id')),
    sa.ForeignKeyConstraint(['organization_id', 'room_id'], ['booking.room.organization_id', 'booking.room.id'], name=op.f('fk_hours_organization_id_room_id')),
    sa.ForeignKeyConstraint(['organization_id', 'service_id'], ['booking.service.organization_id', 'booking.service.id'], name=op.f('fk_hours_organization_id_service_id')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_hours')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_table('slot',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('hours_id', sa.Uuid(), nullable=False),
    sa.Column('practitioner_id', sa.Uuid(), nullable=True),
    sa.Column('room_id', sa.Uuid(), nullable=True),
    sa.Column('starts_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('ends_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('taken', sa.Integer(), nullable=False),
    sa.Column('overbooked', sa.Integer(), nullable=False),
    sa.Column('closed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_slot_period')),
    sa.CheckConstraint('taken >= 0 and overbooked >= 0 and taken <= capacity + overbooked', name=op.f('ck_slot_never_too_many')),
    sa.ForeignKeyConstraint(['organization_id', 'service_id'], ['booking.service.organization_id', 'booking.service.id'], name=op.f('fk_slot_organization_id_service_id')),
    sa.PrimaryKeyConstraint('organization_id', 'id', name=op.f('pk_slot')),
    sa.UniqueConstraint('organization_id', 'hours_id', 'starts_at', name=op.f('uq_slot_organization_id_hours_id_starts_at')),
    schema='booking',
    info={'class': 'clinic'}
    )
    op.create_index('ix_slot_day', 'slot', ['organization_id', 'starts_at'], unique=False, schema='booking')
    op.create_index('ix_slot_free', 'slot', ['organization_id', 'service_id', 'starts_at', 'id'], unique=False, schema='booking', postgresql_where=sa.text('taken < capacity and closed_at is null'))


def downgrade() -> None:
    raise NotImplementedError("what citizens booked is not thrown away")

"""An appointment whose clinic never says what became of it lapses a day later, and its patient may book again.

Until now it stood in the way of the next one of its service for ever. `booking.lapse` is the worker's; it sees ids and
times only.
"""

import sqlalchemy as sa
from alembic import op

from migrations.indexes import make_index

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

STATUSES = """'held', 'offered', 'booked', 'checked_in', 'called', 'in_progress', 'done', 'no_show', 'cancelled',
    'cancelled_by_clinic', 'expired', 'lapsed'"""
UNSETTLED = "('booked', 'checked_in', 'called', 'in_progress')"
LAPSE = f"""
create or replace function booking.lapse(p_before timestamptz, p_now timestamptz, p_most integer) returns integer
language sql volatile security definer set search_path = pg_catalog
begin atomic
    with unsettled as (
        select b.patient_id, b.id from booking.booking b
         where b.status in {UNSETTLED} and b.ends_at < p_before
         order by b.ends_at
         limit least(p_most, 10000) for update skip locked
    ), lapsed as (
        update booking.booking b set status = 'lapsed', changed_at = p_now, version = b.version + 1
          from unsettled u where b.patient_id = u.patient_id and b.id = u.id
        returning 1
    )
    select count(*)::int from lapsed;
end
"""
FUNCTION = "booking.lapse(timestamptz, timestamptz, integer)"
OWNER, CALLER = "healthbook_booking", "healthbook_consent"


def upgrade() -> None:
    """Clinics book meanwhile: what reads the whole table locks nobody out. Where this was cut short it goes on."""
    op.execute("-- squawk-ignore ban-drop-constraint\nalter table booking.booking drop constraint if exists ck_booking_status")
    op.execute(f"alter table booking.booking add constraint ck_booking_status check (status in ({STATUSES})) not valid")
    op.execute(sa.text(LAPSE.replace(":", r"\:")))
    op.execute(f"grant create on schema booking to {OWNER}")
    op.execute(f"revoke execute on function {FUNCTION} from public")
    op.execute(f"alter function {FUNCTION} owner to {OWNER}")
    op.execute(f"grant execute on function {FUNCTION} to {CALLER}")
    op.execute(f"revoke create on schema booking from {OWNER}")
    with op.get_context().autocommit_block():
        op.execute("alter table booking.booking validate constraint ck_booking_status")
        make_index("booking.ix_booking_unsettled", f"on booking.booking (ends_at) where status in {UNSETTLED}")


def downgrade() -> None:
    raise NotImplementedError("the version before does not know appointments that lapsed")

"""One notice to many: a page of 500 citizens a job, by keyset; paused and resumed; each citizen told once.

The page's notices, the cursor and the job of the next page are one transaction, so a crash repeats nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from notifications import jobs, notices
from notifications.kinds import KINDS
from notifications.tables import Campaign, Device

ENTRYPOINT, PAGE = "campaign", 500


def start(db: Session, kind: str, subject_id: UUID | None, now: datetime) -> Campaign:
    """A campaign to every citizen with a living phone. ValueError for a kind we do not know."""
    if kind not in KINDS:
        raise ValueError(f"no such kind of notice: {kind}")
    campaign = Campaign(kind=kind, subject_id=subject_id, created_at=now)
    db.add(campaign)
    db.flush()
    _enqueue(db, campaign)
    return campaign


def pause(db: Session, campaign_id: UUID) -> Campaign:
    """The page that is being told is the last one until `resume`. Conflict where it is done."""
    campaign = _locked(db, campaign_id)
    if campaign.state == "done":
        raise Conflict("This campaign is done.")
    campaign.state = "paused"
    return campaign


def resume(db: Session, campaign_id: UUID) -> Campaign:
    """Go on after the last citizen told. Conflict where it is not paused."""
    campaign = _locked(db, campaign_id)
    if campaign.state != "paused":
        raise Conflict("This campaign is not paused.")
    campaign.state = "running"
    _enqueue(db, campaign)
    return campaign


def tell_page(db: Session, campaign_id: UUID, now: datetime) -> int:
    """Tell the next page and enqueue the one after it: how many citizens it had."""
    campaign = _locked(db, campaign_id)
    if campaign.state != "running":
        return 0
    citizens = list(db.scalars(_page(campaign.cursor)))
    notices.post(
        db,
        kind=campaign.kind,
        citizen_ids=citizens,
        patient_id=None,
        subject_id=campaign.subject_id,
        now=now,
        key=f"campaign:{campaign.id}",
    )
    campaign.told += len(citizens)
    if len(citizens) < PAGE:
        campaign.state, campaign.ended_at = "done", now
        return len(citizens)
    campaign.cursor = citizens[-1]
    _enqueue(db, campaign)
    return len(citizens)


@dataclass(frozen=True, slots=True)
class CampaignJob:
    """The handler of the entrypoint `campaign`."""

    engine: AsyncEngine
    clock: Callable[[], datetime]

    async def __call__(self, payload: jobs.Payload) -> None:
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            await session.run_sync(tell_page, UUID(payload["campaign"]), self.clock())
            await session.commit()


def _page(cursor: UUID | None) -> Select[UUID]:
    query = select(Device.citizen_id).where(Device.ended_at.is_(None)).distinct()
    if cursor is not None:
        query = query.where(Device.citizen_id > cursor)
    return query.order_by(Device.citizen_id).limit(PAGE)


def _enqueue(db: Session, campaign: Campaign) -> None:
    """A job for the page after the cursor. The job that is running has another cursor and so another key."""
    db.flush()
    jobs.enqueue(db, ENTRYPOINT, {"campaign": str(campaign.id)}, key=f"campaign:{campaign.id}:{campaign.cursor}")


def _locked(db: Session, campaign_id: UUID) -> Campaign:
    found = db.scalar(select(Campaign).where(Campaign.id == campaign_id).with_for_update())
    if found is None:
        raise NotFound("There is no such campaign.")
    return found

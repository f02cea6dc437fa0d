"""What became of messages, written down: accepted, again later, or never; and what follows for devices and webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.channels import Delivered, Gone, Outcome, Rejected, Retry, backoff
from notifications.composing import Postponed, Skipped
from notifications.kinds import PUSH, WEBHOOK
from notifications.metrics import DELIVERIES

HOLD_AFTER = timedelta(days=3)

RECORD = text(
    """update notify.delivery d set state = t.state, next_at = coalesce(t.next_at, d.next_at), reason = t.reason,
              accepted_at = case when t.state = 'accepted' then cast(:now as timestamptz) else d.accepted_at end,
              attempts = case when t.counts then d.attempts else d.attempts - 1 end
         from unnest(cast(:ids as uuid[]), cast(:attempts as integer[]), cast(:states as text[]),
                     cast(:next_ats as timestamptz[]), cast(:reasons as text[]), cast(:counts as boolean[]))
              t(id, attempts, state, next_at, reason, counts)
        where d.id = t.id and d.state = 'sending' and d.attempts = t.attempts"""
)
END_DEVICES = text(
    """update notify.device d set token_key = null, token_sealed = null, ended_at = :now, end_reason = t.reason
         from unnest(cast(:ids as uuid[]), cast(:reasons as text[])) t(id, reason)
        where d.id = t.id and d.ended_at is null"""
)
# Nothing reaches his phones: the next channel need not wait for three hours.
HASTEN = text(
    """update notify.delivery f set next_at = least(f.next_at, :now)
         from unnest(cast(:citizens as uuid[]), cast(:abouts as uuid[])) t(citizen, about)
        where f.citizen_id = t.citizen and f.about = t.about and f.unless_read and f.state = 'due'
          and not exists (select from notify.delivery p where p.citizen_id = t.citizen and p.about = t.about
                             and not p.unless_read and p.channel <> 'webhook'
                             and p.state in ('due', 'sending', 'accepted'))
          and not exists (select from notify.delivery e where e.citizen_id = t.citizen and e.about = t.about
                             and e.unless_read and (e.next_at, e.id) < (f.next_at, f.id)
                             and e.state in ('due', 'sending', 'accepted'))"""
)
WELL = text(
    "update notify.webhook set failing_since = null where id = any(cast(:ids as uuid[])) and failing_since is not null"
)
FAILING = text(
    """update notify.webhook set failing_since = coalesce(failing_since, :now),
              held_at = case when failing_since <= :hold then coalesce(held_at, :now) else held_at end
        where id = any(cast(:ids as uuid[]))"""
)


@dataclass(frozen=True, slots=True)
class Result:
    """One claimed delivery and what became of it."""

    row: Row[Any]
    outcome: Outcome | Skipped | Postponed


@dataclass(frozen=True, slots=True)
class _Next:
    """How a delivery goes on. `counts`: whether this was a try."""

    state: str
    reason: str | None = None
    at: datetime | None = None
    counts: bool = True


async def record(session: AsyncSession, results: Sequence[Result], now: datetime) -> None:
    """In one transaction of the caller's. What another worker has taken over meanwhile is left alone."""
    nexts = [_next(one, now) for one in results]
    await session.execute(
        RECORD,
        {
            "now": now,
            "ids": [one.row.id for one in results],
            "attempts": [one.row.attempts for one in results],
            "states": [one.state for one in nexts],
            "next_ats": [one.at for one in nexts],
            "reasons": [one.reason for one in nexts],
            "counts": [one.counts for one in nexts],
        },
    )
    await _follow_up_phones(session, results, now)
    await _follow_up_partners(session, results, now)
    for result, following in zip(results, nexts, strict=True):
        DELIVERIES.labels(result.row.channel, "retry" if following.state == "due" else following.state).inc()


def _next(result: Result, now: datetime) -> _Next:
    row = result.row
    match result.outcome:
        case Delivered():
            return _Next("accepted")
        case Gone(reason):
            return _Next("gone", reason)
        case Rejected(reason):
            return _Next("rejected", reason)
        case Skipped("expired"):
            return _Next("expired", "expired", counts=False)
        case Skipped(reason):
            return _Next("skipped", reason, counts=False)
        case Postponed(until):
            return _Next("due", "postponed", until, counts=False)
        case Retry(after, reason):
            at = now + backoff(row.attempts, after)
            return _Next("due", reason, at) if at < row.expires_at else _Next("expired", reason)


async def _follow_up_phones(session: AsyncSession, results: Sequence[Result], now: datetime) -> None:
    lost = [one for one in results if one.row.channel != WEBHOOK and isinstance(one.outcome, Gone | Rejected | Skipped)]
    dead = [(one.row.target_id, one.outcome.reason) for one in lost if isinstance(one.outcome, Gone)]
    phones = [target for target, _ in dead] if any(one.row.channel == PUSH for one in lost) else []
    if phones:
        await session.execute(END_DEVICES, {"now": now, "ids": phones, "reasons": [reason for _, reason in dead]})
    if lost:
        told = {"citizens": [one.row.citizen_id for one in lost], "abouts": [one.row.about for one in lost]}
        await session.execute(HASTEN, told | {"now": now})


async def _follow_up_partners(session: AsyncSession, results: Sequence[Result], now: datetime) -> None:
    partners = [one for one in results if one.row.channel == WEBHOOK]
    well = sorted({one.row.target_id for one in partners if isinstance(one.outcome, Delivered)})
    failing = sorted({one.row.target_id for one in partners if isinstance(one.outcome, Retry)} - set(well))
    if well:
        await session.execute(WELL, {"ids": well})
    if failing:
        await session.execute(FAILING, {"ids": failing, "now": now, "hold": now - HOLD_AFTER})

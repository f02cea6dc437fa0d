"""Webhooks of partners' apps: registered by an operator, held after three days of failures, resumed or ended by him."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.values import new_id
from notifications.channels.egress import Egress, Refused
from notifications.composing import SECRET
from notifications.seals import Seals
from notifications.tables import Webhook

SECRET_BYTES = 32
AT_ONCE = text(
    "update notify.delivery set next_at = :now where channel = 'webhook' and target_id = :id and state = 'due'"
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new webhook and its secret (Standard Webhooks: `whsec_` and base64), which is told once."""

    id: UUID
    secret: str = field(repr=False)


def register(
    db: Session, seals: Seals, client_id: str, url: str, now: datetime, egress: Egress | None = None
) -> Registered:
    """Invalid for an address that nothing may be sent to, Conflict where the client has a webhook."""
    try:
        (egress or Egress()).checked(url)
    except Refused as refused:
        raise Invalid("url", f"`url`: {refused}.") from None
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row = {
        "id": new_id(),
        "client_id": client_id,
        "url": url,
        "secret_sealed": seals.seal(SECRET, secret),
        "created_at": now,
    }
    made = insert(Webhook).values(row).on_conflict_do_nothing().returning(Webhook.id)
    id_ = db.scalar(made)
    if id_ is None:
        raise Conflict("This client has a webhook; end it first.")
    return Registered(id_, secret)


def resume(db: Session, webhook_id: UUID, now: datetime) -> None:
    """What still waits for a webhook that was held is sent now."""
    webhook = _living(db, webhook_id)
    webhook.failing_since = webhook.held_at = None
    db.flush()
    db.execute(AT_ONCE, {"id": webhook_id, "now": now})


def end(db: Session, webhook_id: UUID, now: datetime) -> None:
    _living(db, webhook_id).ended_at = now
    db.flush()


def listed(db: Session) -> list[Webhook]:
    return list(db.scalars(select(Webhook).where(Webhook.ended_at.is_(None)).order_by(Webhook.created_at, Webhook.id)))


def _living(db: Session, webhook_id: UUID) -> Webhook:
    found = db.scalar(select(Webhook).where(Webhook.id == webhook_id, Webhook.ended_at.is_(None)).with_for_update())
    if found is None:
        raise NotFound("There is no such webhook.")
    return found

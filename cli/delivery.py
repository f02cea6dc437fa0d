"""What the worker delivers with: the channels that are configured, and the addresses that sign-in keeps."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.flow_tables import ContactPoint
from auth.settings import decode_kek, is_safe_address
from auth.sign_in.contacts import unseal
from cli.settings import Addresses
from domain.database import open_engine
from notifications.channels import Channel
from notifications.channels.egress import Egress
from notifications.channels.email import Email, SmtpSettings
from notifications.channels.fcm import Fcm, FcmSettings
from notifications.channels.sms import Sms, SmsSettings
from notifications.channels.webhook import Webhooks
from notifications.contacts import Contacts, NoContacts, Reach
from notifications.kinds import EMAIL, SMS
from notifications.seals import Seals
from notifications.worker import Notifier

log = structlog.get_logger("healthbook.worker")
CHANNEL_OF = {"email": EMAIL, "phone": SMS}
REACHES = {"on": "public", "loopback": "loopback"}


@dataclass(frozen=True, slots=True)
class SignInContacts:
    """`notifications.contacts.Contacts` over the verified contacts of sign-in."""

    kek: bytes = field(repr=False)

    async def of(self, session: AsyncSession, citizens: Collection[UUID]) -> Mapping[UUID, list[Reach]]:
        found: defaultdict[UUID, list[Reach]] = defaultdict(list)
        asked = select(ContactPoint).where(ContactPoint.citizen_id.in_(list(citizens)))
        for row in await session.scalars(asked.order_by(ContactPoint.verified_at, ContactPoint.key)):
            address = unseal(self.kek, row.system, row.value_sealed).value
            found[row.citizen_id].append(
                Reach(row.citizen_id, CHANNEL_OF[row.system], UUID(bytes=row.key[:16]), address)
            )
        return found


def channels(environ: Mapping[str, str]) -> dict[str, Channel]:
    """By name; each is off until it is configured. ValueError says which variable is wrong, never its value."""
    made: list[Channel] = []
    if environ.get("HEALTHBOOK_FCM_PROJECT"):
        made.append(Fcm(_fcm(environ)))
    if environ.get("HEALTHBOOK_SMTP_URL"):
        made.append(Email(SmtpSettings.of(environ["HEALTHBOOK_SMTP_URL"], environ.get("HEALTHBOOK_SMTP_FROM", ""))))
    if environ.get("HEALTHBOOK_SMS_URL"):
        made.append(Sms(_sms(environ)))
    if environ.get("HEALTHBOOK_WEBHOOKS"):
        made.append(Webhooks(Egress(_reach(environ["HEALTHBOOK_WEBHOOKS"]))))
    return {one.name: one for one in made}


def notifier(addresses: Addresses, environ: Mapping[str, str]) -> Notifier | None:
    """None, with a warning, where the worker was not given the key that opens tokens."""
    told = environ.get("HEALTHBOOK_KEK")
    if not told:
        log.warning("nobody_is_told", needed=["HEALTHBOOK_KEK"])
        return None
    kek, configured = decode_kek(told), channels(environ)
    contacts: Contacts = SignInContacts(kek) if {EMAIL, SMS} & configured.keys() else NoContacts()
    engine = open_engine(addresses.worker, pool_size=5, max_overflow=20)
    return Notifier(addresses.worker, engine, configured, contacts, Seals.of(kek))


def _fcm(environ: Mapping[str, str]) -> FcmSettings:
    endpoint, credentials = environ.get("HEALTHBOOK_FCM_ENDPOINT") or None, environ.get("HEALTHBOOK_FCM_CREDENTIALS")
    if endpoint is not None and not is_safe_address(endpoint):
        raise ValueError("HEALTHBOOK_FCM_ENDPOINT must be https, or http on this machine")
    is_local = endpoint is not None and urlsplit(endpoint).scheme == "http"
    if not credentials and not is_local:
        raise ValueError("HEALTHBOOK_FCM_CREDENTIALS must name a service account's file")
    return FcmSettings(environ["HEALTHBOOK_FCM_PROJECT"], credentials or None, endpoint)


def _sms(environ: Mapping[str, str]) -> SmsSettings:
    url, secret = environ["HEALTHBOOK_SMS_URL"], environ.get("HEALTHBOOK_SMS_SECRET", "")
    if not is_safe_address(url) or not secret.startswith("whsec_"):
        raise ValueError("HEALTHBOOK_SMS_URL must be https, HEALTHBOOK_SMS_SECRET whsec_ and base64")
    return SmsSettings(url, secret)


def _reach(told: str) -> str:
    if told not in REACHES:
        raise ValueError("HEALTHBOOK_WEBHOOKS must be `on`, or `loopback` for tests")
    return REACHES[told]

"""The demo's doctor: a citizen with a role at the demo's facility, and the application that its clinicians sign in at.

The application signs assertions (private_key_jwt), as real ones must; its private key lies in the data folder. For a
first try the demo also tells a ready-made token of the doctor's.
"""

from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from joserfc.jwk import ECKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import record_scopes
from auth.clients.registration import register_clinician_app
from auth.settings import AuthSettings
from auth.signing.keys import KeyRing
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from cli.settings import write_private
from domain.patients import Citizen
from domain.practitioners import PractitionerRole
from domain.values import utc_now

CLIENT = "demo-clinician"
DOCTOR = uuid5(NAMESPACE_URL, "http://healthbook.vn/demo/doctor")
NAME = "BS. Nguyễn Minh Tâm"
REDIRECTS = ("http://127.0.0.1/callback",)
KEY_FILE = "demo-clinician.jwk"
OWN_SCOPES = "openid offline_access emergency:open patient:find appointment:manage"


async def add_doctor(session: AsyncSession, organization_id: UUID) -> None:
    """The citizen and his role, once. As the owner: no running service makes clinicians."""
    await session.merge(Citizen(id=DOCTOR, demo_label=f"{NAME} | bác sĩ, đăng nhập ở ứng dụng của bệnh viện"))
    await session.flush()
    living = select(PractitionerRole.id).where(
        PractitionerRole.citizen_id == DOCTOR,
        PractitionerRole.organization_id == organization_id,
        PractitionerRole.revoked_at.is_(None),
    )
    if (await session.execute(living)).scalar() is None:
        session.add(
            PractitionerRole(citizen_id=DOCTOR, organization_id=organization_id, role="doctor", display_name=NAME)
        )


async def add_application(session: AsyncSession, organization_id: UUID, name: str, folder: Path) -> None:
    """The clinicians' application, with a new key whose private half only this machine's user reads."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    (folder / KEY_FILE).unlink(missing_ok=True)
    write_private(folder / KEY_FILE, {name: str(value) for name, value in key.as_dict(private=True).items()})
    await register_clinician_app(
        session,
        client_id=CLIENT,
        name=f"{name}: bác sĩ",
        organization_id=organization_id,
        scope=scope(),
        redirect_uris=REDIRECTS,
        jwks={"keys": [key.as_dict(private=False)]},
    )


def scope() -> str:
    return f"{OWN_SCOPES} {' '.join(record_scopes())}"


async def issue_token(session: AsyncSession, ring: KeyRing, settings: AuthSettings, life: timedelta) -> str:
    """An access token of the doctor without a browser, on a grant like any other; ValueError outside a demo."""
    if not settings.demo_sign_in:
        raise ValueError("there is no demo here")
    now = utc_now()
    grant = TokenGrant(
        client_id=CLIENT,
        citizen_id=DOCTOR,
        scope=scope(),
        acr="demo",
        auth_time=now,
        created_at=now,
        expires_at=now + life,
    )
    session.add(grant)
    await session.flush()
    return access_token(ring.signing, settings, grant, scope=grant.scope, now=now, life=life)

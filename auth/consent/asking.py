"""What a valid request of a client asks of the citizen, as the page needs to know it.

Read anew at every step, from the authorization request or from what a device asked for, so nothing that a form says
about the request is believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.consent import book
from auth.consent.book import Turn
from auth.requests import OAuthRequest
from auth.scopes import ALWAYS, split
from auth.server.authorization_requests import needs_sign_in, wanted_age, wanted_level
from auth.server.authorization_server import Server
from auth.sign_in.levels import STRONG, level_of
from auth.tables import OAuthClient
from auth.web_sessions import SignedIn
from domain.consents.terms import Reader
from domain.organizations import Organization

DEFAULT_PURPOSE = "PATRQT"
_BY_CONSENT = frozenset({"third_party", "sandbox"})
_PREFIX, _SUFFIX = "record:", ":read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for what, and what of the citizen stands in the way.

    `level` and `max_age` say how strong and fresh a sign-in is needed if `needs_sign_in`. `organization` is the
    facility's name by language, for the client of a facility. `obstacle` is why he can open no book (`book.obstacle`).
    Of an authorization request alone: `ui_locales` and what follows; `redirect_uri` is empty if a device asks.
    """

    client_id: str
    client_name: str
    kind: str
    is_unreviewed: bool
    organization_id: UUID | None
    organization: Mapping[str, str | None]
    scopes: tuple[str, ...]
    obstacle: str | None
    purpose: str = DEFAULT_PURPOSE
    ui_locales: str = ""
    redirect_uri: str = ""
    needs_sign_in: bool = False
    level: int = 0
    max_age: int | None = None
    is_strong: bool = False

    @property
    def sections(self) -> tuple[str, ...]:
        """The scopes that a citizen chooses among."""
        return sections_of(self.scopes)

    @property
    def needs_consent(self) -> bool:
        """Somebody else's app wants to read: a consent is made, beside scopes (Luật 91/2025 Đ9)."""
        return is_by_consent(self.kind, self.scopes)

    @property
    def is_for_work(self) -> bool:
        return self.kind == "clinician"

    @property
    def reader(self) -> Reader:
        return Reader(kind="app", organization_id=None, client_id=self.client_id, name=self.client_name)


def sections_of(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in scopes if name not in ALWAYS)


def is_by_consent(kind: str, scopes: Iterable[str]) -> bool:
    return kind in _BY_CONSENT and bool(sections_of(scopes))


def section_of(scope: str) -> str:
    """`labs` of `record:labs:read`."""
    return scope.removeprefix(_PREFIX).removesuffix(_SUFFIX)


def asked(server: Server, oauth: OAuthRequest, signed_in: SignedIn | None) -> Asked:
    """OAuth2Error, on its way to the client where that is safe, if the request is not one to show."""
    grant = server.get_consent_grant(oauth)
    if split(oauth.payload.data.get("prompt")) == ["none"]:
        error = "consent_required" if signed_in else "login_required"
        raise OAuth2Error(error=error, redirect_uri=grant.redirect_uri)
    level = level_of(signed_in.acr, demo=server.settings.demo_sign_in) if signed_in else 0
    return replace(
        asked_by(server, oauth.client, tuple(split(oauth.scope)), signed_in),
        purpose=oauth.payload.data.get("purpose", DEFAULT_PURPOSE),
        ui_locales=oauth.payload.data.get("ui_locales", ""),
        redirect_uri=grant.redirect_uri,
        needs_sign_in=needs_sign_in(server.settings, oauth, signed_in, server.now),
        level=wanted_level(oauth),
        max_age=wanted_age(oauth),
        is_strong=level >= STRONG,
    )


def asked_by(turn: Turn, client: OAuthClient, scopes: tuple[str, ...], signed_in: SignedIn | None) -> Asked:
    """What is the same whichever way the client asks."""
    opens = signed_in is not None and is_by_consent(client.kind, scopes)
    return Asked(
        client_id=client.client_id,
        client_name=client.name,
        kind=client.kind,
        is_unreviewed=client.kind == "sandbox" or client.status == "pending",
        organization_id=client.organization_id,
        organization=_organization(turn.db, client.organization_id),
        scopes=scopes,
        obstacle=book.obstacle(turn, signed_in.citizen_id) if signed_in and opens else None,
    )


def _organization(db: Session, organization_id: UUID | None) -> dict[str, str | None]:
    """Its names by language; None where the book knows the code only."""
    if organization_id is None:
        return {}
    names = select(Organization.name, Organization.name_en).where(Organization.id == organization_id)
    row = db.execute(names).first()
    return {"vi": row.name, "en": row.name_en or row.name} if row else {}

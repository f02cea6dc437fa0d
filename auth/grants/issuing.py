"""What every issued token must fit, whichever grant it comes from: its client, its key, its clinician's post, its end.

Raised errors leave codes and refresh tokens as the grants left them; the transaction is committed after them.
"""

from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidGrantError
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from auth.requests import OAuthRequest
from auth.settings import AuthSettings
from auth.smart import FHIR
from auth.tables import OAuthClient, TokenGrant
from domain.practitioners import PractitionerRole


class InvalidProofError(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """RFC 9449 5: there is no proof, or it does not hold."""

    error = "invalid_dpop_proof"


def bind(client: OAuthClient, grant: TokenGrant, request: OAuthRequest) -> str | None:
    """The key of the next access token, None for a bearer token.

    A public client's grant is bound to the first key that is proved, refresh tokens with it (RFC 9449 5); a
    confidential client proves itself anyway, so it may prove another key each time.
    """
    if grant.jkt is not None and grant.jkt != request.jkt:
        raise InvalidGrantError("The grant is bound to another key.")
    if client.requires_dpop and request.jkt is None:
        raise InvalidProofError("A DPoP proof is needed.")
    if client.auth_method == "none":
        grant.jkt = request.jkt
    return request.jkt


def bound(client: OAuthClient, grant: TokenGrant) -> None:
    """A grant ends with its client's registration at the latest."""
    if client.expires_at is not None:
        grant.expires_at = min(grant.expires_at, client.expires_at)


def check_post(db: Session, client: OAuthClient, grant: TokenGrant) -> None:
    """At a facility's clinician application only who works there gets tokens, for as long as he does."""
    if client.kind != "clinician" or grant.citizen_id is None:
        return
    role = select(PractitionerRole.id).where(
        PractitionerRole.citizen_id == grant.citizen_id,
        PractitionerRole.organization_id == client.organization_id,
        PractitionerRole.revoked_at.is_(None),
        PractitionerRole.valid_from <= func.clock_timestamp(),
        or_(PractitionerRole.valid_until.is_(None), PractitionerRole.valid_until > func.clock_timestamp()),
    )
    if db.scalar(role.limit(1)) is None:
        raise InvalidGrantError("The sign-in does not hold at this facility.")


def fhir_user(settings: AuthSettings, client: OAuthClient, grant: TokenGrant, own: UUID | None) -> str:
    """Who signed in, as a FHIR reference: `own` is the record that is his own (SMART App Launch 2.1.5)."""
    if client.kind == "clinician":
        who = f"Practitioner/{grant.citizen_id}"
    else:
        who = f"Patient/{own}" if own else f"Person/{grant.citizen_id}"
    return f"{settings.issuer}{FHIR}/{who}"


def answered(token: dict[str, Any], patient: UUID | None) -> dict[str, Any]:
    """The token answer, with the patient it is about where there is one."""
    return {**token, "patient": str(patient)} if patient else token

"""Token exchange (RFC 8693): a token for acting in somebody's name, made of one that was got by signing in.

Two shapes, told apart by `requested_subject`:
- the citizen's app exchanges his token for one about a person he acts for: `sub` is that patient, `act.sub` he;
- a facility's system exchanges the token of its own clinician, from the clinicians' app of the same facility, to work
  for him: `sub` stays the clinician, `act.sub` is the system.

The new token stands on a grant of its own that names its parent and dies with it. It never has more scopes or a longer
life, carries no refresh token, and cannot be exchanged again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidRequestError,
    InvalidScopeError,
    TokenEndpointMixin,
    UnauthorizedClientError,
)
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from auth.clients.profiles import EXCHANGE
from auth.grants import issuing
from auth.scopes import split
from auth.tables import OAuthClient, TokenGrant
from auth.tokens.endpoints import Known, find
from auth.tokens.signed import ACCESS_TOKEN_LIFE
from domain.patients import PatientRedirect
from domain.related_persons import RelatedPerson

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type, RFC 8693 3
_UNFIT = "The subject_token cannot be exchanged."
_NOT_YOURS = "The requested_subject is nobody you act for."


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """RFC 8693 2.2.2: tokens are for the API of this server and no other."""

    error = "invalid_target"


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib is untyped
    GRANT_TYPE = EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS: Sequence[str] = ("none", "client_secret_basic", "private_key_jwt")

    def validate_token_request(self) -> None:
        client: OAuthClient = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(EXCHANGE):
            raise UnauthorizedClientError
        form = self.request.payload.data
        _check_form(form, self.server.settings.audience)
        known = self._subject(form["subject_token"])
        self.request.grant_row = self._begin(client, known, form)

    def _subject(self, token: str) -> Known:
        """The living token of a sign-in, its grant locked: whoever revokes it now waits and finds our grant."""
        known = find(self.server, token) if "." in token else None
        if known is None or known.is_expired():
            raise InvalidRequestError(_UNFIT)
        self.server.db.refresh(known.grant, with_for_update=True)
        grant = known.grant
        is_signed_in = grant.citizen_id is not None and grant.parent_id is None
        if not is_signed_in or not grant.is_alive(self.server.now) or grant.jkt not in {None, self.request.jkt}:
            raise InvalidRequestError(_UNFIT)
        return known

    def _begin(self, client: OAuthClient, known: Known, form: dict[str, str]) -> TokenGrant:
        now: datetime = self.server.now
        parent = known.grant
        patient_id = self._actor(client, parent, form.get("requested_subject"))
        grant = TokenGrant(
            client_id=client.client_id,
            citizen_id=parent.citizen_id,
            patient_id=patient_id,
            parent_id=parent.id,
            scope=_narrowed(client, known, form.get("scope")),
            jkt=self.request.jkt,
            acr=parent.acr,
            auth_time=parent.auth_time,
            created_at=now,
            expires_at=min(parent.expires_at, now + ACCESS_TOKEN_LIFE),
        )
        self.server.db.add(grant)
        self.server.db.flush()
        return grant

    def _actor(self, client: OAuthClient, parent: TokenGrant, requested: str | None) -> UUID | None:
        """The patient whom the citizen's own app may now act for, or None where a clinician's system acts."""
        if client.kind == "first_party" and parent.client_id == client.client_id:
            patient_id = acts_for(self.server.db, parent.citizen_id, _uuid(requested), self.server.now)
            if patient_id is None:
                raise InvalidRequestError(_NOT_YOURS)
            return patient_id
        signed_in_at = self.server.query_client(parent.client_id)
        if requested is None and _is_clinicians_system(signed_in_at, client):
            issuing.check_post(self.server.db, signed_in_at, parent)
            return None
        raise InvalidRequestError(_UNFIT)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        grant: TokenGrant = self.request.grant_row
        token: dict[str, Any] = self.generate_token(scope=grant.scope, include_refresh_token=False)
        left = int((grant.expires_at - self.server.now).total_seconds())
        told = {**token, "expires_in": min(token["expires_in"], left), "issued_token_type": ACCESS_TOKEN}
        return 200, told, self.TOKEN_RESPONSE_HEADER


def _check_form(form: dict[str, str], audience: str) -> None:
    """RFC 8693 2.1. Whoever acts is told by the client's authentication, so there is no actor_token."""
    if "subject_token" not in form or form.get("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequestError("A subject_token of the type access_token is needed.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise InvalidRequestError("The only requested_token_type is access_token.")
    if "actor_token" in form or "actor_token_type" in form:
        raise InvalidRequestError("An actor_token is not supported.")
    if any(form.get(name, audience) != audience for name in ("audience", "resource")):
        raise InvalidTargetError


def _narrowed(client: OAuthClient, known: Known, asked: str | None) -> str:
    """Record scopes that were asked for, that the token and its grant have, and that the client may have."""
    allowed = set(split(known.scope)) & set(split(known.grant.scope)) & set(split(client.scope))
    wanted = split(asked) or split(known.scope)
    scope = [name for name in wanted if name in allowed and name.startswith("record:") and name.endswith(":read")]
    if not scope:
        raise InvalidScopeError
    return " ".join(scope)


def _is_clinicians_system(signed_in_at: OAuthClient | None, client: OAuthClient) -> bool:
    """The token was got at a clinicians' app of this very facility, and the client proved who it is."""
    return (
        signed_in_at is not None
        and signed_in_at.kind == "clinician"
        and client.kind in {"facility", "clinician"}
        and client.organization_id is not None
        and client.organization_id == signed_in_at.organization_id
    )


def acts_for(db: Session, citizen_id: UUID | None, patient_id: UUID | None, now: datetime) -> UUID | None:
    """The kept id of the patient, if the citizen has a living right to act for him; by either id of a merge."""
    kept, asked = aliased(PatientRedirect), aliased(PatientRedirect)
    current = func.coalesce(kept.patient_id, RelatedPerson.patient_id)
    wanted = func.coalesce(select(asked.patient_id).where(asked.old_id == patient_id).scalar_subquery(), patient_id)
    return db.scalar(
        select(current)
        .select_from(RelatedPerson)
        .outerjoin(kept, kept.old_id == RelatedPerson.patient_id)
        .where(
            RelatedPerson.citizen_id == citizen_id,
            current == wanted,
            RelatedPerson.revoked_at.is_(None),
            RelatedPerson.valid_from <= now,
            or_(RelatedPerson.valid_until.is_(None), RelatedPerson.valid_until > now),
        )
        .limit(1)
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None

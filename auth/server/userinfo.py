"""Who signed in, for the app he signed in to (OpenID Connect Core 5.3): a resource that takes an access token.

The signature alone does not open it: the token's grant and client must live at the moment of the request.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from auth.clients.authentication import living_client
from auth.grants.issuing import fhir_user
from auth.provider import Provider
from auth.smart import FHIR_USER
from auth.tables import TokenGrant
from auth.tokens.bearer import BEARER, PROOF, Caller, InvalidToken, Verifier
from auth.tokens.resource import offered, refusal
from domain.values import utc_now

USERINFO = "/oauth/userinfo"
_PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Userinfo:
    provider: Provider
    verifier: Verifier

    async def tell(self, request: Request) -> Response:
        """GET and POST /oauth/userinfo, the token in the Authorization header."""
        try:
            caller = await self.verifier.caller(offered(request, self.verifier.issuer))
            claims = await self._claims(caller, _citizen_of(caller))
        except InvalidToken as refused:
            return refusal(refused)
        return JSONResponse(claims, headers=_PRIVATE)

    async def _claims(self, caller: Caller, citizen_id: UUID) -> dict[str, str]:
        """`sub`, and what each scope adds; a claim that the book cannot give is left out."""
        async with self.provider.sessions() as session:
            reference = await session.run_sync(self._fhir_user, caller)
        claims = {"sub": str(citizen_id)}
        name = await self.provider.citizens.name_of(citizen_id) if "profile" in caller.scopes else None
        if name:
            claims["name"] = name
        if FHIR_USER in caller.scopes:
            claims[FHIR_USER] = reference
        return claims

    def _fhir_user(self, db: Session, caller: Caller) -> str:
        """InvalidToken if the grant has ended, or its client may have nothing any more."""
        now = utc_now()
        grant = db.get(TokenGrant, caller.grant_id)
        client = living_client(db, caller.client_id, now)
        if grant is None or client is None or grant.citizen_id is None or not grant.is_alive(now):
            raise InvalidToken("invalid_token", "The grant has ended.", scheme=_scheme(caller))
        own = self.provider.citizens.patient_of(db, grant.citizen_id)
        return fhir_user(self.provider.settings, client, grant, own)


def _citizen_of(caller: Caller) -> UUID:
    """The one who signed in with openid; InvalidToken for a token of any other sort (OpenID Connect Core 5.3)."""
    if caller.subject is None or caller.patient is not None or "openid" not in caller.scopes:
        raise InvalidToken("insufficient_scope", "This needs the scope openid.", 403, scheme=_scheme(caller))
    return caller.subject


def _scheme(caller: Caller) -> str:
    return PROOF if caller.jkt else BEARER

"""Signing in with the national account: `/login/national` there, `/login/national/callback` back.

OpenID Connect code flow with PKCE; state, nonce and verifier are kept in `state`, found again by the answer's `state`
in the browser that began, and gone after one use. The answer must name the issuer (RFC 9207), which Authlib leaves out.
An account is known by issuer and subject, never by a number, phone or e-mail.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth import web_sessions
from auth.flow_tables import Identity
from auth.opaque import digest, new_secret
from auth.pages import language, render
from auth.provider import PersonClaim, Provider
from auth.requests import Malformed, query_pairs
from auth.sign_in import state
from auth.sign_in.asking import Asking, address, single
from auth.sign_in.demo import not_configured
from auth.sign_in.entry import Proof, enter, see_other, trouble
from auth.sign_in.id_tokens import Expected, TokenRefused, UnknownKey, Verified, verify
from auth.sign_in.levels import STRONG_ACR
from auth.sign_in.openid_provider import CodeRefused, OpenIDProvider, ProviderDown, Tokens
from domain.values import new_id, utc_now

START, CALLBACK = "/login/national", "/login/national/callback"
log = structlog.get_logger("healthbook.sign_in")


@dataclass(frozen=True, slots=True)
class National:
    provider: Provider
    openid: OpenIDProvider | None

    async def start(self, request: Request) -> Response:
        """GET /login/national: a link, not a form, so that no CSP of ours must know the provider's addresses."""
        lang = language(request)
        if self.openid is None:
            return not_configured(request, lang)
        try:
            asking = Asking.of(query_pairs(request))
        except Malformed:
            return trouble(request, lang)
        fresh = {"nonce": new_secret(), "verifier": secrets.token_urlsafe(48), "began_at": utc_now().isoformat()}
        return await self._away(request, self.openid, asking, {**asking.fields, **fresh, "lang": lang})

    async def _away(self, request: Request, openid: OpenIDProvider, asking: Asking, kept: dict[str, str]) -> Response:
        told = new_secret()
        try:
            there = await openid.authorization_address(
                state=told,
                nonce=kept["nonce"],
                verifier=kept["verifier"],
                max_age=int(_max_age(asking).total_seconds()),
                lang=kept["lang"],
            )
        except ProviderDown as error:
            return self._down(request, kept["lang"], asking, error)
        settings = self.provider.settings
        cookie = state.own_cookie(request, settings)
        async with self.provider.sessions() as session:
            await state.keep(session, cookie, _kind(told), kept, utc_now())
            await session.commit()
        response = see_other(there)
        state.set_cookie(response, settings, cookie)
        return response

    async def callback(self, request: Request) -> Response:
        """GET /login/national/callback: RFC 6749 4.1.2, or its error."""
        lang = language(request)
        if self.openid is None:
            return not_configured(request, lang)
        try:
            answer = single(query_pairs(request), "code", "state", "iss", "error")
        except Malformed:
            return trouble(request, lang)
        kept = await self._kept(request, answer.get("state", ""))
        if kept is None:
            return trouble(request, lang, text="bad_form", status=403)
        asking = Asking.of([(name, kept[name]) for name in ("next", "acr", "max_age") if name in kept])
        try:
            return await self._finish(request, self.openid, asking, kept, answer)
        except ProviderDown as error:
            return self._down(request, kept["lang"], asking, error)
        except CodeRefused:
            return self._refused(request, kept["lang"], asking, "code")
        except TokenRefused as error:
            return self._refused(request, kept["lang"], asking, error.reason)

    async def _kept(self, request: Request, told: str) -> Mapping[str, Any] | None:
        async with self.provider.sessions() as session:
            cookie = state.cookie_of(request, self.provider.settings)
            kept = await state.take(session, cookie, _kind(told), utc_now())
            await session.commit()
        return kept

    async def _finish(
        self, request: Request, openid: OpenIDProvider, asking: Asking, kept: Mapping[str, Any], answer: dict[str, str]
    ) -> Response:
        named = answer.get("iss", "" if (await openid.metadata()).names_itself else openid.settings.issuer)
        if named != openid.settings.issuer:
            raise TokenRefused("response_iss")
        if answer.get("error") or not answer.get("code"):
            return _page(request, kept["lang"], asking, "national_cancelled", 200)
        tokens = await openid.redeem(answer["code"], kept["verifier"])
        verified = await _verified(openid, tokens, kept["nonce"], _max_age(asking))
        claim = await _claim(openid, tokens, verified)
        citizen_id = await self._citizen(verified.subject)
        if claim is not None:
            await self.provider.citizens.link(citizen_id, claim)
        async with self.provider.sessions() as session:
            proof = Proof(citizen_id, STRONG_ACR, _auth_time(verified, asking, kept))
            response = await enter(self.provider, session, request, proof, asking.next)
            await session.commit()
        return response

    async def _citizen(self, subject: str) -> UUID:
        """Whose account this is; a new citizen at the first sign-in. Of two first ones at once, one makes him."""
        issuer = self.provider.settings.national.issuer if self.provider.settings.national else ""
        row = {"issuer": issuer, "subject": subject, "citizen_id": new_id(), "created_at": utc_now()}
        async with self.provider.sessions() as session:
            first = insert(Identity).values(row).on_conflict_do_nothing().returning(Identity.citizen_id)
            made = (await session.execute(first)).scalar_one_or_none()
            if made is not None:
                await self.provider.citizens.add(session, made)
                await session.commit()
                return made
            known = select(Identity.citizen_id).where(Identity.issuer == issuer, Identity.subject == subject)
            return (await session.execute(known)).scalar_one()

    def _down(self, request: Request, lang: str, asking: Asking, error: ProviderDown) -> HTMLResponse:
        log.warning("national_sign_in_down", reason=str(error))
        return _page(request, lang, asking, "national_down", 503)

    def _refused(self, request: Request, lang: str, asking: Asking, reason: str) -> HTMLResponse:
        log.warning("national_sign_in_refused", reason=reason)
        return _page(request, lang, asking, "national_weak" if reason == "acr" else "national_refused", 403)


async def _verified(openid: OpenIDProvider, tokens: Tokens, nonce: str, max_age: timedelta) -> Verified:
    expected = Expected(
        settings=openid.settings,
        algorithms=(await openid.metadata()).algorithms,
        nonce=nonce,
        max_age=max_age,
        access_token=tokens.access_token,
        now=utc_now(),
    )
    try:
        return verify(tokens.id_token, await openid.keys(), expected)
    except UnknownKey:
        pass
    try:
        return verify(tokens.id_token, await openid.keys(unknown_kid=True), expected)
    except UnknownKey:
        raise TokenRefused("kid") from None


async def _claim(openid: OpenIDProvider, tokens: Tokens, verified: Verified) -> PersonClaim | None:
    """Who the provider says this is, where it is authoritative for the CCCD; None if anything of it is missing."""
    wanted = openid.settings.cccd_claim
    if wanted is None:
        return None
    claims = verified.claims
    if not {wanted, "name", "birthdate"} <= claims.keys():
        more = await openid.userinfo(tokens.access_token)
        if more and more.get("sub") != verified.subject:  # OpenID Connect Core 5.3.2
            raise TokenRefused("userinfo_sub")
        claims = {**more, **claims}
    cccd, name, birth_date = (claims.get(key) for key in (wanted, "name", "birthdate"))
    if not (isinstance(cccd, str) and isinstance(name, str) and isinstance(birth_date, str)):
        return None
    sex = claims.get("gender")
    return PersonClaim(cccd, name, birth_date, sex if isinstance(sex, str) else None)


def _auth_time(verified: Verified, asking: Asking, kept: Mapping[str, Any]) -> datetime:
    """A sign-in that had to be made anew was made after it began here, whatever the provider's clock says."""
    began_at = datetime.fromisoformat(kept["began_at"])
    return max(verified.auth_time, began_at) if asking.max_age == 0 else verified.auth_time


def _kind(told: str) -> str:
    return f"national {digest(told).hex()}"


def _max_age(asking: Asking) -> timedelta:
    """As asked, and never older than a session of ours may be."""
    return web_sessions.LIFE if asking.max_age is None else min(timedelta(seconds=asking.max_age), web_sessions.LIFE)


def _page(request: Request, lang: str, asking: Asking, text: str, status: int) -> HTMLResponse:
    """In one language only: the address of a callback works once."""
    again = address(asking.next, level=asking.level, max_age=asking.max_age, lang=lang)
    return render(request, "sign_in_message.html", lang=lang, status=status, text=text, again=again, by_language={})

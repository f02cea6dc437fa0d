"""The applications that may ask, registered and watched over by an operator."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.clients import registration
from auth.clients.dynamic_registration import CLIENT_LIFE, TOKEN_LIFE, issue_registration_token
from auth.tables import OAuthClient
from cli.operating.work import in_auth, refusal, table
from domain.errors import Conflict, Invalid, NotFound
from domain.organizations import Organization
from domain.values import utc_now

LARGEST_JWKS = 65_536


def show_all(kind: str | None, status: str | None) -> None:
    wanted = {"kind": kind, "status": status}

    async def work(session: AsyncSession) -> list[OAuthClient]:
        given = {name: value for name, value in wanted.items() if value is not None}
        query = select(OAuthClient).filter_by(**given).order_by(OAuthClient.created_at, OAuthClient.client_id)
        return list(await session.scalars(query))

    rows = [(found.client_id, found.kind, found.status, found.name) for found in in_auth(work)]
    table(("CLIENT", "KIND", "STATUS", "NAME"), rows)


def register(told: dict[str, Any], *, organization: str | None, jwks: Path | None) -> None:
    """`told` are arguments of `auth.clients.registration.register`."""
    told["jwks"] = _jwks(jwks) if jwks else None
    told["status"] = "pending" if told["kind"] == "third_party" else "active"
    told["expires_at"] = utc_now() + CLIENT_LIFE if told["kind"] == "sandbox" else None

    async def work(session: AsyncSession) -> registration.Registered:
        if told["client_id"] is not None and await session.get(OAuthClient, told["client_id"]) is not None:
            raise Conflict("there is a client of this id already")
        found = await _organization(session, organization) if organization else None
        return await registration.register(session, organization_id=found, **told)

    registered = in_auth(work)
    typer.echo(f"client_id: {registered.client_id}")
    typer.echo(f"status: {told['status']}")
    if registered.secret:
        typer.echo(f"client_secret: {registered.secret}")


def show(client_id: str) -> None:
    async def work(session: AsyncSession) -> OAuthClient:
        return await registration.find(session, client_id)

    found = in_auth(work)
    told = {
        "client_id": found.client_id,
        "name": found.name,
        "kind": found.kind,
        "status": found.status,
        "auth_method": found.auth_method,
        "grant_types": " ".join(found.grant_types),
        "scope": found.scope,
        "redirect_uris": " ".join(found.redirect_uris),
        "post_logout_redirect_uris": " ".join(found.post_logout_redirect_uris),
        "organization_id": str(found.organization_id or ""),
        "requires_par": str(found.requires_par).lower(),
        "requires_dpop": str(found.requires_dpop).lower(),
        "created_at": found.created_at.isoformat(timespec="seconds"),
        "expires_at": found.expires_at.isoformat(timespec="seconds") if found.expires_at else "",
        "keys": " ".join(key.get("kid", "-") for key in found.jwks["keys"]) if found.jwks else "",
    }
    for name, value in told.items():
        if value:
            typer.echo(f"{name}: {value}")


def suspend(client_id: str) -> None:
    async def work(session: AsyncSession) -> None:
        await registration.suspend(session, client_id)

    in_auth(work)
    typer.echo(f"{client_id} is suspended.")


def activate(client_id: str) -> None:
    async def work(session: AsyncSession) -> None:
        await registration.activate(session, client_id)

    in_auth(work)
    typer.echo(f"{client_id} is active.")


def rotate_secret(client_id: str, jwks: Path | None) -> None:
    async def work(session: AsyncSession) -> str | None:
        if jwks is None:
            return await registration.rotate_secret(session, client_id)
        await registration.replace_jwks(session, client_id, _jwks(jwks))
        return None

    secret = in_auth(work)
    typer.echo(f"client_secret: {secret}" if secret else f"The keys of {client_id} are replaced.")


def registration_token(developer: str, uses: int) -> None:
    async def work(session: AsyncSession) -> str:
        return await issue_registration_token(session, developer, utc_now(), uses=uses)

    typer.echo(f"registration_token: {in_auth(work)}")
    typer.echo(f"For {uses} registrations within {TOKEN_LIFE.days} days.")


async def _organization(session: AsyncSession, code: str) -> UUID:
    found = await session.scalar(select(Organization.id).where(Organization.code == code))
    if found is None:
        raise NotFound("no such organization")
    return found


def _jwks(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_JWKS + 1))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise refusal(Invalid("jwks", f"{path.name} is not a JSON Web Key Set"))
    return found

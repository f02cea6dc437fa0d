"""The keys that sign tokens, consent receipts and check-in passes: shown, rotated, dropped in an emergency."""

from collections.abc import Sequence

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from auth.signing import keys
from auth.tables import SigningKey
from cli.operating.work import in_auth, kek, refusal, table
from domain.errors import Invalid
from domain.values import utc_now


def show_all() -> None:
    async def work(session: AsyncSession) -> Sequence[SigningKey]:
        return await keys.listed(session)

    rows = [(key.kid, key.use, key.state, key.created_at.isoformat(timespec="seconds")) for key in in_auth(work)]
    table(("KID", "USE", "STATE", "CREATED"), rows)


def rotate(use: str) -> None:
    if use not in keys.USES:
        raise refusal(Invalid("use", f"one of {', '.join(keys.USES)}"))
    opening = kek()

    async def work(session: AsyncSession) -> None:
        await keys.rotate(session, opening, utc_now(), use=use)

    in_auth(work)
    typer.echo(f"The {use} keys are rotated.")


def drop(kid: str) -> None:
    opening = kek()

    async def work(session: AsyncSession) -> None:
        await keys.drop(session, opening, kid, utc_now())

    in_auth(work)
    typer.echo(f"{kid} signs nothing more.")

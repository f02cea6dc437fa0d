"""The access log in the hands of an operator: as the owner, who alone may seal it and sees all of it."""

from datetime import date
from uuid import UUID

import orjson
import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.representation.notices import tell
from cli.operating.guardians import uuid
from cli.operating.owner import as_owner
from cli.operating.work import on_database, table
from cli.sealing import seal_all, sign_all
from cli.sessions import consent_session, owner_session
from cli.settings import Addresses, environment
from cli.signing import Signing, root_checker
from domain.audit import DayRoot
from domain.audit import disputes as disputed
from domain.audit.verifying import Broken, Proof
from domain.audit.verifying import verify as proved
from domain.consents.events import first_broken
from domain.consents.tables import ConsentEvent, Dispute
from domain.errors import Invalid, NotFound
from domain.values import utc_now

HEADINGS = ("DISPUTE", "RAISED", "ENTRY AT", "FACILITY", "APP", "BASIS", "PURPOSE", "OUTCOME", "IN WORDS")


def seal() -> None:
    environ = environment()

    async def work(addresses: Addresses) -> None:
        seals, entries = await seal_all(addresses)
        typer.echo(f"sealed: {entries} entries in {seals} seals")
        signing = Signing.of(addresses, environ)
        if signing is None:
            typer.echo("not signed: HEALTHBOOK_ISSUER and HEALTHBOOK_KEK are needed", err=True)
        else:
            typer.echo(f"signed: {await sign_all(signing)} days")

    on_database(work)


def verify(since: date | None) -> int:
    """0 where the log is what was sealed and every history of consents what was appended, 1 where it is not."""

    async def work(addresses: Addresses) -> tuple[Proof | Broken, tuple[int, ConsentEvent | None]]:
        check = await root_checker(addresses)
        async with owner_session(addresses) as session:
            consents = await session.run_sync(first_broken)
            try:
                return await session.run_sync(proved, check, since=since), consents
            except Broken as broken:
                return broken, consents

    found, (events, broken) = on_database(work)
    is_sound = _told_of_log(found)
    if broken is not None:
        typer.echo(f"broken: the history of consents at event {broken.id}")
        return 1
    typer.echo(f"proved: {events} events of consents")
    return 0 if is_sound else 1


def _told_of_log(found: Proof | Broken) -> bool:
    if isinstance(found, Broken):
        typer.echo(f"broken: {found}")
        return False
    until = found.until.isoformat(timespec="seconds") if found.until else "never"
    typer.echo(f"proved: {found.entries} entries in {found.seals} seals until {until}, {found.days} signed days")
    if found.unsigned:
        typer.echo(f"days that are over and not signed: {found.unsigned}")
    return True


def show_roots(after: str) -> None:
    def work(db: Session) -> None:
        for root in db.scalars(select(DayRoot).where(DayRoot.day > after).order_by(DayRoot.day)):
            told = {"day": root.day, "seal": root.seal_number, "hash": root.hash.hex(), "signed": root.signed}
            typer.echo(orjson.dumps(told).decode())

    as_owner(work)


def show_disputes(status: str, first: int) -> None:
    if status not in disputed.STATUSES:
        raise typer.BadParameter("open, explained or upheld", param_hint="--status")
    found = as_owner(lambda db: disputed.listed(db, status, first))
    rows = [
        (
            str(one.id),
            one.raised_at.isoformat(timespec="minutes"),
            one.entry_at.isoformat(timespec="seconds"),
            one.organization_code or "-",
            one.client_id or "-",
            one.basis or "-",
            one.purpose or "-",
            one.outcome or "-",
            one.reason,
        )
        for one in found
    ]
    table(HEADINGS, rows)


def answer(dispute: str, outcome: str) -> None:
    async def work(addresses: Addresses) -> None:
        if outcome not in disputed.ANSWERS:
            raise Invalid("outcome", "explained or upheld")
        id_ = uuid("dispute", dispute)
        async with owner_session(addresses) as session:
            patient_id = await session.run_sync(disputed.patient_of, id_)
        if patient_id is None:
            raise NotFound("no such open dispute")
        async with consent_session(addresses) as session:
            await session.run_sync(_answered, patient_id, id_, outcome)
            await session.commit()

    on_database(work)
    typer.echo(f"answered: {outcome}")


def _answered(db: Session, patient_id: UUID, dispute_id: UUID, outcome: str) -> None:
    now = utc_now()
    done: Dispute = disputed.answer(db, patient_id, dispute_id, outcome, now)
    tell(db, [done.raised_by], "record_read", patient_id=patient_id, subject_id=done.id, now=now)

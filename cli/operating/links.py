"""Links between sources and patients, decided by a person: one transaction each, as the intake login."""

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from cli.operating.guardians import uuid
from cli.operating.work import in_registry, table
from domain.errors import Invalid, NotFound
from domain.intake import links
from domain.intake.links import Explanation
from domain.values import PatientId, utc_now

LONGEST = 200


def explain(source: str) -> None:
    async def work(connection: AsyncConnection) -> list[Explanation]:
        found = await links.explain(connection, uuid("source", source))
        if not found:
            raise NotFound("There is no such source.")
        return found

    rows = [
        (
            str(one.patient_id),
            one.rule,
            ", ".join(one.reasons),
            one.decided_by,
            f"{one.decided_at:%Y-%m-%dT%H:%MZ}",
            "holds" if one.undone_at is None else f"{one.undone_at:%Y-%m-%dT%H:%MZ} by {one.undone_by}",
        )
        for one in in_registry(work)
    ]
    table(("PATIENT", "RULE", "REASONS", "BY", "SINCE", "UNTIL"), rows)


def relink(source: str, patient: str | None, *, by: str, reason: str) -> None:
    async def work(connection: AsyncConnection) -> PatientId:
        new = None if patient is None else uuid("patient", patient)
        who, why = _said("by", by), _said("reason", reason)
        return await links.relink(connection, uuid("source", source), new, by=who, reason=why, now=utc_now())

    typer.echo(f"patient: {in_registry(work)}")


def unmerge(patient: str, lesser: str, *, by: str, reason: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        kept, gone = uuid("patient", patient), uuid("lesser", lesser)
        who, why = _said("by", by), _said("reason", reason)
        await links.unmerge(connection, kept, gone, by=who, reason=why, now=utc_now())

    in_registry(work)
    typer.echo("unmerged")


def _said(field: str, text: str) -> str:
    """Words that stay in the link for ever."""
    said = text.strip()
    if not said or len(said) > LONGEST or not said.isprintable():
        raise Invalid(field, f"1 to {LONGEST} characters on one line")
    return said

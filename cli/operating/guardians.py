"""Rights that the law gives, in the database: as its owner, because no running service may make them."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from api.representation.notices import tell_both_sides
from cli.operating.owner import as_owner
from cli.operating.work import table
from domain.errors import Invalid
from domain.related_persons import RelatedPerson
from domain.representation import guardians, rights
from domain.representation.guardians import Guardianship
from domain.representation.people import persons_of
from domain.values import VIETNAM, PartialDate, partial_date, utc_now


def add(
    citizen: str,
    patient: str,
    kind: str,
    *,
    evidence: str,
    born: str | None,
    until: str | None,
    for_deceased: bool,
) -> None:
    def work(db: Session) -> RelatedPerson:
        now = utc_now()
        told = Guardianship(kind, evidence, _born(born), _end_of(until), for_deceased)
        right = guardians.record(
            db, citizen_id=uuid("citizen", citizen), patient_id=uuid("patient", patient), told=told, now=now
        )
        tell_both_sides(db, [right], now)
        return right

    right = as_owner(work)
    typer.echo(f"right: {right.id}")
    typer.echo(f"until: {_day(right.valid_until)}")


def end(right: str, evidence: str) -> None:
    def work(db: Session) -> int:
        now = utc_now()
        ended = guardians.revoke(db, right_id=uuid("right", right), evidence=evidence, now=now)
        tell_both_sides(db, ended, now)
        return len(ended)

    typer.echo(f"ended: {as_owner(work)}")


def show_all(patient: str) -> None:
    def work(db: Session) -> list[RelatedPerson]:
        return rights.for_patient(db, persons_of(db, uuid("patient", patient)), utc_now(), ended=False)

    rows = [(str(one.id), str(one.citizen_id), one.kind, _day(one.valid_until)) for one in as_owner(work)]
    table(("RIGHT", "CITIZEN", "KIND", "UNTIL"), rows)


def uuid(field: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(field, "not an id") from None


def _born(text: str | None) -> PartialDate | None:
    try:
        return None if text is None else partial_date(text)
    except ValueError as wrong:
        raise Invalid("born", str(wrong)) from None


def _end_of(day: str | None) -> datetime | None:
    """The first moment after a day in Vietnam."""
    try:
        last = None if day is None else datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise Invalid("until", "a day such as 2027-01-31") from None
    return None if last is None else datetime.combine(last + timedelta(days=1), time(), VIETNAM)


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(VIETNAM).isoformat(timespec="minutes")

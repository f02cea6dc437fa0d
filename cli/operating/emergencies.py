"""The review of emergencies, in the database: as its owner, who alone sees those of all patients."""

import typer
from sqlalchemy.orm import Session

from api.representation.notices import tell
from cli.operating.guardians import uuid
from cli.operating.owner import as_owner
from cli.operating.work import table
from domain import emergency_reviews
from domain.emergency_reviews import REVIEW_WITHIN, Told
from domain.representation.people import persons_of, those_who_decide
from domain.values import utc_now

HEADINGS = ("EMERGENCY", "OPENED", "", "FACILITY", "CLINICIAN", "REASON", "SENSITIVE", "IN WORDS")


def show_waiting(first: int) -> None:
    def work(db: Session) -> list[Told]:
        return emergency_reviews.waiting(db, first=first)

    table(HEADINGS, [_row(one) for one in as_owner(work)])


def review(emergency: str, outcome: str, *, by: str) -> None:
    def work(db: Session) -> None:
        now, id_ = utc_now(), uuid("emergency", emergency)
        done = emergency_reviews.review(db, emergency_id=id_, outcome=outcome, by=by, now=now)
        concerned = those_who_decide(db, persons_of(db, done.patient_id), now)
        tell(db, concerned, "emergency_access", patient_id=done.patient_id, subject_id=done.id, now=now)

    as_owner(work)
    typer.echo(f"reviewed: {outcome}")


def _row(told: Told) -> tuple[str, ...]:
    one = told.emergency
    words = " / ".join([one.reason, *(one.widened_reason or "").splitlines()])
    return (
        str(one.id),
        one.opened_at.isoformat(timespec="minutes"),
        "LATE" if utc_now() - one.opened_at > REVIEW_WITHIN else "",
        told.organization.code if told.organization else "-",
        told.practitioner.display_name if told.practitioner else str(one.practitioner_id),
        one.reason_code,
        "yes" if one.sensitive else "",
        words,
    )

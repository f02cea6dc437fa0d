"""Telling of appointments: a line in the inbox of each who decides for the patient, in the same transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from api.representation.notices import tell
from domain.appointments.outcomes import Happened
from domain.representation.people import persons_of, those_who_decide


def tell_all(db: Session, happened: list[Happened], now: datetime) -> None:
    for one in happened:
        concerned = those_who_decide(db, persons_of(db, one.patient_id), now)
        tell(db, concerned, one.kind, patient_id=one.patient_id, subject_id=one.booking_id, now=now)

"""QĐ 4750 visits as submissions: who each is about, and the rows of every section it fills."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import BinaryIO

from domain.exchange.issues import Issue, warning
from domain.exchange.qd4750 import Limits, Refusal, Subject, Unreadable, Visit, read
from domain.identity.evidence import Claim
from domain.identity.identifiers import Identifier, card, classify, contradictions, facility_patient_id
from domain.identity.newborns import is_newborn
from domain.identity.phones import normalise
from domain.intake.submissions import Rejected, Submission
from domain.sections import SECTIONS
from domain.values import VIETNAM, day_of

KEPT_BYTES = 64 * 1024 * 1024


def submissions(stream: BinaryIO, *, today: date, limits: Limits | None = None) -> Iterator[Submission | Rejected]:
    """Every visit of a file, as it is read. A file that breaks off ends with one rejected entry that keeps it whole."""
    position, end_of_today = 0, datetime.combine(today, time(23, 59), VIETNAM)
    try:
        for found in read(stream, limits=limits or Limits(), now=end_of_today):
            position = found.position
            yield _rejected(found) if isinstance(found, Refusal) else submission(found, today)
    except Unreadable as broken:
        yield Rejected(
            position=position + 1,
            format="qd4750",
            facility=None,
            key=None,
            content=_from_the_start(stream),
            issues=broken.issues,
        )


def _rejected(refusal: Refusal) -> Rejected:
    return Rejected(
        position=refusal.position,
        format="qd4750",
        facility=refusal.facility,
        key=refusal.episode,
        content=refusal.raw,
        issues=refusal.issues,
    )


def _from_the_start(stream: BinaryIO) -> bytes:
    """The file as received, up to KEPT_BYTES; nothing where it cannot be read twice."""
    if not stream.seekable():
        return b""
    stream.seek(0)
    return stream.read(KEPT_BYTES)


def submission(visit: Visit, today: date) -> Submission:
    claim, told = claim_of(visit, today)
    rows = [row for section in SECTIONS for row in section.from_qd4750(visit)]
    restrictions = sorted({document.restriction for document in visit.kept if document.restriction})
    return Submission(
        position=visit.position,
        format="qd4750",
        facility=visit.facility,
        key=visit.episode,
        content=visit.raw,
        claim=claim,
        rows=rows,
        issues=[*visit.issues, *told],
        restriction=",".join(restrictions),
        kept=[document.name for document in visit.kept],
    )


def claim_of(visit: Visit, today: date) -> tuple[Claim, list[Issue]]:
    """Who a visit says it is about, and what does not fit together in that."""
    subject = visit.subject
    identifiers, told = _identifiers(visit, subject)
    summary = visit.summary
    started = day_of(summary.arrived_at) if summary else None
    visited_on = date.fromisoformat(started) if started else today
    name, sex = subject.name or "", subject.gender
    mothers = [paper.mother_name for paper in (visit.discharge, visit.record_summary) if paper and paper.mother_name]
    claim = Claim(
        identifiers=tuple(identifiers),
        name=name,
        birth_date=subject.born,
        sex=sex,
        phone=normalise(summary.phone) if summary else None,
        mother_name=mothers[0] if mothers else None,
        is_newborn=is_newborn(name, identifiers, subject.born, sex, visited_on),
        facility=visit.facility,
    )
    return claim, told


def _identifiers(visit: Visit, subject: Subject) -> tuple[list[Identifier], list[Issue]]:
    table = "XML1" if visit.summary else "XML0"
    told: list[Issue] = []
    found: list[Identifier] = []
    number, codes = classify(subject.personal_number)
    told += [_doubt(table, "SO_CCCD", code) for code in codes]
    if number:
        found.append(number)
        if number.kind == "cccd":
            told += [
                _doubt(table, "SO_CCCD", code) for code in contradictions(number.value, subject.born, subject.gender)
            ]
    for one in subject.cards:
        cards, codes = card(one.number)
        found += cards
        told += [_doubt(table, "MA_THE_BHYT", code) for code in codes]
    own = facility_patient_id(visit.facility, subject.facility_patient_id)
    if own:
        found.append(own)
    return list(dict.fromkeys(found)), told


_DOUBTS = {
    "junk": "is no number of a person",
    "unrecognised": "has the form of no known number",
    "leading-zero-restored": "had lost its leading zero",
    "cmnd-in-cccd-field": "is an old nine-digit number",
    "padded-cmnd": "is an old nine-digit number filled with zeros",
    "card-in-id-field": "is an insurance card",
    "cccd-unknown-province": "begins with a province that is not known",
    "cccd-birth-year": "contradicts the birth year",
    "cccd-sex": "contradicts the sex",
}


def _doubt(table: str, field: str, code: str) -> Issue:
    return warning("value", table, 1, field, _DOUBTS.get(code, code.replace("-", " ")))


def envelope(kept: bytes, facility: str | None) -> bytes:
    """What was kept as a file to be read again: one HOSO in an envelope, a whole file as it is."""
    if not kept.lstrip().lower().startswith(b"<hoso"):
        return kept
    code = (facility or "").encode("ascii", "ignore")
    return (
        b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>" + code + b"</MACSKCB></THONGTINDONVI>"
        b"<THONGTINHOSO><DANHSACHHOSO>" + kept + b"</DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    )

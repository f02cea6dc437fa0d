"""Referrals: the paper that sends a person on to another facility, and what that facility should know.

FHIR R4 ServiceRequest with a category of referral; QĐ 4750 XML13 (phiếu chuyển cơ sở khám bệnh, chữa bệnh, TT 01/2025).
How long a referral is valid is data of the sender (`valid_until`), never computed: working days need a calendar of
holidays. Code systems: ICD-10, MA_BENH_YHCT (traditional medicine), MA_LYDO_CT (reason), MA_LOAI_RV (discharge type).
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import requests
from domain.exchange.actors import Actor, actor, actors, facility, practitioner
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Resource
from domain.exchange.fhir_systems import REFERRAL, REQUEST_CATEGORY
from domain.exchange.qd4750 import ReferralPaper, Visit
from domain.sections.section import Section
from domain.values import PartialDate, day_of

NUMBER = "urn:qd4750:GIAY_CHUYEN_TUYEN"
REASON = "urn:qd4750:MA_LYDO_CT"
EXTENSIONS = Extensions(
    "referral",
    {
        "file_number": "valueString",
        "book_number": "valueString",
        "from_facility_code": "valueString",
        "from_facility": "valueString",
        "route_facility_codes": "valueString",
        "diagnosis": "valueString",
        "signs": "valueString",
        "course": "valueString",
        "findings": "valueString",
        "treatment": "valueString",
        "drugs": "valueString",
        "condition": "valueString",
        "plan": "valueString",
        "discharge_type": "valueCode",
        "transport": "valueString",
        "escort_name": "valueString",
        "escort_title": "valueString",
        "head_code": "valueString",
        "arrived_at": "valueDateTime",
        "admitted_at": "valueDateTime",
        "ended_at": "valueDateTime",
    },
    frozenset({"route_facility_codes"}),
)


class Referral(Item, Base):
    __tablename__ = "referrals"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="active")
    priority: Mapped[str | None] = mapped_column(default=None)
    number: Mapped[str | None] = mapped_column(default=None)
    file_number: Mapped[str | None] = mapped_column(default=None)
    book_number: Mapped[str | None] = mapped_column(default=None)
    service_system: Mapped[str | None] = mapped_column(default=None)
    service_code: Mapped[str | None] = mapped_column(default=None)
    service: Mapped[str | None] = mapped_column(default=None)
    specialty: Mapped[str | None] = mapped_column(default=None)
    from_facility_code: Mapped[str | None] = mapped_column(default=None)
    from_facility: Mapped[str | None] = mapped_column(default=None)
    route_facility_codes: Mapped[list[str] | None] = mapped_column(default=None)
    to_facility_code: Mapped[str | None] = mapped_column(default=None)
    to_facility: Mapped[str | None] = mapped_column(default=None)
    doctor_code: Mapped[str | None] = mapped_column(default=None)
    doctor: Mapped[str | None] = mapped_column(default=None)
    head_code: Mapped[str | None] = mapped_column(default=None)
    reason_code: Mapped[str | None] = mapped_column(default=None)
    diagnosis: Mapped[str | None] = mapped_column(default=None)
    diagnoses: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    signs: Mapped[str | None] = mapped_column(default=None)
    course: Mapped[str | None] = mapped_column(default=None)
    findings: Mapped[str | None] = mapped_column(default=None)
    treatment: Mapped[str | None] = mapped_column(default=None)
    drugs: Mapped[str | None] = mapped_column(default=None)
    condition: Mapped[str | None] = mapped_column(default=None)
    plan: Mapped[str | None] = mapped_column(default=None)
    discharge_type: Mapped[str | None] = mapped_column(default=None)
    transport: Mapped[str | None] = mapped_column(default=None)
    escort_name: Mapped[str | None] = mapped_column(default=None)
    escort_title: Mapped[str | None] = mapped_column(default=None)
    arrived_at: Mapped[PartialDate | None] = mapped_column(default=None)
    admitted_at: Mapped[PartialDate | None] = mapped_column(default=None)
    ended_at: Mapped[PartialDate | None] = mapped_column(default=None)
    valid_from: Mapped[PartialDate | None] = mapped_column(default=None)
    valid_until: Mapped[PartialDate | None] = mapped_column(default=None)
    instruction: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The paper's number in its year; without a number, where to and on which day."""
        if self.number:
            return ("number", self.number.casefold(), (self.occurred or "")[:4])
        where = self.to_facility_code or (self.to_facility or self.specialty or self.service or "").casefold()
        return ("to", where, day_of(self.occurred) or self.occurred)

    def content(self) -> tuple[object, ...]:
        """Where to, and whether it was taken back: one sender says more of the illness than another."""
        return (self.to_facility_code, self.status in ("revoked", "entered-in-error"))


def from_fhir(resource: Resource) -> Iterable[Referral]:
    if requests.kind_of(resource) != "referral":
        return
    said = EXTENSIONS.read(resource)
    service = resource.concept("code")
    reasons = requests.reasons_of(resource)
    diagnoses = requests.diagnoses_of(reason for reason in reasons if reason.system != REASON)
    sender, receiver = actor(resource, "requester"), next(iter(actors(resource, "performer")), Actor())
    valid_from, valid_until = _validity(resource)
    place = sender if sender.is_place else Actor()
    yield Referral(
        id=resource.row_id,
        document="ServiceRequest",
        sensitivity=requests.label_of(resource, _telling(said)),
        occurred=resource.date("authoredOn") or valid_from,
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        priority=resource.string("priority"),
        number=_number(resource),
        service_system=service.system,
        service_code=service.code,
        service=service.display,
        specialty=resource.concept("performerType").display,
        to_facility_code=receiver.code,
        to_facility=receiver.name,
        doctor_code=None if sender.is_place else sender.code,
        doctor=None if sender.is_place else sender.name,
        reason_code=next((reason.code for reason in reasons if reason.system == REASON), None),
        diagnoses=diagnoses,
        valid_from=valid_from,
        valid_until=valid_until,
        instruction=resource.string("patientInstruction"),
        note=resource.notes(),
        **{"from_facility_code": place.code, "from_facility": place.name, **said},
    )


def _telling(said: dict[str, Any]) -> list[str | None]:
    """The free words of a paper, any of which may name what should not be read by everybody."""
    names = ("diagnosis", "signs", "course", "findings", "treatment", "drugs", "drug_name", "condition", "plan")
    return [said.get(name) for name in names]


def _number(resource: Resource) -> str | None:
    identifiers = resource.identifiers()
    ours = (value for system, value in identifiers if system == NUMBER)
    return next(ours, None) or next((value for _, value in identifiers), None)


def _validity(resource: Resource) -> tuple[PartialDate | None, PartialDate | None]:
    start, end = resource.period("occurrencePeriod")
    return start or resource.date("occurrenceDateTime"), end


def from_qd4750(visit: Visit) -> Iterable[Referral]:
    paper = visit.referral
    if paper is None:
        return
    diagnoses = requests.diagnoses_in(paper.main_icd10, paper.other_icd10, paper.traditional_codes)
    diagnoses = diagnoses or requests.visit_diagnoses(visit)
    yield Referral(
        document="XML13",
        sensitivity=requests.label_in(visit, diagnoses, _telling(asdict(paper))),
        occurred=_issued(visit, paper),
        encounter_id=visit.encounter_id,
        number=paper.number,
        file_number=paper.file_number,
        book_number=paper.book_number,
        service=paper.service_name,
        from_facility_code=paper.facility or visit.facility,
        route_facility_codes=list(paper.from_facilities) or None,
        to_facility_code=paper.to_facility,
        doctor_code=paper.doctor_code,
        head_code=paper.head_code,
        reason_code=paper.reason,
        diagnosis=paper.diagnosis,
        diagnoses=diagnoses,
        signs=paper.signs,
        course=paper.course,
        findings=paper.findings,
        treatment=paper.treatment,
        drugs=paper.drug_name,
        condition=paper.condition,
        plan=paper.plan,
        discharge_type=paper.discharge_type,
        transport=paper.transport,
        escort_name=paper.escort_name,
        escort_title=paper.escort_title,
        arrived_at=paper.arrived_at,
        admitted_at=paper.admitted_at,
        ended_at=paper.ended_at,
    )


def _issued(visit: Visit, paper: ReferralPaper) -> PartialDate | None:
    """XML13 has no date of its own: a referral ends the visit it belongs to."""
    row = visit.summary
    ended = paper.ended_at or (row.ended_at if row else None)
    return ended or paper.admitted_at or paper.arrived_at or (row.arrived_at if row else None)


def to_fhir(row: Referral) -> dict[str, Any]:
    doctor = practitioner(row.doctor, row.doctor_code)
    receiver = facility(row.to_facility, row.to_facility_code)
    reasons = [out.concept(REASON, row.reason_code, None), *requests.reason_codes(row.diagnoses)]
    return out.resource(
        "ServiceRequest",
        row,
        extension=EXTENSIONS.write(row),
        identifier=[{"system": NUMBER, "value": row.number}] if row.number else None,
        status=row.status,
        intent="order",
        category=out.category(REQUEST_CATEGORY, REFERRAL),
        priority=row.priority,
        code=out.concept(row.service_system, row.service_code, row.service),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        occurrencePeriod=out.period(row.valid_from, row.valid_until),
        authoredOn=row.occurred,
        requester=doctor or facility(row.from_facility, row.from_facility_code),
        performerType=out.concept(None, None, row.specialty),
        performer=out.listed([receiver]),
        reasonCode=out.listed(reasons),
        note=out.annotations(row.note),
        patientInstruction=row.instruction,
    )


SECTION = Section(
    name="referrals",
    vi="Chuyển cơ sở khám bệnh, chữa bệnh",
    en="Referrals",
    holds=("ServiceRequest",),
    smart=(f"patient/ServiceRequest.rs?category={REQUEST_CATEGORY}|{REFERRAL}",),
    model=Referral,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

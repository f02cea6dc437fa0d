"""Bundles of one person from one facility: a visit, a health record, vaccinations, a dispense.

Every resource refers to others in its bundle by `urn:uuid`. A visit's Encounter carries the MA_LK under which the
same facility sends the visit as QĐ 4750, so both can be known for one visit.
"""

import json
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from domain.exchange import fhir_systems as systems
from domain.synthetic import fhir_resources as fhir
from domain.synthetic.catalogue import ALLERGENS, DISEASES, FAMILY_HISTORY
from domain.synthetic.facilities import Facility
from domain.synthetic.fhir_resources import Resource
from domain.synthetic.people import ADULT, Person
from domain.synthetic.qd4750_papers import significant
from domain.synthetic.vaccination import Dose
from domain.synthetic.visits import Note, Visit

_SUBJECT_IS_PATIENT = frozenset({"AllergyIntolerance", "FamilyMemberHistory", "Immunization"})


class Bundle:
    """Collects resources about one patient; `as_bytes` is one line of JSON."""

    def __init__(self, rng: Random, person: Person, facility: Facility, at: datetime) -> None:
        self._rng, self._facility, self._at = rng, facility, at
        self._entries: list[dict[str, Any]] = []
        self.patient = self.add(fhir.patient(person, facility, at.date()))
        self.organization = self.add(fhir.organization(facility))

    def add(self, resource: Resource) -> Resource:
        """Put a resource in and give the Reference to it."""
        url = UUID(int=self._rng.getrandbits(128), version=4).urn
        entry: dict[str, Any] = {"fullUrl": url, "resource": resource}
        if self._facility.dialect.bundle == "transaction":
            entry["request"] = {"method": "POST", "url": resource["resourceType"]}
        self._entries.append(entry)
        return {"reference": url}

    def about(self, resource: Resource, **more: Resource | list[Resource]) -> Resource:
        """Add a resource about the patient, with further references."""
        kind = resource["resourceType"]
        whose = {"Coverage": "beneficiary"}.get(kind, "patient" if kind in _SUBJECT_IS_PATIENT else "subject")
        return self.add(resource | {whose: self.patient} | more)

    def as_bytes(self) -> bytes:
        kind = self._facility.dialect.bundle
        entries = [self._composition(), *self._entries] if kind == "document" else self._entries
        made: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": kind,
            "timestamp": fhir.moment(self._at),
            "entry": entries,
        }
        if kind == "document":
            made["identifier"] = {"system": "urn:ietf:rfc:3986", "value": entries[0]["fullUrl"]}
        return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()

    def _composition(self) -> dict[str, Any]:
        """The first entry of a document (FHIR R4 3.3.1)."""
        listed = [{"reference": entry["fullUrl"]} for entry in self._entries[2:]]
        composition = {
            "resourceType": "Composition",
            "status": "final",
            "type": fhir.concept("Tóm tắt bệnh án", fhir.coding(systems.LOINC, "34133-9")),
            "subject": self.patient,
            "date": fhir.moment(self._at),
            "author": [self.organization],
            "title": "Tóm tắt bệnh án",
            "section": [{"title": "Nội dung", "entry": listed}],
        }
        return {"fullUrl": UUID(int=self._rng.getrandbits(128), version=4).urn, "resource": composition}


def of_visit(rng: Random, visit: Visit) -> bytes:
    """The visit that the same facility also sends as QĐ 4750."""
    bundle = Bundle(rng, visit.person, visit.facility, visit.left)
    doctor = bundle.add(fhir.practitioner(visit.doctor))
    encounter = _encounter(bundle, visit)
    _services(bundle, visit, encounter)
    if visit.notes:
        _vitals(bundle, visit, visit.notes[0], encounter)
    for ordered in visit.drugs if not visit.in_ward else ():
        item = fhir.medication_request(ordered, visit.prescription, visit.disease)
        bundle.about(item, encounter=encounter, requester=doctor)
    _next_steps(bundle, visit, encounter, doctor)
    if visit.in_ward:
        text = f"Chẩn đoán: {visit.diagnosis}. Kết quả: {significant(visit)}. Lời dặn: {visit.disease.advice}."
        summary = fhir.document("Tóm tắt ra viện", text, visit.left, "18842-5")
        bundle.about(summary, context={"encounter": [encounter]}, author=[bundle.organization])
    return bundle.as_bytes()


def _encounter(bundle: Bundle, visit: Visit) -> Resource:
    roles = []
    for rank, disease in enumerate((visit.disease, *visit.also), 1):
        made = fhir.condition(disease, "encounter-diagnosis", f"{visit.entered:%Y-%m-%d}", active=disease.chronic)
        use = fhir.coded(systems.DIAGNOSIS_ROLE, "DD" if rank == 1 else "CM")
        roles.append({"condition": bundle.about(made), "use": use, "rank": rank})
    encounter = {
        "resourceType": "Encounter",
        "identifier": [{"system": systems.EPISODE + visit.facility.code, "value": visit.episode}],
        "status": "finished",
        "class": fhir.coding(systems.ACT_CODE, "IMP" if visit.in_ward else "AMB"),
        "period": {"start": fhir.moment(visit.entered), "end": fhir.moment(visit.left)},
        "reasonCode": [{"text": visit.disease.reason}],
        "diagnosis": roles,
        "serviceProvider": bundle.organization,
    }
    if visit.in_ward:
        home = fhir.concept("Ra viện", fhir.coding(systems.DISCHARGE_DISPOSITION, "home"))
        encounter["hospitalization"] = {"dischargeDisposition": home}
    return bundle.about(encounter)


def _services(bundle: Bundle, visit: Visit, encounter: Resource) -> None:
    for done in visit.services:
        at = done.resulted_at
        if done.panel.kind == "procedure":
            bundle.about(fhir.procedure(done.panel, done.ordered_at), encounter=encounter)
            continue
        lines = [bundle.about(fhir.laboratory(result, at), encounter=encounter) for result in done.results]
        words = (done.finding.description, done.finding.conclusion) if done.finding else ("", "")
        report = fhir.report(done.panel, at, lines, *words)
        bundle.about(report, encounter=encounter, performer=[bundle.organization])


def _vitals(bundle: Bundle, visit: Visit, note: Note, encounter: Resource) -> None:
    vitals, at = note.vitals, note.at
    pressure = [
        {
            "code": fhir.coded(systems.LOINC, "8480-6"),
            "valueQuantity": fhir.quantity(vitals.systolic, "mmHg", "mm[Hg]"),
        },
        {
            "code": fhir.coded(systems.LOINC, "8462-4"),
            "valueQuantity": fhir.quantity(vitals.diastolic, "mmHg", "mm[Hg]"),
        },
    ]
    measured = (
        fhir.vital_sign("8867-4", "Mạch", at, fhir.quantity(vitals.pulse, "lần/phút", "/min")),
        fhir.vital_sign("8310-5", "Nhiệt độ", at, fhir.quantity(vitals.temperature, "°C", "Cel")),
        fhir.vital_sign("85354-9", "Huyết áp", at, None, pressure),
        fhir.vital_sign("9279-1", "Nhịp thở", at, fhir.quantity(vitals.breaths, "lần/phút", "/min")),
        fhir.vital_sign("59408-5", "SpO2", at, fhir.quantity(vitals.spo2, "%", "%")),
        fhir.vital_sign("29463-7", "Cân nặng", at, fhir.quantity(visit.weight_kg, "kg", "kg")),
        fhir.vital_sign("8302-2", "Chiều cao", at, fhir.quantity(visit.height_cm, "cm", "cm")),
    )
    for observation in measured:
        bundle.about(observation, encounter=encounter)


def _next_steps(bundle: Bundle, visit: Visit, encounter: Resource, doctor: Resource) -> None:
    target = visit.contact.referred_to
    if target is not None:
        request = fhir.service_request(
            systems.REFERRAL, "Chuyển cơ sở khám bệnh, chữa bệnh", visit.left, None, visit.disease
        )
        performer = [bundle.add(fhir.organization(target))]
        bundle.about(request, encounter=encounter, requester=doctor, performer=performer)
    if visit.next_on is not None:
        again = fhir.service_request(systems.FOLLOW_UP, "Hẹn khám lại", visit.left, visit.next_on, visit.disease)
        bundle.about(again, encounter=encounter, requester=doctor, performer=[bundle.organization])


def of_dispense(rng: Random, visit: Visit, pharmacy: Facility) -> bytes:
    """What a pharmacy sends: the prescription it filled and what it gave, some items in part."""
    at = visit.left + timedelta(minutes=rng.randint(15, 300))
    bundle = Bundle(rng, visit.person, pharmacy, at)
    prescriber = bundle.add(fhir.organization(visit.facility))
    for ordered in visit.drugs:
        request = bundle.about(
            fhir.medication_request(ordered, visit.prescription, visit.disease), requester=prescriber
        )
        given = ordered.quantity if rng.random() < 0.9 else max(1, ordered.quantity // 2)  # noqa: PLR2004
        performer: list[Resource] = [{"actor": bundle.organization}]
        dispense = fhir.medication_dispense(ordered, at, given)
        bundle.about(dispense, authorizingPrescription=[request], performer=performer)
    return bundle.as_bytes()


def of_doses(rng: Random, person: Person, facility: Facility, doses: list[Dose]) -> bytes:
    """All doses that one facility reports for a person."""
    bundle = Bundle(rng, person, facility, datetime.combine(max(dose.given_on for dose in doses), time(16)))
    for dose in doses:
        primary = dose.reported_by[0] is facility
        performer = [{"actor": bundle.organization}] if primary else [{"actor": {"display": dose.reported_by[0].name}}]
        bundle.about(fhir.immunization(dose, primary=primary), performer=performer)
    return bundle.as_bytes()


def of_record(rng: Random, person: Person, facility: Facility, today: date, *, refuting: bool = False) -> bytes:
    """What a facility keeps about a person beside visits; one that is `refuting` denies the known allergies."""
    day = today - timedelta(days=rng.randint(5, 200))
    bundle = Bundle(rng, person, facility, datetime.combine(day, time(9)))
    for key in person.allergies:
        bundle.about(fhir.allergy(ALLERGENS[key], day, refuted=refuting), recorder=bundle.organization)
    if refuting:
        return bundle.as_bytes()
    for key in person.illnesses:
        since = str(today.year - rng.randint(3, 9))
        bundle.about(fhir.condition(DISEASES[key], "problem-list-item", since, active=True))
    if rng.random() < 0.5 or person.curated:  # noqa: PLR2004
        relative = rng.choice(FAMILY_HISTORY)
        bundle.about(fhir.family_history(relative, DISEASES[relative.disease], day))
    if person.age(today) >= ADULT:
        _habits(bundle, person, day)
    if person.card:
        bundle.about(fhir.coverage(person, day.year))
    if person.curated or rng.random() < 0.2:  # noqa: PLR2004
        text = f"Khám sức khỏe định kỳ. Chiều cao {person.height_cm} cm. Tình trạng chung ổn định."
        bundle.about(fhir.document("Giấy khám sức khỏe", text, datetime.combine(day, time(9)), "11502-2"))
    return bundle.as_bytes()


def _habits(bundle: Bundle, person: Person, day: date) -> None:
    tobacco = ("77176002", "Có hút thuốc") if person.smokes else ("266919005", "Chưa bao giờ hút thuốc")
    alcohol = ("219006", "Có uống rượu bia") if person.drinks else ("105542008", "Không uống rượu bia")
    for observation in (
        fhir.habit("72166-2", "Tình trạng hút thuốc", *tobacco, day),
        fhir.habit("11331-6", "Sử dụng rượu bia", *alcohol, day),
    ):
        bundle.about(observation)

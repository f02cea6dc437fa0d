"""Prescriptions out of FHIR: MedicationRequest, whose group the first one yields whole, and MedicationStatement."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from domain.exchange import labels, requests
from domain.exchange.actors import NOBODY, actor, is_of_one
from domain.exchange.fhir import Node, Resource
from domain.sections.prescriptions.groups import code_of, group_of, leader_of
from domain.sections.prescriptions.medications import Medication, dosage_of, medication_of
from domain.sections.prescriptions.table import EXTENSIONS, ITEM_EXTENSIONS, Prescription, PrescriptionItem

_NATIONAL = re.compile(r"[0-9A-Za-z]{12}-([CNHYcnhy])")
_FORMS = {"c": "common", "n": "narcotic", "h": "psychotropic", "y": "traditional"}
_CATEGORIES = ("inpatient", "outpatient", "community", "discharge")


def form_of(code: str | None) -> str | None:
    """The kind of prescription that its national code ends with (QĐ 808, domain: 4.2)."""
    match = _NATIONAL.fullmatch(code or "")
    return _FORMS[match.group(1).lower()] if match else None


def from_request(resource: Resource) -> Iterator[Prescription | PrescriptionItem]:
    """Nothing for a request that is not the first of its group."""
    if leader_of(resource).row_id != resource.row_id:
        return
    group = [(request, medication_of(request)) for request in group_of(resource)]
    items = [_item(resource, at, *one) for at, one in enumerate(group, 1)]
    system, code = code_of(resource)
    requester = actor(resource, "requester")
    person, place = (NOBODY, requester) if requester.is_place else (requester, NOBODY)
    valid_from, valid_until = _validity(resource)
    said = EXTENSIONS.read(resource)
    yield Prescription(
        id=resource.row_id,
        document="MedicationRequest",
        sensitivity=labels.strictest(
            *(item.sensitivity for item in items),
            *(requests.label_of(request, [said.get("diagnosis")]) for request, _ in group),
        ),
        occurred=resource.date("authoredOn"),
        encounter_id=resource.encounter_id(),
        status=_status([item.status for item in items]),
        status_reason=_words(resource, "statusReason"),
        intent=resource.string("intent"),
        category=_category(resource),
        priority=resource.string("priority"),
        code_system=system,
        code=code,
        form=form_of(code),
        replaces_code=_replaced(resource),
        prescriber_code=person.code,
        prescriber=person.name,
        diagnoses=requests.diagnoses_of(reason for request, _ in group for reason in requests.reasons_of(request)),
        drugs=drugs_of(items),
        valid_from=valid_from,
        valid_until=valid_until,
        **{"facility_code": place.code, "facility": place.name, **said},
    )
    yield from items


def from_statement(resource: Resource) -> Iterator[Prescription | PrescriptionItem]:
    """What somebody says is taken, with or without a prescription: one of its own, of one drug."""
    item = _item(resource, 1, resource, medication_of(resource), dosage="dosage")
    start, end = resource.period("effectivePeriod")
    item.starts, item.ends = item.starts or start, item.ends or end
    source = actor(resource, "informationSource")
    said = EXTENSIONS.read(resource)
    yield Prescription(
        id=resource.row_id,
        document="MedicationStatement",
        sensitivity=labels.strictest(item.sensitivity, requests.label_of(resource, [said.get("diagnosis")])),
        occurred=resource.date("effectiveDateTime") or start or resource.date("dateAsserted"),
        encounter_id=resource.encounter_id(),
        kind="statement",
        status=item.status or "unknown",
        status_reason=_words(resource, "statusReason"),
        category=_category(resource),
        prescriber_code=source.code,
        prescriber=source.name,
        diagnoses=requests.diagnoses_of(requests.reasons_of(resource)),
        drugs=drugs_of([item]),
        **said,
    )
    yield item


def drugs_of(items: Sequence[PrescriptionItem]) -> list[str] | None:
    """Names and strengths, for a list; what must not be taken is not among them."""
    names = [_name(item) for item in items if not item.is_prohibited]
    return [name for name in names if name] or None


def _name(item: PrescriptionItem) -> str:
    """`Paracetamol 500mg`, unless the name says the strength already."""
    name, strength = item.drug or item.drug_code or "", item.strength or ""
    return name if strength.casefold() in name.casefold() else f"{name} {strength}"


def _item(
    prescription: Resource, position: int, resource: Resource, medication: Medication, dosage: str = "dosageInstruction"
) -> PrescriptionItem:
    supply = resource.child("dispenseRequest")
    columns: dict[str, Any] = {
        **medication.columns,
        "strength": medication.strength,
        "form": medication.form,
        **dosage_of(resource, dosage),
        **(_supply(supply) if supply else {}),
        **ITEM_EXTENSIONS.read(resource),
    }
    return PrescriptionItem(
        id=resource.row_id,
        sensitivity=labels.strictest(medication.sensitivity, labels.of_resource(resource)),
        occurred=resource.date("authoredOn"),
        prescription_id=prescription.row_id,
        position=position,
        status=resource.string("status"),
        is_prohibited=resource.boolean("doNotPerform") or False,
        is_substitution_allowed=_substitution(resource),
        note=resource.notes(),
        **columns,
    )


def _supply(supply: Node) -> dict[str, Any]:
    quantity, duration = supply.quantity("quantity"), supply.child("expectedSupplyDuration")
    is_in_days = duration is not None and (duration.string("code") or duration.string("unit")) in ("d", "day", "days")
    return {
        "quantity": quantity.value if quantity else None,
        "unit": quantity.unit if quantity else None,
        "refills": supply.integer("numberOfRepeatsAllowed"),
        "supply_days": duration.integer("value") if duration and is_in_days else None,
    }


def _validity(resource: Resource) -> tuple[Any, Any]:
    supply = resource.child("dispenseRequest")
    return supply.period("validityPeriod") if supply else (None, None)


def _substitution(resource: Resource) -> bool | None:
    """A code other than `N` (none) permits one (v3-substanceAdminSubstitution)."""
    node = resource.child("substitution")
    if node is None:
        return None
    code = node.concept("allowedCodeableConcept").code
    return code != "N" if code else node.boolean("allowedBoolean")


def _replaced(resource: Resource) -> str | None:
    node = resource.child("priorPrescription")
    identifier = node.child("identifier") if node else None
    target = resource.follow(node.string("reference")) if node else None
    said = identifier.string("value") if identifier else None
    is_known = target is not None and target.type == "MedicationRequest" and is_of_one(resource, target)
    return said or (code_of(target)[1] if target is not None and is_known else None)


def _status(found: Sequence[str | None]) -> str:
    """Active as long as one drug is; otherwise what the first says."""
    return "active" if "active" in found else next((status for status in found if status), "unknown")


def _category(resource: Resource) -> str | None:
    codes = {code for concept in resource.concepts("category") for _, code in concept.codings}
    single = resource.child("category")  # MedicationStatement has one, MedicationRequest a list
    codes |= {resource.concept("category").code} if single else set()
    return next((known for known in _CATEGORIES if known in codes), None)


def _words(resource: Resource, name: str) -> str | None:
    concept = resource.concept(name)
    return concept.display or concept.code

"""Prescriptions out of QĐ 4750 XML2: one for what a doctor ordered at one moment of a visit."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from domain.exchange import labels, requests
from domain.exchange.fhir_systems import DRUG
from domain.exchange.moments import minute_of
from domain.exchange.qd4750 import Drug, Visit
from domain.reference.sensitivity import label
from domain.sections.prescriptions.medications import figures_in
from domain.sections.prescriptions.reading import drugs_of
from domain.sections.prescriptions.table import Prescription, PrescriptionItem
from domain.values import new_id

Labels = Callable[[Drug], str]
ROUTE = "urn:qd4750:DUONG_DUNG"
_CATEGORIES = {"01": "outpatient", "02": "outpatient", "05": "outpatient", "07": "outpatient", "08": "outpatient"} | {
    "03": "inpatient",
    "04": "inpatient",
    "09": "inpatient",
}  # MA_LOAI_KCB


def from_qd4750(visit: Visit) -> Iterator[Prescription | PrescriptionItem]:
    groups: dict[tuple[str | None, str | None], list[Drug]] = {}
    for drug in visit.drugs:
        groups.setdefault((drug.prescriber, minute_of(drug.ordered_at)), []).append(drug)
    label_of = _labels(visit)
    for drugs in groups.values():
        yield from _prescription(visit, drugs, label_of)


def _prescription(visit: Visit, drugs: Sequence[Drug], label_of: Labels) -> Iterator[Prescription | PrescriptionItem]:
    id_, first, row = new_id(), drugs[0], visit.summary
    items = [
        _item(drug, position=at, prescription_id=id_, sensitivity=label_of(drug)) for at, drug in enumerate(drugs, 1)
    ]
    diagnoses = requests.visit_diagnoses(visit)
    diagnosis = row.final_diagnosis if row else None
    yield Prescription(
        id=id_,
        document="XML2",
        sensitivity=labels.strictest(
            requests.label_in(visit, diagnoses, [diagnosis]), *(item.sensitivity for item in items)
        ),
        occurred=first.ordered_at or (row.arrived_at if row else None),
        encounter_id=visit.encounter_id,
        status="completed" if all(drug.given_at for drug in drugs) else "unknown",
        intent="order",
        category=_CATEGORIES.get((row.care_form if row else None) or ""),
        prescriber_code=first.prescriber,
        facility_code=visit.facility,
        diagnosis=diagnosis,
        diagnoses=diagnoses,
        drugs=drugs_of(items),
    )
    yield from items


def _item(drug: Drug, **of: Any) -> PrescriptionItem:
    return PrescriptionItem(
        **of,
        occurred=drug.ordered_at,
        status="completed" if drug.given_at else "unknown",
        drug_system=DRUG if drug.ingredient_code else None,
        drug_code=drug.ingredient_code,
        drug=drug.name,
        registration=drug.registration,
        preparation_code=drug.preparation_code,
        strength=drug.strength,
        form=drug.form,
        route_system=ROUTE if drug.route else None,
        route_code=drug.route,
        quantity=drug.quantity,
        unit=drug.unit,
        dose_text=drug.dose_text,
        instructions=drug.instructions,
        given_at=drug.given_at,
        department=drug.department,
        payer=drug.payer,
        scope=drug.scope,
        **figures_in(drug.dose_text),
    )


def _labels(visit: Visit) -> Labels:
    """How to label a drug: by the visit's main diagnosis and by its name, which a harmless diagnosis may explain."""
    row = visit.summary
    codes = [code for code in (row.main_icd10, *row.other_icd10) if code] if row else []
    harmless = [code for code in codes if not label(icd10=[code])]
    by_visit = labels.of_visit(visit)
    return lambda drug: labels.strictest(by_visit, label(icd10=harmless, texts=[drug.name] if drug.name else []))

"""Prescriptions: what a doctor ordered together, drug by drug, what pharmacies gave out, what a person says to take.

The one aggregate of ours (đơn thuốc): FHIR R4 MedicationRequests that share a groupIdentifier, MedicationStatement as a
prescription of its own with `kind` statement, MedicationDispense as `dispenses`. QĐ 4750 XML2: one prescription for
(prescriber, minute of the order) of a visit. Drug codes: MA_THUOC (the active ingredient, never a product), ATC, or as
sent. The dose is kept as written; figures are best effort, to sort and to remind, never an instruction. What a drug in
use is today nobody sends: the status of a QĐ 4750 order is `unknown` unless the drug was given in the facility.
"""

from collections.abc import Iterable

from domain.database import Item, Part
from domain.exchange.fhir import Resource
from domain.sections.prescriptions.dispensing import from_dispense
from domain.sections.prescriptions.qd4750 import from_qd4750
from domain.sections.prescriptions.reading import from_request, from_statement
from domain.sections.prescriptions.table import GIVEN_OUT, Dispense, Prescription, PrescriptionItem
from domain.sections.prescriptions.writing import resources, to_fhir
from domain.sections.section import Section, Tie

__all__ = [
    "GIVEN_OUT",
    "SECTION",
    "Dispense",
    "Prescription",
    "PrescriptionItem",
    "from_fhir",
    "from_qd4750",
    "resources",
    "to_fhir",
]


def from_fhir(resource: Resource) -> Iterable[Item | Part]:
    if resource.type == "MedicationRequest":
        yield from from_request(resource)
    elif resource.type == "MedicationStatement":
        yield from from_statement(resource)
    elif resource.type == "MedicationDispense":
        yield from from_dispense(resource)


SECTION = Section(
    name="prescriptions",
    vi="Đơn thuốc",
    en="Prescriptions",
    holds=("MedicationRequest", "MedicationStatement", "MedicationDispense"),
    smart=("patient/MedicationRequest.rs", "patient/MedicationStatement.rs", "patient/MedicationDispense.rs"),
    model=Prescription,
    parts=(PrescriptionItem, Dispense),
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
    ties=(Tie(Dispense, GIVEN_OUT),),
)

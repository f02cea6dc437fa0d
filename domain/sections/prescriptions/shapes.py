"""A row's drug as a CodeableConcept to write."""

from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange.fhir_systems import ATC
from domain.exchange.histories import unknown
from domain.sections.prescriptions.table import Dispense, PrescriptionItem


def medication(row: PrescriptionItem | Dispense) -> dict[str, Any]:
    """The sender's own code, the ATC code where it is another one, and the words; medication[x] is required."""
    own = out.coding(row.drug_system, row.drug_code, None) if row.drug_code else None
    is_other = row.atc_code is not None and (row.drug_system, row.drug_code) != (ATC, row.atc_code)
    atc = out.coding(ATC, row.atc_code, None) if is_other else None
    return out.filled({"coding": out.listed([own, atc]), "text": row.drug}) or unknown()

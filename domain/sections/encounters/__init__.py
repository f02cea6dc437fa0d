"""Visits and stays: where and when somebody was examined or treated, what was found, how it ended, what it cost.

FHIR R4 Encounter; QĐ 4750 XML1 joined with the discharge paper (XML7) and the record summary (XML8) of the same
episode, or XML0 alone while the visit is in progress. The papers as such are in the section `documents`.
Codes: v3-ActCode (class), ICD-10 and the codes of traditional medicine (diagnoses), QĐ 4750's lists (`urn:qd4750:`).
"""

from domain.sections.encounters.fhir import from_fhir, to_fhir
from domain.sections.encounters.qd4750 import from_qd4750
from domain.sections.encounters.table import Encounter
from domain.sections.section import Section

__all__ = ["SECTION", "Encounter", "from_fhir", "from_qd4750", "to_fhir"]

SECTION = Section(
    name="encounters",
    vi="Lượt khám bệnh, chữa bệnh",
    en="Visits and stays",
    holds=("Encounter",),
    smart=("patient/Encounter.rs",),
    model=Encounter,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

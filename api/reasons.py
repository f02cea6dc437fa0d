"""How a phone sees why something was ordered: the diagnoses that prescriptions, referrals and follow-ups carry."""

import strawberry

from api.planner.sources import field


@strawberry.type(description="One diagnosis given as a reason. FHIR: CodeableConcept")
class ReasonDiagnosis:
    system: str | None = field("Code system of `code`: ICD-10, urn:qd4750:MA_BENH_YHCT ... FHIR: Coding.system")
    code: str | None = field("The diagnosis as coded by its sender. FHIR: Coding.code")
    display: str | None = field("The diagnosis in the sender's words. FHIR: CodeableConcept.text")

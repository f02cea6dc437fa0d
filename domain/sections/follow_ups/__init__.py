"""What is to come: re-examinations, planned care and appointments, each with the day to return and where to.

FHIR R4 ServiceRequest with a category of follow-up (`slip`), CarePlan (`plan`) and Appointment proposed or booked
(`appointment`). QĐ 4750 XML14 (giấy hẹn khám lại), and XML1 NGAY_TAI_KHAM for the days that no slip names. `occurred`
is the day to return. Code systems: ICD-10, MA_BENH_YHCT (traditional medicine), MA_DOITUONG_KCB (eligibility).
"""

from domain.exchange.fhir_systems import FOLLOW_UP, REQUEST_CATEGORY
from domain.sections.follow_ups.qd4750 import from_qd4750
from domain.sections.follow_ups.reading import from_fhir
from domain.sections.follow_ups.table import FollowUp
from domain.sections.follow_ups.writing import to_fhir
from domain.sections.section import Section

__all__ = ["SECTION", "FollowUp", "from_fhir", "from_qd4750", "to_fhir"]

SECTION = Section(
    name="follow_ups",
    vi="Hẹn khám lại",
    en="Follow-ups",
    holds=("ServiceRequest", "CarePlan", "Appointment"),
    smart=(
        f"patient/ServiceRequest.rs?category={REQUEST_CATEGORY}|{FOLLOW_UP}",
        "patient/CarePlan.rs",
        "patient/Appointment.rs",
    ),
    model=FollowUp,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

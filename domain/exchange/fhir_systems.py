"""The identifier and code systems that healthbook writes and reads in FHIR, each named once.

Vietnam publishes no FHIR identifier systems, so ours live under `http://healthbook.vn/fhir/sid/`; the others
are the standard URIs of HL7 Terminology (FHIR R4 4.3). Prefixes end where a facility code follows.
"""

_SID = "http://healthbook.vn/fhir/sid/"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"

# Who: people. A facility's own patient number is FACILITY_PATIENT + facility code.
CCCD = _SID + "cccd"
CMND = _SID + "cmnd"
BHXH = _SID + "bhxh"
BHYT = _SID + "bhyt"
PASSPORT = _SID + "passport"
FACILITY_PATIENT = _SID + "facility-patient/"

# Where and what: MA_CSKCB, the national prescription code, and QĐ 4750's MA_LK as EPISODE + facility code.
FACILITY = _SID + "ma-cskcb"
PRESCRIPTION = _SID + "national-prescription"
EPISODE = "urn:healthbook:qd4750:"
PRACTITIONER = _SID + "practitioner-licence"
DRUG = _SID + "active-ingredient"
SERVICE = _SID + "technical-service"
ANALYTE = _SID + "analyte"

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD9CM = "http://hl7.org/fhir/sid/icd-9-cm"
CVX = "http://hl7.org/fhir/sid/cvx"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"

OBSERVATION_CATEGORY = _TERMINOLOGY + "observation-category"
INTERPRETATION = _TERMINOLOGY + "v3-ObservationInterpretation"
ACT_CODE = _TERMINOLOGY + "v3-ActCode"
ROLE_CODE = _TERMINOLOGY + "v3-RoleCode"
CONDITION_CATEGORY = _TERMINOLOGY + "condition-category"
CONDITION_CLINICAL = _TERMINOLOGY + "condition-clinical"
CONDITION_VERIFICATION = _TERMINOLOGY + "condition-ver-status"
ALLERGY_CLINICAL = _TERMINOLOGY + "allergyintolerance-clinical"
ALLERGY_VERIFICATION = _TERMINOLOGY + "allergyintolerance-verification"
DIAGNOSIS_ROLE = _TERMINOLOGY + "diagnosis-role"
DIAGNOSTIC_SECTION = _TERMINOLOGY + "v2-0074"
IDENTIFIER_TYPE = _TERMINOLOGY + "v2-0203"
COVERAGE_CLASS = _TERMINOLOGY + "coverage-class"
DISCHARGE_DISPOSITION = _TERMINOLOGY + "discharge-disposition"

# What kind of request or plan: a referral (XML13) or a re-examination (XML14).
REQUEST_CATEGORY = _SID + "request-category"
REFERRAL = "referral"
FOLLOW_UP = "follow-up"
# Vietnam's vaccination programmes: expanded (TCMR), campaign, fee-paying.
VACCINATION_PROGRAMME = _SID + "vaccination-programme"

# FHIR R4 Address has no codes for province and commune: these extensions carry them.
EXTENSION_COMMUNE = "http://healthbook.vn/fhir/StructureDefinition/commune-code"
EXTENSION_PROVINCE = "http://healthbook.vn/fhir/StructureDefinition/province-code"

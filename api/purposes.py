"""Why a book is read: HL7 v3 PurposeOfUse, the codes a consent may name, and BTG, which an emergency opens."""

import enum

import strawberry


@strawberry.enum(
    description="Why a book is read. HL7 v3 PurposeOfUse; a consent must name it. FHIR: AuditEvent.purposeOfEvent"
)
class PurposeOfUse(enum.Enum):
    TREAT = strawberry.enum_value("TREAT", description="Treatment of this person.")
    CAREMGT = strawberry.enum_value("CAREMGT", description="Coordinating care between facilities.")
    PATRQT = strawberry.enum_value("PATRQT", description="The person, or an app for him, wants to see it.")
    HPAYMT = strawberry.enum_value("HPAYMT", description="Settling a health-insurance claim.")
    PUBHLTH = strawberry.enum_value("PUBHLTH", description="Public health, where the law or a consent allows it.")
    HRESCH = strawberry.enum_value("HRESCH", description="Research the person agreed to.")
    BTG = strawberry.enum_value("BTG", description="Emergency: only while `openEmergency` holds.")

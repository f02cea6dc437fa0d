"""A place at the clinic: hours become slots, slots are held and booked, and none is given away twice.

FHIR R4 HealthcareService, PractitionerRole, Location, Schedule, Slot, Appointment. Nothing here tells anybody: a
change returns what `Happened`, and who calls it posts the notices in the same transaction.
"""

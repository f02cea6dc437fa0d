"""The sections of the book, in the order a citizen reads them. Everything about sections is derived from this list."""

from sqlalchemy.orm import configure_mappers

from domain.sections import (
    allergies,
    conditions,
    demographics,
    documents,
    encounters,
    family_history,
    follow_ups,
    imaging,
    immunizations,
    insurance,
    labs,
    prescriptions,
    procedures,
    referrals,
    social_history,
    vitals,
)
from domain.sections.section import Section

SECTIONS: tuple[Section, ...] = (
    demographics.SECTION,
    allergies.SECTION,
    conditions.SECTION,
    family_history.SECTION,
    social_history.SECTION,
    immunizations.SECTION,
    encounters.SECTION,
    procedures.SECTION,
    labs.SECTION,
    imaging.SECTION,
    vitals.SECTION,
    prescriptions.SECTION,
    referrals.SECTION,
    follow_ups.SECTION,
    insurance.SECTION,
    documents.SECTION,
)

configure_mappers()  # rows are plain objects, so nothing else would

__all__ = ["SECTIONS", "Section"]

"""What the book knows of a person that a schedule needs: birth, sex, pregnancy, allergies, and each dose.

From the sections demographics, immunizations, allergies (FHIR Immunization, AllergyIntolerance). Vaccines keep the
codes of `domain/reference/vaccines.py`. Why a dose was not given comes as words of the sender: the lists below sort
them, and what they do not know is neither a refusal nor a contra-indication.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from domain.exchange.fhir_systems import ATC, CVX
from domain.identity.names import ascii_key
from domain.immunization.periods import Span
from domain.reference import vaccines

_REFUSED = ("patobj", "refus", "declin", "objection", "tu choi", "khong dong y")
_CONTRAINDICATED = ("medprec", "contraindicat", "contra indicat", "medical precaution", "chong chi dinh", "di ung")
_VACCINE_WORDS = ("vac xin", "vacxin", "vaccine", "vaccin")
_VACCINE_ATC = "J07"


class Given(StrEnum):
    """FHIR Immunization.status, and of `not-done` why."""

    GIVEN = "GIVEN"
    REFUSED = "REFUSED"
    CONTRAINDICATED = "CONTRAINDICATED"
    NOT_GIVEN = "NOT_GIVEN"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"


@dataclass(frozen=True, slots=True)
class Dose:
    """`given_on`: None where no date is known. `vaccine`: our code; None where at most the antigens are known."""

    id: str
    given_on: Span | None
    antigens: frozenset[str]
    vaccine: str | None
    given: Given = Given.GIVEN
    is_subpotent: bool = False


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """A pregnancy that goes on. `expected_on`: when the child is expected, where a facility said so."""

    since: date
    expected_on: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`allergies`: the antigens of the vaccines he is allergic to. `sex`: FHIR administrative gender."""

    born: Span | None
    sex: str | None = None
    pregnancy: Pregnancy | None = None
    allergies: frozenset[str] = field(default_factory=frozenset)
    is_deceased: bool = False


def dose(
    id_: str,
    *,
    occurred: str | None,
    status: str,
    status_reason: str | None,
    system: str | None,
    code: str | None,
    words: str | None,
    antigens: Iterable[str] | None,
    is_subpotent: bool | None,
) -> Dose:
    """A row of the section immunizations. Nothing in it is refused: what is not understood does not count."""
    vaccine = _vaccine(system, code, words, frozenset(antigens or ()))
    known = frozenset(antigens or (vaccine.antigens if vaccine else ()))
    return Dose(
        id_,
        Span.read(occurred),
        known,
        vaccine.code if vaccine else None,
        _given(status, status_reason),
        bool(is_subpotent),
    )


def _vaccine(
    system: str | None, code: str | None, words: str | None, antigens: frozenset[str]
) -> vaccines.Vaccine | None:
    """The product, by its code where that names one, else by its words; never one of other antigens than the row's."""
    kind = "cvx" if system == CVX else "atc" if system == ATC else None
    coded = vaccines.by_code("cvx" if kind == "cvx" else "atc", code) if kind and code else ()
    found = coded[0] if len(coded) == 1 else vaccines.by_name(words or "")
    return found if found and (not antigens or antigens == frozenset(found.antigens)) else None


def _given(status: str, reason: str | None) -> Given:
    if status == "entered-in-error":
        return Given.ENTERED_IN_ERROR
    if status != "not-done":
        return Given.GIVEN
    said = ascii_key(reason or "")
    if any(word in said for word in _CONTRAINDICATED):
        return Given.CONTRAINDICATED
    return Given.REFUSED if any(word in said for word in _REFUSED) else Given.NOT_GIVEN


def allergy(*, system: str | None, code: str | None, words: str | None) -> frozenset[str]:
    """The antigens of the vaccine that an allergy is to; none where it is to something else."""
    coded = bool(code) and (system == CVX or (system == ATC and str(code).upper().startswith(_VACCINE_ATC)))
    said = f" {ascii_key(words or '')} "
    if not coded and not any(f" {word}" in said for word in _VACCINE_WORDS):
        return frozenset()
    found = _vaccine(system, code, words, frozenset())
    return frozenset(found.antigens) if found else frozenset()

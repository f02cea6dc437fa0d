"""What an incoming record claims, what a patient is known by, and how far the two agree, field by field.

Every test is a plain question with the claim first. Unknown never agrees and never contradicts. Partial dates
are compared in their known parts; 1 January is a clerk's way to write an unknown day, so it is only a year
(`domain.md` 9.3).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from uuid import UUID

from domain.identity import names
from domain.identity.identifiers import Identifier, IdentifierKind, Sex
from domain.identity.newborns import is_anothers
from domain.identity.placeholders import is_placeholder
from domain.values import PartialDate, day_of


@dataclass(frozen=True, slots=True)
class Claim:
    """One incoming record about a person. `phone` is E.164, `is_newborn` as `newborns.is_newborn` says."""

    identifiers: tuple[Identifier, ...]
    name: str
    birth_date: PartialDate | None = None
    sex: Sex | None = None
    phone: str | None = None
    mother_name: str | None = None
    is_newborn: bool = False
    facility: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """All that the records linked to one patient have said so far."""

    patient_id: UUID
    identifiers: tuple[Identifier, ...] = ()
    names: tuple[str, ...] = ()
    birth_dates: tuple[PartialDate, ...] = ()
    sexes: tuple[Sex, ...] = ()
    phones: tuple[str, ...] = ()
    mother_names: tuple[str, ...] = ()


def is_nameless(claim: Claim) -> bool:
    return claim.is_newborn or is_placeholder(claim.name)


def was_nameless(claim: Claim, candidate: Candidate) -> bool:
    """The patient is known only by placeholders or by the name of the claim's mother."""
    mother = claim.mother_name or ""
    return all(is_placeholder(name) or names.same_letters(name, mother) for name in candidate.names)


def share_an_identifier(claim: Claim, candidate: Candidate) -> bool:
    return any(sound(claim, kind, trusted=False) & sound(candidate, kind, trusted=False) for kind in IdentifierKind)


def sound(of: Claim | Candidate, kind: IdentifierKind, *, trusted: bool = True) -> frozenset[Identifier]:
    """The identifiers of the kind; if `trusted`, without a CCCD that the person's own data show to be another's."""
    held = (
        i for i in of.identifiers if i.kind is kind and (i.issuer or kind is not IdentifierKind.FACILITY_PATIENT_ID)
    )
    if not trusted or kind is not IdentifierKind.CCCD:
        return frozenset(held)
    told = list(product(_dates(of) or (None,), _sexes(of) or (None,)))
    return frozenset(i for i in held if any(not is_anothers(i, date, sex) for date, sex in told))


def conflicts(claim: Claim, candidate: Candidate) -> tuple[str, ...]:
    """Why the two can never be linked by a rule: other valid CCCD, other birth year, other sex."""
    years = {date[:4] for date in candidate.birth_dates}
    found = {
        "cccd-conflict": _differ(sound(claim, IdentifierKind.CCCD), sound(candidate, IdentifierKind.CCCD)),
        "year-conflict": _differ({date[:4] for date in _dates(claim)}, years),
        "sex-conflict": _differ(set(_sexes(claim)), set(_sexes(candidate))),
    }
    return tuple(code for code, holds in found.items() if holds)


def no_number_differs(claim: Claim, candidate: Candidate) -> bool:
    """Beside a name, a birthday and a phone, another lifelong number is enough to doubt."""
    kinds = (IdentifierKind.BHXH, IdentifierKind.CMND, IdentifierKind.PASSPORT)
    return not any(_differ(sound(claim, kind), sound(candidate, kind)) for kind in kinds)


def same_name(claim: Claim, candidate: Candidate) -> bool:
    """The same letters in any order; or compatible spellings whose given names have the same letters."""
    return any(
        names.same_letters(claim.name, known)
        or (names.given(claim.name) == names.given(known) and names.compatible(claim.name, known))
        for known in _real_names(candidate)
    )


def same_spelling(claim: Claim, candidate: Candidate) -> bool:
    return any(names.same_spelling(claim.name, known) for known in _real_names(candidate))


def same_given(claim: Claim, candidate: Candidate) -> bool:
    given = names.given(claim.name)
    return given != "" and any(given == names.given(known) for known in _real_names(candidate))


def same_year(claim: Claim, candidate: Candidate) -> bool:
    return claim.birth_date is not None and any(claim.birth_date[:4] == date[:4] for date in candidate.birth_dates)


def same_birthday(claim: Claim, candidate: Candidate) -> bool:
    """The same full birthday, which 1 January never is."""
    day = day_of(claim.birth_date)
    return day is not None and not day.endswith("-01-01") and same_day(claim, candidate)


def same_day(claim: Claim, candidate: Candidate) -> bool:
    day = day_of(claim.birth_date)
    return day is not None and any(day == day_of(date) for date in candidate.birth_dates)


def no_birth_time_differs(claim: Claim, candidate: Candidate) -> bool:
    """Twins may share all but the minute: two known times of birth must be one."""
    return not _differ(_times([claim.birth_date] if claim.birth_date else []), _times(candidate.birth_dates))


def same_phone(claim: Claim, candidate: Candidate) -> bool:
    return claim.phone is not None and claim.phone in candidate.phones


def has_known_twin(claim: Claim, candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Another patient of the same birthday and the same phone or mother, under another name."""
    return any(
        other.patient_id != candidate.patient_id
        and same_day(claim, other)
        and (same_phone(claim, other) or _same_mother(claim, candidate, other))
        and not same_spelling(claim, other)
        for other in others
    )


def _same_mother(claim: Claim, candidate: Candidate, other: Candidate) -> bool:
    mothers = (*candidate.mother_names, *([claim.mother_name] if claim.mother_name else []))
    return any(names.same_letters(mother, known) for mother in mothers for known in other.mother_names)


def _real_names(candidate: Candidate) -> Iterable[str]:
    return (name for name in candidate.names if not is_placeholder(name))


def _dates(of: Claim | Candidate) -> tuple[PartialDate, ...]:
    if isinstance(of, Candidate):
        return of.birth_dates
    return (of.birth_date,) if of.birth_date else ()


def _sexes(of: Claim | Candidate) -> tuple[Sex, ...]:
    told = of.sexes if isinstance(of, Candidate) else (of.sex,)
    return tuple(sex for sex in told if sex in ("male", "female"))


def _times(dates: Iterable[PartialDate]) -> set[str]:
    return {date for date in dates if "T" in date}


def _differ(a: Collection[object], b: Collection[object]) -> bool:
    """Both are known and have nothing in common."""
    return bool(a) and bool(b) and set(a).isdisjoint(b)

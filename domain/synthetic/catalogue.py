"""What illness looks like in the invented population: drugs, analytes, panels, diseases and vaccines.

The data stand in `catalogue.json`; here they only become typed values. Codes (ICD-10, LOINC, ATC, CVX) are
examples for tests and demonstrations, not clinical advice.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeVar

Value = TypeVar("Value")
_DATA: dict[str, Any] = json.loads(files(__package__).joinpath("catalogue.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Drug:
    code: str
    name: str
    ingredient: str
    strength: str
    unit: str
    form: str
    registration: str
    atc: str
    price: int  # VND per unit
    route: str
    group: int


@dataclass(frozen=True, slots=True)
class Analyte:
    """`mean` is a number with `sd`, or the possible texts joined by "|", the usual one first."""

    code: str
    name: str
    unit: str
    ucum: str
    loinc: str
    low: float | None
    high: float | None
    mean: float | str
    sd: float
    decimals: int
    display: str


@dataclass(frozen=True, slots=True)
class Finding:
    description: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A billable service (DVKT): a laboratory panel, an imaging or functional test, or a procedure."""

    code: str
    name: str
    price: int
    kind: Literal["lab", "imaging", "functional", "procedure"]
    analytes: tuple[str, ...]
    findings: tuple[Finding, ...]
    icd9: str
    display: str
    loinc: str


@dataclass(frozen=True, slots=True)
class Dosing:
    drug: str
    units: int
    times: int


@dataclass(frozen=True, slots=True)
class Disease:
    """`shift` moves an analyte's mean in the ill, `season` lists the months preferred, `onset` is an age range."""

    icd: str
    name: str
    display: str
    reason: str
    drugs: tuple[Dosing, ...]
    child_drugs: tuple[Dosing, ...]
    panels: tuple[str, ...]
    procedures: tuple[str, ...]
    course: str
    advice: str
    ages: tuple[int, int]
    weight: float
    inpatient: float
    referral: float
    sex: str | None
    department: str
    finding: int
    shift: dict[str, float]
    snomed: str
    chronic: bool
    days: int
    onset: tuple[int, int]
    season: frozenset[int]


@dataclass(frozen=True, slots=True)
class Vaccine:
    name: str
    antigens: tuple[str, ...]
    diseases: tuple[str, ...]
    cvx: str
    atc: str
    products: tuple[str, ...]
    program: str


@dataclass(frozen=True, slots=True)
class ScheduledDose:
    """Dose `dose` of `vaccine` is due at `months` of age plus `days`."""

    vaccine: str
    dose: int
    months: int
    days: int


@dataclass(frozen=True, slots=True)
class Allergen:
    key: str
    name: str
    display: str
    category: str
    snomed: str
    reaction: str
    severity: str
    criticality: str


@dataclass(frozen=True, slots=True)
class RelativeIllness:
    disease: str
    relation: str  # HL7 v3 RoleCode
    label: str


def _panel(row: dict[str, Any]) -> Panel:
    findings = tuple(Finding(**finding) for finding in row["findings"])
    return Panel(**{**row, "analytes": tuple(row["analytes"]), "findings": findings})


def _disease(row: dict[str, Any]) -> Disease:
    parts = {
        "drugs": tuple(Dosing(*dosing) for dosing in row["drugs"]),
        "child_drugs": tuple(Dosing(*dosing) for dosing in row["child_drugs"]),
        "season": frozenset(row["season"]),
        **{field: tuple(row[field]) for field in ("panels", "procedures", "ages", "onset")},
    }
    return Disease(**{**row, **parts})


def _vaccine(row: dict[str, Any]) -> Vaccine:
    return Vaccine(**{**row, **{field: tuple(row[field]) for field in ("antigens", "diseases", "products")}})


def _table(name: str, make: Callable[[dict[str, Any]], Value]) -> dict[str, Value]:
    return {key: make(row) for key, row in _DATA[name].items()}


DRUGS = _table("drugs", lambda row: Drug(**row))
ANALYTES = _table("analytes", lambda row: Analyte(**row))
PANELS = _table("panels", _panel)
DISEASES = _table("diseases", _disease)
VACCINES = _table("vaccines", _vaccine)
SCHEDULE = tuple(ScheduledDose(**row) for row in _DATA["schedule"])
ALLERGENS = {row["key"]: Allergen(**row) for row in _DATA["allergies"]}
FAMILY_HISTORY = tuple(RelativeIllness(**row) for row in _DATA["family_history"])

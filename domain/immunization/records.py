"""A forecast's person and doses from a record as the API names its fields: whoever reads the book, the same rules hold.

`demographics`: birthDate, sex, isDeceased; `immunizations`: shown doses, each with its `reports`; `allergies`, and
`conditions` in `nodes`, where they were opened.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from domain.immunization import history, pregnancies
from domain.immunization.history import Dose, Person
from domain.immunization.periods import Span

Row = Mapping[str, Any]
_NO_ALLERGY = frozenset({"refuted", "entered-in-error"})


def rows_of(record: Row) -> dict[str, Row]:
    """Every dose that was given or not, by id."""
    return {row["id"]: row for shown in record["immunizations"] or () for row in _reports(shown)}


def _reports(shown: Row) -> Iterable[Row]:
    """A dose as it is shown, and other products of that day against the same: drops and a shot are two doses."""
    yield shown
    products = {dose_of(shown).vaccine, None}
    for report in shown["reports"]:
        product = dose_of(report).vaccine
        if product not in products and report["status"] == shown["status"]:
            products.add(product)
            yield report


def dose_of(row: Row) -> Dose:
    return history.dose(
        row["id"],
        occurred=row["occurred"],
        status=row["status"],
        status_reason=row["statusReason"],
        system=row["vaccineSystem"],
        code=row["vaccineCode"],
        words=row["vaccine"],
        antigens=row["antigens"],
        is_subpotent=row["isSubpotent"],
    )


def person_of(record: Row, today: date) -> Person:
    about = record["demographics"] or {}
    allergies = [
        history.allergy(system=one["codeSystem"], code=one["code"], words=one["display"])
        for one in record.get("allergies") or ()
        if not one["isAbsence"] and one["verificationStatus"] not in _NO_ALLERGY and one["clinicalStatus"] != "resolved"
    ]
    return Person(
        born=Span.read(about.get("birthDate")),
        sex=about.get("sex"),
        pregnancy=pregnancies.current(_noted(record), today),
        allergies=frozenset().union(*allergies),
        is_deceased=bool(about.get("isDeceased")),
    )


def _noted(record: Row) -> Iterable[pregnancies.Noted]:
    for one in (record.get("conditions") or {"nodes": ()})["nodes"]:
        yield pregnancies.Noted(
            one["icd10"], one["occurred"], one["abatement"], one["clinicalStatus"], one["verificationStatus"]
        )

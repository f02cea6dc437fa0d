"""Illnesses of relatives, as far as they matter to this person: one item for each relative and illness.

FHIR R4 FamilyMemberHistory, whose conditions become items of their own. QĐ 4750 has no field for it (domain: 3.9).
Code systems as sent: HL7 v3 RoleCode for the relation, SNOMED CT or ICD-10 for the illness.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import fhir_systems as systems
from domain.exchange import labels
from domain.exchange.fhir import NOTHING, Concept, Node, Resource
from domain.exchange.histories import When, diagnosis, diagnosis_key, icd10_of, unknown, when, when_fields
from domain.exchange.qd4750 import Visit
from domain.sections.section import Section
from domain.values import PartialDate, new_id


class FamilyHistory(Item, Base):
    __tablename__ = "family_history"

    status: Mapped[str] = mapped_column(default="completed")
    relation_system: Mapped[str | None] = mapped_column(default=None)
    relation_code: Mapped[str | None] = mapped_column(default=None)
    relation: Mapped[str | None] = mapped_column(default=None)
    relative_name: Mapped[str | None] = mapped_column(default=None)
    relative_sex: Mapped[str | None] = mapped_column(default=None)
    born: Mapped[PartialDate | None] = mapped_column(default=None)
    born_text: Mapped[str | None] = mapped_column(default=None)
    is_deceased: Mapped[bool | None] = mapped_column(default=None)
    deceased: Mapped[PartialDate | None] = mapped_column(default=None)
    deceased_text: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    icd10: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    onset: Mapped[PartialDate | None] = mapped_column(default=None)
    onset_age_years: Mapped[Decimal | None] = mapped_column(default=None)
    onset_text: Mapped[str | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    contributed_to_death: Mapped[bool | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """One illness of one relative; two brothers are told apart only where they are named."""
        name = self.relative_name.casefold() if self.relative_name else None
        relation = self.relation_code or (self.relation or "").casefold()
        return (relation, name, diagnosis_key(self.icd10 or self.code, self.display))

    def content(self) -> tuple[object, ...]:
        """Reports of one illness of a relative differ in detail, never in substance."""
        return (self.status == "entered-in-error",)


def from_fhir(resource: Resource) -> Iterable[FamilyHistory]:
    if resource.type != "FamilyMemberHistory":
        return
    relation = resource.concept("relationship")
    conditions = [node for node in resource.children("condition") if node.concept("code")]
    if not (relation or conditions):
        resource.warn("relationship", "names neither a relative nor an illness", "required")
        return
    if not conditions:
        yield _row(resource, relation, None, is_first=True)
    for index, node in enumerate(conditions):
        yield _row(resource, relation, node, is_first=index == 0)


def _row(resource: Resource, relation: Concept, condition: Node | None, *, is_first: bool) -> FamilyHistory:
    illness = condition.concept("code") if condition else NOTHING
    return FamilyHistory(
        id=resource.row_id if is_first else new_id(),
        document="FamilyMemberHistory",
        sensitivity=labels.of_resource(resource, *([condition] if condition else [])),
        occurred=resource.date("date"),
        status=resource.string("status") or "partial",
        relation_system=relation.system,
        relation_code=relation.code,
        relation=relation.display,
        code_system=illness.system,
        code=illness.code,
        icd10=icd10_of(illness),
        display=illness.display,
        **_relative(resource),
        **(_illness(condition) if condition else {}),
        note=(condition.notes() if condition else None) or resource.notes(),
    )


def _relative(resource: Resource) -> dict[str, Any]:
    born, died = _birth(resource), _death(resource)
    sex = resource.concept("sex")
    is_known_dead = True if died != When() else None
    return {
        "relative_name": resource.string("name"),
        "relative_sex": sex.code or sex.display,
        "born": born.date,
        "born_text": born.text,
        "is_deceased": is_known_dead or resource.boolean("deceasedBoolean"),
        "deceased": died.date,
        "deceased_text": died.text,
    }


def _birth(resource: Resource) -> When:
    date = resource.date("bornDate") or resource.period("bornPeriod")[0]
    return When(date) if date else When(None, resource.string("bornString"))


def _death(resource: Resource) -> When:
    date = resource.date("deceasedDate")
    return When(date) if date else when(resource, "deceased")


def _illness(node: Node) -> dict[str, Any]:
    onset, outcome = when(node, "onset"), node.concept("outcome")
    years = _years(node)
    return {
        "onset": onset.date,
        "onset_age_years": years,
        "onset_text": onset.text if years is None else None,
        "outcome": outcome.display or outcome.code,
        "contributed_to_death": node.boolean("contributedToDeath"),
    }


def _years(node: Node) -> Decimal | None:
    """The age at onset where it is given in years (UCUM `a`); other units stay words."""
    age = node.child("onsetAge")
    if age is None or node.has("onsetDateTime"):
        return None
    units = {age.string("code"), (age.string("unit") or "").casefold()}
    return age.number("value") if units & {"a", "year", "years", "yr", "tuổi"} else None


def from_qd4750(visit: Visit) -> Iterable[FamilyHistory]:
    """None: QĐ 4750 has no place for it."""
    del visit
    return ()


def to_fhir(row: FamilyHistory) -> dict[str, Any]:
    code = diagnosis(row.code_system, row.code, row.icd10, row.display)
    return out.resource(
        "FamilyMemberHistory",
        row,
        status=row.status,
        patient=out.subject(row),
        date=row.occurred,
        name=row.relative_name,
        relationship=out.concept(row.relation_system, row.relation_code, row.relation) or unknown(),
        sex=_sex_out(row.relative_sex),
        **({"bornDate": row.born} if row.born else {"bornString": row.born_text}),
        **_death_out(row),
        note=None if code else out.annotations(row.note),
        condition=out.listed([_illness_out(row, code)]) if code else None,
    )


def _sex_out(sex: str | None) -> dict[str, Any] | None:
    return out.concept("http://hl7.org/fhir/administrative-gender", sex, None)


def _death_out(row: FamilyHistory) -> dict[str, Any]:
    if row.deceased:
        return {"deceasedDate": row.deceased}
    return {"deceasedString": row.deceased_text} if row.deceased_text else {"deceasedBoolean": row.is_deceased}


def _illness_out(row: FamilyHistory, code: dict[str, Any] | None) -> dict[str, Any]:
    years = row.onset_age_years
    age = {"value": out.number(years), "unit": "a", "system": systems.UCUM, "code": "a"} if years is not None else None
    onset = {"onsetAge": age} if age else when_fields("onset", row.onset, row.onset_text)
    return out.filled(
        {
            "code": code,
            "outcome": out.concept(None, None, row.outcome),
            "contributedToDeath": row.contributed_to_death,
            **onset,
            "note": out.annotations(row.note),
        }
    )


SECTION = Section(
    name="family_history",
    vi="Tiền sử gia đình",
    en="Family history",
    holds=("FamilyMemberHistory",),
    smart=("patient/FamilyMemberHistory.rs",),
    model=FamilyHistory,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

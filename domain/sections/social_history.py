"""How a person lives, as far as it bears on health: tobacco, alcohol, work, activity, pregnancy.

FHIR R4 Observation with category social-history, and the well-known questions of that kind under any other category
(some senders file the smoking status as a survey). QĐ 4750 has no field for it (domain: 1.3 risk factors); the
occupation of XML1 stands in demographics. Code systems as sent: LOINC, SNOMED CT or words.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.fhir_systems import LOINC, OBSERVATION_CATEGORY, SNOMED
from domain.exchange.observations import category_of, in_words, value_fields, value_of
from domain.exchange.qd4750 import Visit
from domain.sections.section import Section
from domain.values import PartialDate

CATEGORY = "social-history"
_QUESTIONS = {
    "tobacco": ("72166-2", "11367-0", "11366-2", "8663-7", "8664-5", "229819007"),
    "alcohol": ("74013-4", "11331-6", "75626-2", "160573003"),
    "drugs": ("11343-1",),
    "activity": ("82290-8", "68516-4"),
    "occupation": ("11341-5", "11340-7", "21843-8", "74165-2"),
    "pregnancy": ("82810-3", "11449-6", "11778-8", "11636-8"),
}
_WORDS = {
    "tobacco": ("thuốc lá", "thuốc lào", "tobacco", "smok"),
    "alcohol": ("rượu", "uống bia", "alcohol"),
    "drugs": ("ma túy", "ma tuý", "drug use"),
    "activity": ("thể lực", "thể dục", "physical activity", "exercise"),
    "occupation": ("nghề nghiệp", "occupation"),
    "pregnancy": ("mang thai", "có thai", "thai kỳ", "pregnan"),
}
_ELSEWHERE = ("laboratory", "vital-signs", "imaging")


class SocialHistory(Item, Base):
    __tablename__ = "social_history"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="final")
    kind: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    value: Mapped[str | None] = mapped_column(default=None)
    value_number: Mapped[Decimal | None] = mapped_column(default=None)
    unit: Mapped[str | None] = mapped_column(default=None)
    value_system: Mapped[str | None] = mapped_column(default=None)
    value_code: Mapped[str | None] = mapped_column(default=None)
    ended: Mapped[PartialDate | None] = mapped_column(default=None)
    answers: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    performer: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """One question asked once; asked again later, it is a new fact."""
        return (self.code or (self.display or "").casefold(), self.occurred)

    def content(self) -> tuple[object, ...]:
        """Answers to one question contradict each other; how they are filed and by whom does not matter."""
        return (self.value_code or self.value, self.status == "entered-in-error")


def from_fhir(resource: Resource) -> Iterable[SocialHistory]:
    if resource.type != "Observation" or not _is_social(resource):
        return
    code, value = resource.concept("code"), value_of(resource)
    start, end = resource.period("effectivePeriod")
    yield SocialHistory(
        id=resource.row_id,
        document="Observation",
        sensitivity=_label(resource),
        occurred=resource.date("effectiveDateTime", "effectiveInstant") or start or resource.date("issued"),
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        kind=kind_of(code),
        code_system=code.system,
        code=code.code,
        display=code.display,
        value=value.text,
        value_number=value.number,
        unit=value.unit,
        value_system=value.system,
        value_code=value.code,
        ended=end,
        answers=[answer for node in resource.children("component") if (answer := _answer(node))] or None,
        performer=in_words(resource, "performer"),
        note=resource.notes(),
    )


def _is_social(resource: Resource) -> bool:
    category = category_of(resource)
    if category == CATEGORY:
        return True
    return category not in _ELSEWHERE and _known_kind(resource.concept("code")) is not None


def kind_of(code: Concept) -> str | None:
    """tobacco, alcohol, drugs, activity, occupation or pregnancy: by code, else by the words."""
    words = (code.display or "").casefold()
    by_words = (kind for kind, parts in _WORDS.items() if any(part in words for part in parts))
    return _known_kind(code) or next(by_words, None)


def _known_kind(code: Concept) -> str | None:
    codes = {code for system, code in code.codings if system in (LOINC, SNOMED)}
    return next((kind for kind, questions in _QUESTIONS.items() if codes.intersection(questions)), None)


def _label(resource: Resource) -> str:
    """By the questions, and by the answers where only they tell."""
    answers = [resource, *resource.children("component")]
    values = [concept for node in answers if (concept := node.child("valueCodeableConcept"))]
    by_answer = (labels.of_concept(concept) for concept in values)
    return labels.strictest(labels.of_resource(resource, *answers), *by_answer)


def _answer(node: Node) -> dict[str, Any]:
    code, value = node.concept("code"), value_of(node)
    return out.filled({"question": code.display or code.code, "value": value.text, "unit": value.unit})


def from_qd4750(visit: Visit) -> Iterable[SocialHistory]:
    """None: QĐ 4750 has no place for it."""
    del visit
    return ()


def to_fhir(row: SocialHistory) -> dict[str, Any]:
    when = (
        {"effectivePeriod": out.period(row.occurred, row.ended)} if row.ended else {"effectiveDateTime": row.occurred}
    )
    return out.resource(
        "Observation",
        row,
        status=row.status,
        category=out.category(OBSERVATION_CATEGORY, CATEGORY),
        code=out.concept(row.code_system, row.code, row.display),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **when,
        performer=out.listed([out.named(row.performer)]),
        **_value_out(row),
        note=out.annotations(row.note),
        component=out.listed(_answer_out(answer) for answer in row.answers or []),
    )


def _value_out(row: SocialHistory) -> dict[str, Any]:
    if row.value_code:
        return {"valueCodeableConcept": out.concept(row.value_system, row.value_code, row.value)}
    return value_fields(row.value, row.value_number, row.unit)


def _answer_out(answer: dict[str, Any]) -> dict[str, Any]:
    value, unit = answer.get("value"), answer.get("unit")
    question = {"text": answer.get("question")}
    return out.filled({"code": question, **value_fields(value, out.decimal(value) if unit else None, unit)})


SECTION = Section(
    name="social_history",
    vi="Lối sống và yếu tố nguy cơ",
    en="Social history",
    holds=("Observation",),
    smart=(f"patient/Observation.rs?category={OBSERVATION_CATEGORY}|{CATEGORY}",),
    model=SocialHistory,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

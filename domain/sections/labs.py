"""Laboratory results: what was measured, when, and what the laboratory said of it.

FHIR R4 Observation with category laboratory; QĐ 4750 XML4 rows with a value. The standard of Vietnam carries no
reference range and no flag (domain: XML4), so both are null there and never computed here. Codes as sent, mostly
LOINC; the national analyte code (MA_CHI_SO, QĐ 1227/2025) stands beside it, for it joins the reports of one result.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.fhir import Resource
from domain.exchange.fhir_systems import ANALYTE, INTERPRETATION, SERVICE
from domain.exchange.observations import CATEGORY, category_of, in_words, plain, value_fields, value_of
from domain.exchange.qd4750 import Visit
from domain.exchange.qd4750.tables import Result
from domain.sections.section import Section
from domain.values import PartialDate

_MINUTE = len("2025-03-14T07:30")
_LONGEST_FLAG = 4  # HH, POS, DET: codes of v3-ObservationInterpretation; longer ones are words


class Lab(Item, Base):
    __tablename__ = "labs"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="final")
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    analyte_code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    value: Mapped[str | None] = mapped_column(default=None)
    value_number: Mapped[Decimal | None] = mapped_column(default=None)
    unit: Mapped[str | None] = mapped_column(default=None)
    reference_low: Mapped[Decimal | None] = mapped_column(default=None)
    reference_high: Mapped[Decimal | None] = mapped_column(default=None)
    reference_text: Mapped[str | None] = mapped_column(default=None)
    interpretation: Mapped[str | None] = mapped_column(default=None)
    service_code: Mapped[str | None] = mapped_column(default=None)
    performer: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """One measurement: what was measured, and when to the minute (QĐ 4750 knows no seconds)."""
        what = self.analyte_code or self.code or (self.display or "").casefold()
        return (what, self.occurred[:_MINUTE] if self.occurred else None)

    def content(self) -> tuple[object, ...]:
        """The result itself; a range or a flag that only one sender gives is no dispute."""
        number = self.value_number
        value = (self.value or "").casefold() if number is None else plain(number)
        return (value, (self.unit or "").casefold(), self.status == "entered-in-error")


def from_fhir(resource: Resource) -> Iterable[Lab]:
    if resource.type != "Observation" or category_of(resource) != "laboratory":
        return
    code = resource.concept("code")
    value, flag = value_of(resource), resource.concept("interpretation")
    range_ = next(resource.children("referenceRange"), None)
    low = range_.quantity("low") if range_ else None
    high = range_.quantity("high") if range_ else None
    yield Lab(
        id=resource.row_id,
        document="Observation",
        sensitivity=labels.of_resource(resource),
        occurred=_taken(resource),
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        code_system=code.system,
        code=code.code,
        analyte_code=code.code_in(ANALYTE),
        display=code.display,
        value=value.text,
        value_number=value.number,
        unit=value.unit,
        reference_low=low.value if low else None,
        reference_high=high.value if high else None,
        reference_text=range_.string("text") if range_ else None,
        interpretation=flag.code or flag.display,
        service_code=_service(resource),
        performer=in_words(resource, "performer"),
        note=resource.notes(),
    )


def _taken(resource: Resource) -> PartialDate | None:
    start = resource.period("effectivePeriod")[0]
    return resource.date("effectiveDateTime", "effectiveInstant") or start or resource.date("issued")


def _service(resource: Resource) -> str | None:
    """The billable service ordered, where the sender names it by its code in Vietnam."""
    bases = (node.child("identifier") for node in resource.children("basedOn"))
    orders = (base.string("value") for base in bases if base and base.string("system") == SERVICE)
    return next((order for order in orders if order), None)


def from_qd4750(visit: Visit) -> Iterable[Lab]:
    by_visit = labels.of_visit(visit)
    for result in visit.results:
        if result.value is None:
            continue
        yield Lab(
            document="XML4",
            sensitivity=labels.strictest(by_visit, _label(result)),
            occurred=result.result_at,
            encounter_id=visit.encounter_id,
            code_system=ANALYTE if result.analyte_code else None,
            code=result.analyte_code,
            analyte_code=result.analyte_code,
            display=result.analyte_name,
            value=result.value,
            value_number=out.decimal(result.value),
            unit=result.unit,
            service_code=result.service_code,
            performer=result.read_by,
            note=result.conclusion,
        )


def _label(result: Result) -> str:
    words = None if out.decimal(result.value) is not None else result.value
    return labels.of_words(result.analyte_name, words, result.conclusion)


def to_fhir(row: Lab) -> dict[str, Any]:
    range_ = out.filled(
        {
            "low": out.quantity(row.reference_low, row.unit),
            "high": out.quantity(row.reference_high, row.unit),
            "text": row.reference_text,
        }
    )
    return out.resource(
        "Observation",
        row,
        status=row.status,
        category=out.category(CATEGORY, "laboratory"),
        code=_code_out(row),
        basedOn=out.listed([_order(row.service_code)]),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        effectiveDateTime=row.occurred,
        performer=out.listed([out.named(row.performer)]),
        **value_fields(row.value, row.value_number, row.unit),
        interpretation=out.listed([_flag(row.interpretation)]),
        note=out.annotations(row.note),
        referenceRange=out.listed([range_]),
    )


def _code_out(row: Lab) -> dict[str, Any] | None:
    own = out.coding(row.code_system, row.code, None) if row.code else None
    national = out.coding(ANALYTE, row.analyte_code, None) if row.analyte_code and row.code_system != ANALYTE else None
    return out.filled({"coding": out.listed([own, national]), "text": row.display}) or None


def _order(service: str | None) -> dict[str, Any] | None:
    return {"identifier": {"system": SERVICE, "value": service}} if service else None


def _flag(flag: str | None) -> dict[str, Any] | None:
    is_code = bool(flag) and len(flag or "") <= _LONGEST_FLAG
    return out.concept(INTERPRETATION, flag, None) if is_code else out.concept(None, None, flag)


SECTION = Section(
    name="labs",
    vi="Kết quả xét nghiệm",
    en="Laboratory results",
    holds=("Observation",),
    smart=("patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",),
    model=Lab,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

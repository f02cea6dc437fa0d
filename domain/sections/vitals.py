"""Vital signs and body measurements: blood pressure, pulse, temperature, breathing, oxygen, weight, height.

FHIR R4 Observation with category vital-signs, or with a code of the vital-signs profiles where the category is
missing; a blood pressure is one item with two components. QĐ 4750: XML1 weight (CAN_NANG) and height (DU_PHONG since
QĐ 3176), both taken on the day of arrival, and the `CSST<...>` block in the clinical notes of XML5. The level of care
in that block is no measurement; blood groups are in `demographics`.
Codes: LOINC as the FHIR vital-signs profiles have them, units UCUM.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import labels
from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_systems import INTERPRETATION, LOINC, OBSERVATION_CATEGORY
from domain.exchange.moments import minute_of
from domain.exchange.observations import category_of, in_words, plain, value_fields, value_of
from domain.exchange.qd4750 import ClinicalNote, Summary, Visit, Vitals
from domain.sections.section import Section
from domain.values import PartialDate, day_of

BLOOD_PRESSURE, SYSTOLIC, DIASTOLIC = "85354-9", "8480-6", "8462-4"
WEIGHT, HEIGHT, PULSE, TEMPERATURE = "29463-7", "8302-2", "8867-4", "8310-5"
RESPIRATION, OXYGEN = "9279-1", "2708-6"
# Older and narrower LOINC codes of the same measure; the right side is the one of the vital-signs profiles.
SAME = {
    "55284-4": BLOOD_PRESSURE,
    "35094-2": BLOOD_PRESSURE,
    "59408-5": OXYGEN,
    "3141-9": WEIGHT,
    "3142-7": WEIGHT,
    "3137-7": HEIGHT,
    "3138-5": HEIGHT,
    "8331-1": TEMPERATURE,
}
HEAD, BMI, PANEL, MEAN_PRESSURE = "9843-4", "39156-5", "85353-1", "8478-0"
_VITAL = frozenset(
    {
        *(WEIGHT, HEIGHT, PULSE, TEMPERATURE, RESPIRATION, OXYGEN, HEAD, BMI, PANEL),
        *(BLOOD_PRESSURE, SYSTOLIC, DIASTOLIC, MEAN_PRESSURE),
        *SAME,
    }
)
_WORDS = {
    WEIGHT: ("Cân nặng", "kg"),
    HEIGHT: ("Chiều cao", "cm"),
    PULSE: ("Mạch", "/min"),
    TEMPERATURE: ("Nhiệt độ", "Cel"),
    RESPIRATION: ("Nhịp thở", "/min"),
    OXYGEN: ("SpO2", "%"),
    SYSTOLIC: ("Huyết áp tâm thu", "mm[Hg]"),
    DIASTOLIC: ("Huyết áp tâm trương", "mm[Hg]"),
}


class Vital(Item, Base):
    __tablename__ = "vitals"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    status: Mapped[str] = mapped_column(default="final")
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    value: Mapped[str | None] = mapped_column(default=None)
    value_number: Mapped[Decimal | None] = mapped_column(default=None)
    unit: Mapped[str | None] = mapped_column(default=None)
    systolic: Mapped[Decimal | None] = mapped_column(default=None)
    diastolic: Mapped[Decimal | None] = mapped_column(default=None)
    components: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    interpretation: Mapped[str | None] = mapped_column(default=None)
    body_site: Mapped[str | None] = mapped_column(default=None)
    method: Mapped[str | None] = mapped_column(default=None)
    device: Mapped[str | None] = mapped_column(default=None)
    performer: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The same measure at the same minute, whichever of its LOINC codes was sent."""
        return (SAME.get(self.code or "", self.code) or self.display, minute_of(self.occurred))

    def content(self) -> tuple[object, ...]:
        """The figures, written alike: 52.50 is 52.5."""
        figures = (self.value_number, self.systolic, self.diastolic)
        words = self.value if not any(figure is not None for figure in figures) else None
        return (self.status, words, *(plain(figure) if figure is not None else None for figure in figures))


def from_fhir(resource: Resource) -> Iterable[Vital]:
    if resource.type != "Observation" or not _is_vital(resource):
        return
    code, value = resource.concept("code"), value_of(resource)
    parts = list(_components(resource))
    if value.text is None and not parts:
        return
    yield Vital(
        id=resource.row_id,
        document="Observation",
        sensitivity=labels.of_resource(resource),
        occurred=resource.date("effectiveDateTime", "effectiveInstant", "issued")
        or resource.period("effectivePeriod")[0],
        encounter_id=resource.encounter_id(),
        status=resource.string("status") or "unknown",
        code_system=code.system,
        code=code.code,
        display=code.display,
        value=value.text or _pressure(parts),
        value_number=value.number,
        unit=value.unit or (parts[0]["unit"] if value.text is None and _pressure(parts) else None),
        systolic=_figure(parts, SYSTOLIC),
        diastolic=_figure(parts, DIASTOLIC),
        components=[_shown(part) for part in parts] or None,
        interpretation=resource.concept("interpretation").code,
        body_site=_words(resource, "bodySite"),
        method=_words(resource, "method"),
        device=resource.name_of("device"),
        performer=in_words(resource, "performer"),
        note=resource.notes(),
    )


def _is_vital(resource: Resource) -> bool:
    """By its category; senders who leave it out, or call it an examination, are known by the code."""
    category = category_of(resource)
    if category in (None, "exam"):
        return any(system == LOINC and code in _VITAL for system, code in resource.concept("code").codings)
    return category == "vital-signs"


def _components(resource: Resource) -> Iterator[dict[str, Any]]:
    """Each measured part; `number` is a Decimal."""
    for node in resource.children("component"):
        code, value = node.concept("code"), value_of(node)
        if value.text is not None:
            yield {
                "code_system": code.system,
                "code": code.code,
                "display": code.display,
                "value": value.text,
                "value_number": value.number,
                "unit": value.unit,
            }


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    """A part as JSON holds it."""
    return {**part, "value_number": out.number(part["value_number"])}


def _figure(parts: list[dict[str, Any]], code: str) -> Decimal | None:
    return next((part["value_number"] for part in parts if part["code"] == code), None)


def _pressure(parts: list[dict[str, Any]]) -> str | None:
    """`120/80`, where both figures are there."""
    return _as_pressure(_figure(parts, SYSTOLIC), _figure(parts, DIASTOLIC))


def _as_pressure(systolic: Decimal | None, diastolic: Decimal | None) -> str | None:
    return f"{plain(systolic)}/{plain(diastolic)}" if systolic is not None and diastolic is not None else None


def _words(node: Node, name: str) -> str | None:
    concept = node.concept(name)
    return concept.display or concept.code


def from_qd4750(visit: Visit) -> Iterable[Vital]:
    if visit.summary is not None:
        yield from _body(visit, visit.summary)
    for note in visit.notes:
        if note.vitals is not None:
            yield from _signs(visit, note, note.vitals)


def _body(visit: Visit, summary: Summary) -> Iterator[Vital]:
    """Weight and height of XML1; a nought is a form that was not filled in."""
    on = day_of(summary.arrived_at)
    said = {"document": "XML1", "encounter_id": visit.encounter_id, "occurred": PartialDate(on) if on else None}
    for code, figure in ((WEIGHT, summary.weight_kg), (HEIGHT, summary.height_cm)):
        if figure is not None and figure > 0:
            yield _measured(code, figure, said)


def _signs(visit: Visit, note: ClinicalNote, signs: Vitals) -> Iterator[Vital]:
    said = {
        "document": "XML5",
        "encounter_id": visit.encounter_id,
        "occurred": note.noted_at,
        "performer": ", ".join(note.authors) or None,
    }
    figures = {
        PULSE: signs.pulse_per_min,
        TEMPERATURE: signs.temperature_c,
        RESPIRATION: signs.respiration_per_min,
        OXYGEN: signs.oxygen_saturation_pct,
    }
    for code, figure in figures.items():
        if figure is not None:
            yield _measured(code, Decimal(figure), said)
    if signs.systolic_mmhg is not None and signs.diastolic_mmhg is not None:
        yield _blood_pressure(Decimal(signs.systolic_mmhg), Decimal(signs.diastolic_mmhg), said)


def _measured(code: str, figure: Decimal, said: dict[str, Any]) -> Vital:
    display, unit = _WORDS[code]
    return Vital(
        code_system=LOINC,
        code=code,
        display=display,
        value=plain(figure),
        value_number=figure,
        unit=unit,
        **said,
    )


def _blood_pressure(systolic: Decimal, diastolic: Decimal, said: dict[str, Any]) -> Vital:
    return Vital(
        code_system=LOINC,
        code=BLOOD_PRESSURE,
        display="Huyết áp",
        value=_as_pressure(systolic, diastolic),
        unit="mm[Hg]",
        systolic=systolic,
        diastolic=diastolic,
        components=[_part(SYSTOLIC, systolic), _part(DIASTOLIC, diastolic)],
        **said,
    )


def _part(code: str, figure: Decimal) -> dict[str, Any]:
    display, unit = _WORDS[code]
    return {
        "code_system": LOINC,
        "code": code,
        "display": display,
        "value": plain(figure),
        "value_number": out.number(figure),
        "unit": unit,
    }


def to_fhir(row: Vital) -> dict[str, Any]:
    return out.resource(
        "Observation",
        row,
        status=row.status,
        category=out.category(OBSERVATION_CATEGORY, "vital-signs"),
        code=out.concept(row.code_system, row.code, row.display) or {"text": "vital sign"},
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        effectiveDateTime=row.occurred,
        performer=out.listed([out.named(row.performer)]),
        **_written_value(row),
        interpretation=out.listed([out.concept(INTERPRETATION, row.interpretation, None)]),
        note=out.annotations(row.note),
        bodySite=out.concept(None, None, row.body_site),
        method=out.concept(None, None, row.method),
        device=out.named(row.device),
        component=out.listed(_written_part(part) for part in row.components or []),
    )


def _written_value(row: Vital) -> dict[str, Any]:
    """A blood pressure has its figures in the components only (FHIR R4 profile bp)."""
    if row.value is not None and row.value == _as_pressure(row.systolic, row.diastolic):
        return {}
    return value_fields(row.value, row.value_number, row.unit)


def _written_part(part: dict[str, Any]) -> dict[str, Any]:
    number = part["value_number"]
    figure = Decimal(str(number)) if number is not None else None
    return out.filled(
        {
            "code": out.concept(part["code_system"], part["code"], part["display"]),
            **value_fields(part["value"], figure, part["unit"]),
        }
    )


SECTION = Section(
    name="vitals",
    vi="Dấu hiệu sinh tồn và số đo cơ thể",
    en="Vital signs and body measurements",
    holds=("Observation",),
    smart=("patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs",),
    model=Vital,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)

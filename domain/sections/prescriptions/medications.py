"""Which drug a FHIR resource means, and how it is to be taken: medication[x] and Dosage, each in one shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.exchange import labels
from domain.exchange.fhir import Concept, Node, Resource
from domain.exchange.fhir_systems import ATC
from domain.exchange.observations import plain
from domain.exchange.qd4750 import parse_dose
from domain.reference.sensitivity import label

_SLOTS = {"MORN": "morning", "NOON": "noon", "AFT": "afternoon", "EVE": "evening", "NIGHT": "evening", "HS": "evening"}
_DAYS = {"h": Decimal(24), "d": Decimal(1), "wk": Decimal(7)}
_CLOSE_ENOUGH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Medication:
    """medicationCodeableConcept, or the Medication (contained, or of the bundle) that medicationReference points to."""

    concept: Concept
    strength: str | None = None
    form: str | None = None
    lot_number: str | None = None
    expires_on: str | None = None
    sensitivity: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "drug_system": self.concept.system,
            "drug_code": self.concept.code,
            "drug": self.concept.display,
            "atc_code": self.concept.code_in(ATC),
        }


def medication_of(resource: Resource) -> Medication:
    concept = resource.child("medicationCodeableConcept")
    if concept:
        return Medication(resource.concept("medicationCodeableConcept"), sensitivity=labels.of_concept(concept))
    target = resource.follow(resource.reference("medicationReference"))
    if target is None or target.type != "Medication" or not target.concept("code"):
        return _in_words(resource.name_of("medicationReference"))
    form, batch = target.concept("form"), target.child("batch")
    return Medication(
        target.concept("code"),
        strength=" + ".join(_strengths(target)) or None,
        form=form.display or form.code,
        lot_number=batch.string("lotNumber") if batch else None,
        expires_on=batch.date("expirationDate") if batch else None,
        sensitivity=labels.of_resource(target),
    )


def _in_words(words: str | None) -> Medication:
    return Medication(Concept(display=words), sensitivity=label(texts=[words] if words else []))


def _strengths(medication: Resource) -> Iterator[str]:
    """`500 mg / 1 viên` of each active ingredient."""
    for ingredient in medication.children("ingredient"):
        ratio = ingredient.child("strength")
        ends = [ratio.quantity("numerator"), ratio.quantity("denominator")] if ratio else []
        words = [f"{plain(end.value)} {end.unit or ''}".strip() for end in ends if end]
        if words:
            yield " / ".join(words)


def dosage_of(resource: Resource, name: str) -> dict[str, Any]:
    """Columns of an item for a list of Dosage: the text as sent, and figures where they can be understood whole."""
    dosages = list(resource.children(name))
    texts = [text for node in dosages if (text := node.string("text"))]
    hints = [hint for node in dosages for hint in _hints(node)]
    text = "\n".join(texts) or None
    first = next(iter(dosages), None)
    return {
        "dose_text": text,
        "instructions": "\n".join(dict.fromkeys(hints)) or None,
        **(_general(first) if first else {}),
        **(_slots(dosages) or (_figures(first) if first and len(dosages) == 1 else {}) or figures_in(text)),
    }


def _hints(dosage: Node) -> Iterator[str]:
    hint = dosage.string("patientInstruction")
    if hint:
        yield hint
    for concept in dosage.concepts("additionalInstruction"):
        yield concept.display or concept.code or ""


def _general(dosage: Node) -> dict[str, Any]:
    """What holds for all steps of a dosage is read from the first."""
    route, reason = dosage.concept("route"), dosage.concept("asNeededCodeableConcept")
    repeat = _repeat(dosage)
    starts, ends = repeat.period("boundsPeriod") if repeat else (None, None)
    return {
        "route_system": route.system,
        "route_code": route.code,
        "route": route.display,
        "is_as_needed": True if reason else dosage.boolean("asNeededBoolean"),
        "as_needed_for": reason.display or reason.code,
        "starts": starts,
        "ends": ends,
    }


def figures_in(text: str | None) -> dict[str, Any]:
    """The figures of a dose written in the grammar of QĐ 4750 XML2 LIEU_DUNG; nothing of any other text."""
    dose = parse_dose(text)
    if dose is None:
        return {}
    return {
        "dose_kind": dose.kind,
        "dose_per_time": dose.per_time,
        "dose_unit": dose.unit,
        "times_per_day": dose.times_per_day,
        "per_day": dose.per_day,
        "dose_days": dose.days,
        **{str(slot): amount for slot, amount in dose.slots.items()},
    }


def _slots(dosages: list[Node]) -> dict[str, Any]:
    """An uneven dose: several steps, each at one time of the day, in one unit; else nothing."""
    found: dict[str, Any] = {}
    units = set()
    for dosage in dosages:
        repeat, amount = _repeat(dosage), _amount(dosage)
        times = repeat.strings("when") if repeat else []
        slot = _SLOTS.get(times[0]) if len(times) == 1 else None
        if amount is None or slot is None or slot in found:
            return {}
        found[slot] = amount[0]
        units.add(amount[1])
    if len(found) < 2 or len(units) > 1:  # noqa: PLR2004 -- one step is a regular dose
        return {}
    return {"dose_kind": "uneven", "dose_unit": units.pop(), "per_day": sum(found.values()), **found}


def _figures(dosage: Node) -> dict[str, Any]:
    """A regular dose: an amount, or how often, or both."""
    repeat, amount = _repeat(dosage), _amount(dosage)
    times = _times_per_day(repeat) if repeat else None
    if amount is None and times is None:
        return {}
    per_day = (amount[0] * times).quantize(_CLOSE_ENOUGH).normalize() if amount and times else None
    return {
        "dose_kind": "regular" if amount else "topical",
        "dose_per_time": amount[0] if amount else None,
        "dose_unit": amount[1] if amount else None,
        "times_per_day": times,
        "per_day": per_day,
        "dose_days": _days(repeat) if repeat else None,
    }


def _repeat(dosage: Node) -> Node | None:
    timing = dosage.child("timing")
    return timing.child("repeat") if timing else None


def _amount(dosage: Node) -> tuple[Decimal, str | None] | None:
    rates = (node.quantity("doseQuantity") for node in dosage.children("doseAndRate"))
    rate = next((rate for rate in rates if rate), None)
    return (rate.value, rate.unit) if rate and 0 < rate.value < 10**9 else None


def _times_per_day(repeat: Node) -> Decimal | None:
    """How often, per period: both of which FHIR leaves to be one; weeks and hours are turned into days."""
    unit = _DAYS.get(repeat.string("periodUnit") or "")
    if unit is None or not (repeat.has("frequency") or repeat.has("period")):
        return None
    frequency = repeat.number("frequency") if repeat.has("frequency") else Decimal(1)
    period = repeat.number("period") if repeat.has("period") else Decimal(1)
    if not (frequency and period and 0 < frequency < 10**6 and Decimal("0.01") <= period < 10**6):
        return None
    each_day = Decimal(24) / period if unit == _DAYS["h"] else 1 / (period * unit)
    return (frequency * each_day).quantize(_CLOSE_ENOUGH).normalize()


def _days(repeat: Node) -> int | None:
    bounds = repeat.child("boundsDuration")
    value = bounds.number("value") if bounds else None
    unit = _DAYS.get((bounds.string("code") or bounds.string("unit") or "") if bounds else "")
    if value is None or unit is None or unit == _DAYS["h"] or not 0 < value < 10**5:
        return None
    return int(value * unit)

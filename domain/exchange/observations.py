"""What the sections made of FHIR Observations share: which category one is, and its value in one shape."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange.fhir import Node, Quantity, Resource

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_KNOWN = (
    "laboratory",
    "vital-signs",
    "social-history",
    "imaging",
    "procedure",
    "survey",
    "exam",
    "therapy",
    "activity",
)

COMPARATORS = ("<", "<=", ">=", ">")
_YEAR = re.compile(r"[0-9]{4}")
_COMPARED = re.compile(r"(<=|>=|<|>)\s*([0-9.,]+)")


@dataclass(frozen=True, slots=True)
class Value:
    """`text` is what to show; `number` and `unit` where it is one; `system` and `code` where it is a code."""

    text: str | None = None
    number: Decimal | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


def category_of(resource: Resource) -> str | None:
    """The first category of the standard list, however the sender spelled its system."""
    codes = {code for concept in resource.concepts("category") for _, code in concept.codings}
    words = {(concept.display or "").casefold() for concept in resource.concepts("category")}
    return next((known for known in _KNOWN if known in codes or known in words), None)


def value_of(node: Node) -> Value:
    """Observation.value[x] of a resource or of one component."""
    quantity = node.quantity("valueQuantity")
    if quantity is not None:
        return _measured(node, quantity)
    number = node.number("valueInteger")
    if number is not None:
        return Value(plain(number), number)
    concept = node.concept("valueCodeableConcept")
    if concept:
        return Value(concept.display or concept.code, system=concept.system, code=concept.code)
    words = node.string("valueString") or node.string("valueTime")
    return (
        Value(words, out.decimal(words)) if words else Value(node.date("valueDateTime") or _pair(node) or _truth(node))
    )


def _truth(node: Node) -> str | None:
    truth = node.boolean("valueBoolean")
    return None if truth is None else "true" if truth else "false"


def _measured(node: Node, quantity: Quantity) -> Value:
    """A quantity; one with a comparator ("< 0.5") is no number to draw in a chart, so it stays text."""
    given = node.child("valueQuantity")
    comparator = given.string("comparator") if given else None
    if comparator in COMPARATORS:
        return Value(f"{comparator}{plain(quantity.value)}", None, quantity.unit)
    return Value(plain(quantity.value), quantity.value, quantity.unit)


def _pair(node: Node) -> str | None:
    """A titre (`1:128`) or a range (`5-10`), in words."""
    for name, first, second, sign in (
        ("valueRatio", "numerator", "denominator", ":"),
        ("valueRange", "low", "high", "-"),
    ):
        pair = node.child(name)
        ends = (pair.quantity(first), pair.quantity(second)) if pair else (None, None)
        if ends[0] and ends[1]:
            unit = ends[1].unit or ends[0].unit
            return f"{plain(ends[0].value)}{sign}{plain(ends[1].value)}{f' {unit}' if unit else ''}"
    return None


def plain(value: Decimal) -> str:
    """A number as people write it: no exponent, no trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


def in_words(resource: Resource, name: str) -> str | None:
    """Names of who a list of references means (performer, participant), one after the other."""
    names = [words for node in resource.children(name) if (words := resource.name_behind(node))]
    return ", ".join(dict.fromkeys(names)) or None


def _is_exact(number: Decimal) -> bool:
    """JSON's numbers hold some 15 digits; a longer one without a unit is better kept as words."""
    return Decimal(str(out.number(number))) == number


def value_fields(value: str | None, number: Decimal | None, unit: str | None) -> dict[str, Any]:
    """The value[x] key of an Observation to write; what is no number with a comparator or without stays words."""
    if number is not None and (unit or value is None or (value == plain(number) and _is_exact(number))):
        return {"valueQuantity": out.quantity(number, unit)}
    match = _COMPARED.fullmatch(value or "")
    limit = out.decimal(match.group(2)) if match else None
    if match and limit is not None and (unit or value == f"{match.group(1)}{plain(limit)}"):
        return {"valueQuantity": {"comparator": match.group(1), **(out.quantity(limit, unit) or {})}}
    is_year = number is None and value is not None and _YEAR.fullmatch(value)  # a count would have its number
    return {"valueDateTime" if is_year else "valueString": value}

"""Reading FHIR R4 JSON that strangers wrote: typed, bounded access that never raises and says what it could not read.

A `Node` is one JSON object seen with its place; what has the wrong type is treated as absent and noted as a warning.
`Resource` is a node that stands in a bundle: it follows references and names the row that will hold it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from uuid import UUID

from domain.exchange.issues import Issue, warning
from domain.values import PartialDate, new_id, partial_date

LONGEST_STRING = 1_000_000  # FHIR R4 2.24.0.1: a string is at most 1 MB
LONGEST_LIST = 5_000


@dataclass(frozen=True, slots=True)
class Concept:
    """A CodeableConcept in one piece: the first coding with a code, all codings, and the words."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    codings: tuple[tuple[str | None, str | None], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code or self.display)

    def has(self, *codes: str) -> bool:
        return any(code in codes for _, code in self.codings)

    def code_in(self, system: str) -> str | None:
        return next((code for other, code in self.codings if other == system and code), None)


NOTHING = Concept()


@dataclass(frozen=True, slots=True)
class Quantity:
    value: Decimal
    unit: str | None


class Bundle(Protocol):
    """What a resource needs of the bundle it stands in."""

    @property
    def resources(self) -> "Sequence[Resource]":
        """All resources of the bundle in order, without the contained ones."""

    def resolve(self, reference: str, base: "Resource") -> "Resource | None":
        """The resource a reference means (urn:uuid, relative, absolute, contained `#id`, conditional), or None."""


@dataclass(slots=True)
class Node:
    body: Mapping[str, Any]
    type: str
    position: int | None
    issues: list[Issue]
    path: str = ""

    def warn(self, name: str, message: str, code: str = "value") -> None:
        self.issues.append(warning(code, self.type, self.position, f"{self.path}{name}", message))

    def has(self, name: str) -> bool:
        return self.body.get(name) is not None

    def string(self, name: str) -> str | None:
        """Stripped text, or None where absent or empty."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.warn(name, "is not a string")
            return None
        return clean(value)

    def boolean(self, name: str) -> bool | None:
        value = self.body.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.warn(name, "is not true or false")
        return None

    def number(self, name: str) -> Decimal | None:
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            self.warn(name, "is not a number")
            return None
        return _decimal(value)

    def integer(self, name: str) -> int | None:
        value = self.number(name)
        return int(value) if value is not None and abs(value) < 2**31 else None

    def date(self, *names: str) -> PartialDate | None:
        """The first of several dates that is there and right (`occurrenceDateTime`, else `recorded`)."""
        for name in names:
            text = self.string(name)
            if text is None:
                continue
            try:
                return partial_date(text)
            except ValueError as wrong:
                self.warn(name, str(wrong))
        return None

    def period(self, name: str) -> tuple[PartialDate | None, PartialDate | None]:
        node = self.child(name)
        return (node.date("start"), node.date("end")) if node else (None, None)

    def child(self, name: str) -> "Node | None":
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.warn(name, "is not an object")
            return None
        return Node(value, self.type, self.position, self.issues, f"{self.path}{name}.")

    def children(self, name: str) -> "Iterator[Node]":
        values = self.body.get(name)
        if values is None:
            return
        if not isinstance(values, list):
            self.warn(name, "is not a list")
            return
        if len(values) > LONGEST_LIST:
            self.warn(name, f"has more than {LONGEST_LIST} entries; the rest is kept in the source only", "too-long")
        for index, value in enumerate(values[:LONGEST_LIST]):
            if isinstance(value, dict):
                yield Node(value, self.type, self.position, self.issues, f"{self.path}{name}[{index}].")
            else:
                self.warn(f"{name}[{index}]", "is not an object")

    def strings(self, name: str) -> list[str]:
        values = self.body.get(name)
        if not isinstance(values, list):
            return []
        return [text for value in values[:LONGEST_LIST] if isinstance(value, str) and (text := clean(value))]

    def concept(self, name: str) -> Concept:
        """A CodeableConcept (an object), or the first of a list of them; nothing where absent."""
        value = self.body.get(name)
        if isinstance(value, list):
            return next(iter(self.concepts(name)), NOTHING)
        node = self.child(name)
        return _concept(node) if node else NOTHING

    def concepts(self, name: str) -> list[Concept]:
        return [concept for node in self.children(name) if (concept := _concept(node))]

    def quantity(self, name: str) -> Quantity | None:
        node = self.child(name)
        value = node.number("value") if node else None
        if node is None or value is None:
            return None
        return Quantity(value, node.string("unit") or node.string("code"))

    def reference(self, name: str) -> str | None:
        node = self.child(name)
        return node.string("reference") if node else None

    def notes(self, name: str = "note") -> str | None:
        """Annotations in one text, one a line."""
        return "\n".join(text for node in self.children(name) if (text := node.string("text"))) or None


@dataclass(slots=True)
class Resource(Node):
    """A resource of a bundle. `row_id` is the id its row will have, so that others can point to it."""

    bundle: Bundle | None = None
    full_url: str | None = None
    row_id: UUID = field(default_factory=new_id)

    @property
    def id(self) -> str | None:
        return self.string("id")

    def identifiers(self) -> list[tuple[str | None, str]]:
        """(system, value) pairs, in order."""
        return [
            (node.string("system"), value) for node in self.children("identifier") if (value := node.string("value"))
        ]

    def follow(self, reference: str | None) -> "Resource | None":
        return self.bundle.resolve(reference, self) if reference and self.bundle else None

    def linked(self, name: str, of_type: str) -> "Resource | None":
        """The resource another field points to, where it stands in this bundle and has that type."""
        target = self.follow(self.reference(name))
        return target if target is not None and target.type == of_type else None

    def encounter_id(self) -> UUID | None:
        """The row of the visit this happened in (field `encounter`, `context` in DocumentReference-like ones)."""
        target = self.linked("encounter", "Encounter") or self.linked("context", "Encounter")
        return target.row_id if target else None

    def name_of(self, name: str) -> str | None:
        """Words for who a reference means: its display, else the name of the resource it points to."""
        node = self.child(name)
        return self.name_behind(node) if node else None

    def name_behind(self, node: Node) -> str | None:
        return node.string("display") or self._name_at(node)

    def _name_at(self, node: Node) -> str | None:
        """The name of a resource, or of who stands in its role; two steps at most, for references can go in circles."""
        target = self.follow(node.string("reference"))
        if target is None:
            return None
        roles = (target.child("practitioner"), target.child("organization"))
        others = (target.follow(role.string("reference")) for role in roles if role)
        return target.words() or next((name for other in others if other and (name := other.words())), None)

    def words(self) -> str | None:
        """A person's, an organization's or a medication's name in words, or the display of who holds a role."""
        if isinstance(self.body.get("name"), str):
            return self.string("name")
        for name in self.children("name"):
            parts = [*name.strings("prefix"), *name.strings("given"), name.string("family")]
            return name.string("text") or " ".join(part for part in parts if part) or None
        concept = self.concept("code")
        if concept:
            return concept.display or concept.code
        roles = (self.child("practitioner"), self.child("organization"))
        return next((display for role in roles if role and (display := role.string("display"))), None)


def clean(text: str) -> str | None:
    """Stripped and without characters that PostgreSQL or a screen cannot hold; None when nothing is left."""
    text = text[:LONGEST_STRING]
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char in "\n\t")
    return text.strip() or None


def _decimal(value: float | Decimal) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 30 else None  # noqa: PLR2004 -- far beyond medicine


def _concept(node: Node) -> Concept:
    codings = [
        (coding.string("system"), coding.string("code"), coding.string("display")) for coding in node.children("coding")
    ]
    text = node.string("text")
    if not codings:
        return Concept(None, None, text)
    system, code, display = next((coding for coding in codings if coding[1]), (None, None, None))
    words = text or display or next((words for *_, words in codings if words), None)
    return Concept(system, code, words, tuple((system, code) for system, code, _ in codings))

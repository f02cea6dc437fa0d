"""FHIR extensions for what Vietnam's standard says and FHIR R4 has no element for (costs, result of treatment, ...).

A section declares which of its columns travel so; they are written and read back under one address each:

    EXTENSIONS = Extensions("encounter", {"total_cost": "valueDecimal", "advice": "valueString"})
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from domain.database import Item
from domain.exchange import fhir_out as out
from domain.exchange.fhir import Node

BASE = "http://healthbook.vn/fhir/StructureDefinition/"

Kind = Literal["valueString", "valueCode", "valueDateTime", "valueDecimal", "valueInteger"]


@dataclass(frozen=True, slots=True)
class Extensions:
    """`columns` says which kind of value each column holds; a name in `lists` is a list of them, one extension each."""

    prefix: str
    columns: Mapping[str, Kind]
    lists: frozenset[str] = frozenset()

    def url(self, column: str) -> str:
        return f"{BASE}{self.prefix}-{column.replace('_', '-')}"

    def write(self, row: Item) -> list[dict[str, Any]] | None:
        return [self._one(column, value) for column in self.columns for value in self._values(row, column)] or None

    def read(self, node: Node) -> dict[str, Any]:
        """The columns that a resource says, to be handed to the row; what has the wrong type is absent."""
        names = {self.url(column): column for column in self.columns}
        found: dict[str, Any] = {}
        for extension in node.children("extension"):
            column = names.get(extension.string("url") or "")
            value = _read(extension, self.columns[column]) if column else None
            if column is None or value is None:
                continue
            if column in self.lists:
                found.setdefault(column, []).append(value)
            else:
                found.setdefault(column, value)
        return found

    def _values(self, row: Item, column: str) -> Iterator[Any]:
        value = getattr(row, column)
        if value is not None:
            yield from value if column in self.lists else (value,)

    def _one(self, column: str, value: object) -> dict[str, Any]:
        return {
            "url": self.url(column),
            self.columns[column]: out.number(value) if isinstance(value, Decimal) else value,
        }


def _read(extension: Node, kind: Kind) -> Any:
    if kind == "valueDateTime":
        return extension.date(kind)
    if kind == "valueDecimal":
        return extension.number(kind)
    if kind == "valueInteger":
        return extension.integer(kind)
    return extension.string(kind)

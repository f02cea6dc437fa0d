"""What a section of the book is: one value that everything else is derived from.

Scopes, consent texts, metadata, policies, audit names, FHIR import and export and the README table come from
the list in `domain/sections/__init__.py`; a section file declares its `SECTION` and is found nowhere else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from domain.database import Item, Part
from domain.exchange.fhir import Resource
from domain.exchange.qd4750 import Visit

Rows = Iterator[Item | Part]


@dataclass(frozen=True, slots=True)
class Tie:
    """Items of the section show rows `{r}` of another table, where `on` joins them to the item `{t}`."""

    of: type[Item]
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`from_fhir` maps one resource of a bundle to rows (none: not this section's); `from_qd4750` one visit.

    `to_fhir` is the way back for one shown item and its parts. `holds` names the FHIR R4 resource types it takes.
    """

    name: str
    vi: str
    en: str
    holds: tuple[str, ...]
    smart: tuple[str, ...]
    model: type[Item]
    parts: tuple[type[Item | Part], ...] = ()
    from_fhir: Callable[[Resource], Iterable[Item | Part]]
    from_qd4750: Callable[[Visit], Iterable[Item | Part]]
    to_fhir: Callable[[Any], dict[str, Any]]
    ties: tuple[Tie, ...] = ()
    scope: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", f"record:{self.name}:read")

    @property
    def models(self) -> tuple[type[Item | Part], ...]:
        return (self.model, *self.parts)

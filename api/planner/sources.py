"""Where a GraphQL field comes from: a column of the same name by default, else one of these declarations.

They stand next to the field, in its type:

    display: str | None = field("What was measured. FHIR: Observation.code.text")
    recorded_at: Instant = field("When it arrived.", Column("received_at"))
    id: strawberry.ID = field("Opaque id.", Expr("access.node_id('labs', {t}.patient_id, {t}.id)"))
    items: list[PrescriptionItem] = field("Its lines.", Rel("{r}.prescription_id = {t}.id", order="{r}.position"))
    reactions: list[Reaction] = field("What happened.", Embedded())

Fields of a filter (an input type beside the item's) say in the same way which rows they keep:

    codes: list[str] | None = condition("Codes of the test.", AnyOf("code", "analyte_code"))
    text: str | None = condition("Words of the result.", Words("display", "note"))
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry

T = TypeVar("T", bound=type)
SOURCE = "healthbook.source"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the record's table; of the field's own name unless told."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Expr:
    """A SQL expression over the row `{t}`. Immutable and without parameters."""

    sql: str


@dataclass(frozen=True, slots=True)
class Rel:
    """Rows of another record of the same patient and section: `on` joins `{r}` (theirs) to `{t}` (ours).

    `own_sources`: each row names only who sent it, though the one shown keeps the sources of all.
    """

    on: str
    order: str = "{r}.id"
    own_sources: bool = False


@dataclass(frozen=True, slots=True)
class Embedded:
    """A JSON column holding an object, or a list of them, whose keys are the Python names of the type's fields."""

    column: str | None = None


class _Columns:
    """Columns of the table, and what else of a row is looked at: SQL over `{t}`."""

    def __init__(self, *columns: str, also: str | None = None) -> None:
        self.columns, self.also = columns, also


class AnyOf(_Columns):
    """Rows with one of the given values in one of the columns, or for which `also` holds; `{v}` are the values."""


class Words(_Columns):
    """Rows that hold the given words in one of the columns, or in the text that `also` gives."""


@dataclass(frozen=True, slots=True)
class During:
    """Rows whose partial date in this column may lie within the given period."""

    column: str = "occurred"


@dataclass(frozen=True, slots=True)
class SectionSource:
    """The rows of a section, opened only by the decision. Made by `api.guard`, never written by hand."""

    section: str
    kind: str


@dataclass(frozen=True, slots=True)
class SectionChangesSource:
    """What changed in a section, opened only by the decision (api/planner/changes.py)."""

    section: str


@dataclass(frozen=True, slots=True)
class RootSource:
    """A field of Query that is one plan: `record` (a book), `changes` of it, or `node` (an item by its id)."""

    kind: str


Source = Column | Expr | Rel | Embedded | SectionSource | SectionChangesSource | RootSource
Condition = AnyOf | Words | During
PLAIN = Column()
REPORTS = Rel(
    "{r}.fact_key = {t}.fact_key and {r}.superseded_at is null", order="{r}.received_at, {r}.id", own_sources=True
)


@dataclass(frozen=True, slots=True)
class Record:
    """The table a GraphQL type shows (`book.labs`) and the section that opens it."""

    table: str
    section: str


def record(model: type[Any], section: str) -> Callable[[T], T]:
    """Declare which mapped class a GraphQL type shows."""

    def declare(cls: T) -> T:
        cls.__record__ = Record(f"book.{model.__tablename__}", section)  # type: ignore[attr-defined]
        return cls

    return declare


def field(description: str, source: Source = PLAIN) -> Any:
    """A field that the planner knows. The description ends with the FHIR path ("FHIR: Observation.value[x]")."""
    return strawberry.field(description=description, metadata={SOURCE: source})


def condition(description: str, source: Condition) -> Any:
    """A field of a filter; left out or null, it keeps every row."""
    return strawberry.field(description=description, default=strawberry.UNSET, metadata={SOURCE: source})

"""What makes a FHIR R4 bundle a document: an identity, a date, and a Composition that says who wrote what when.

Sources: FHIR R4 Bundle bdl-9, bdl-10, bdl-11 and Composition. An element that holds only a `data-absent-reason` says
nothing, so it counts as missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.exchange.fhir import Node, Resource
from domain.exchange.issues import Issue, error
from domain.values import partial_date

_SAYS_WHO = ("reference", "identifier", "display")


def faults(body: Mapping[str, Any], resources: Sequence[Resource]) -> Iterator[Issue]:
    """Everything that is missing, each with its place."""
    bundle = Node(body, "Bundle", None, [])
    named = bundle.child("identifier")
    if named is None or not named.string("system") or not named.string("value"):
        yield error("required", "Bundle", None, "identifier", "of a document has a system and a value (bdl-9)")
    if not _is_date(bundle.string("timestamp")):
        yield error("required", "Bundle", None, "timestamp", "of a document is required (bdl-10)")
    first = resources[0] if resources else None
    if first is None or first.type != "Composition" or first.position != 1:
        yield error("invariant", "Bundle", None, "entry", "of a document begins with a Composition (bdl-11)")
    else:
        yield from (_missing(first, name) for name in _unsaid(Node(first.body, first.type, first.position, [])))


def _unsaid(composition: Node) -> Iterator[str]:
    said = {
        "status": composition.string("status") is not None,
        "type": bool(composition.concept("type")),
        "subject": not composition.has("subject") or _says_who(composition.child("subject")),
        "date": _is_date(composition.string("date")),
        "author": any(_says_who(author) for author in composition.children("author")),
        "title": composition.string("title") is not None,
    }
    return (name for name, is_there in said.items() if not is_there)


def _missing(composition: Resource, name: str) -> Issue:
    told = "names nobody" if name == "subject" else "is required"
    return error("required", composition.type, composition.position, name, told)


def _says_who(node: Node | None) -> bool:
    return node is not None and any(node.has(name) for name in _SAYS_WHO)


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and bool(partial_date(text))
    except ValueError:
        return False

"""What is kept of a bundle: the whole of it for its only patient, else one part a patient, cut out to the letter.

A part is a bundle again, whose identifier is the key it is stored under, so that reading it again gives the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from domain.exchange.fhir import Resource
from domain.exchange.fhir_bundle import LARGEST_BUNDLE, ParsedBundle, UnreadableBundle
from domain.exchange.fhir_patients import PatientPart
from domain.exchange.fhir_slices import entry_slices
from domain.exchange.issues import error
from domain.intake.fhir_senders import PART, key_of, key_of_part

MOST_COPIED = 2 * LARGEST_BUNDLE


@dataclass(frozen=True, slots=True)
class Source:
    key: str | None
    content: bytes


def sources(bundle: ParsedBundle, parts: Sequence[PatientPart], data: bytes) -> Iterator[Source]:
    """One a part, in order. UnreadableBundle at once where shared entries would be copied beyond all measure."""
    key = key_of(bundle, data)
    if len(parts) == 1:
        return iter([Source(key, data)])
    entries = entry_slices(data)
    return _parts(bundle, _keys(key, parts), entries, _shares(parts, entries))


def rest_of(bundle: ParsedBundle, resources: Iterable[Resource], data: bytes) -> Source:
    """The entries that are nobody's."""
    key = f"{key_of(bundle, data)}#unassigned"
    return _cut(bundle, key, entry_slices(data), [one.position for one in resources if one.position])


def _parts(
    bundle: ParsedBundle, keys: Iterable[str], entries: Sequence[str], shares: Iterable[Sequence[int]]
) -> Iterator[Source]:
    return (_cut(bundle, key, entries, positions) for key, positions in zip(keys, shares, strict=True))


def _keys(key: str, parts: Iterable[PatientPart]) -> Iterator[str]:
    """Different even where two patients of a bundle bear the same numbers."""
    met: Counter[str] = Counter()
    for part in parts:
        own = key_of_part(key, part)
        met[own] += 1
        yield own if met[own] == 1 else f"{own}-{met[own]}"


def _shares(parts: Iterable[PatientPart], entries: Sequence[str]) -> list[list[int]]:
    """The positions of the entries of each part."""
    shares: list[list[int]] = []
    copied = 0
    for part in parts:
        shares.append([])
        for resource in _needed(part):
            position = resource.position or 0
            copied += len(entries[position - 1])
            if copied > MOST_COPIED:
                words = "shares so much among its patients that it must be sent as one bundle a patient"
                raise UnreadableBundle(error("too-long", "Bundle", None, "entry", words))
            shares[-1].append(position)
    return shares


def _needed(part: PatientPart) -> Iterator[Resource]:
    yield from part.resources
    yield from part.shared()


def _cut(bundle: ParsedBundle, key: str, entries: Sequence[str], positions: Iterable[int]) -> Source:
    """A transaction stays one, for its entries bear requests; a document without all its entries is a collection."""
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": PART, "value": key},
        "type": "collection" if bundle.type == "document" else bundle.type,
        **{name: bundle.body[name] for name in ("meta", "timestamp") if name in bundle.body},
    }
    inner = ",".join(entries[position - 1] for position in sorted(positions))
    return Source(key, orjson.dumps(head)[:-1] + f',"entry":[{inner}]}}'.encode())

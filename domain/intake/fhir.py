"""FHIR R4 bundles as submissions: one a patient, with who each is about and the rows of every section it fills.

The bytes are kept as sent where a bundle has one patient. Where it has several, each source holds its own entries
and the shared ones they point to, to the letter (`fhir_sources`). A document whose Composition is entered in error
fills nothing, so that it takes back what an earlier version said.
"""

import codecs
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import BinaryIO

from domain.database import Item, Part
from domain.exchange.fhir_bundle import LARGEST_BUNDLE, UnreadableBundle, read_bundle
from domain.exchange.fhir_patients import SUPPORTING, PatientPart, split
from domain.exchange.issues import Issue, warning
from domain.intake.fhir_claims import claim_of, written_on
from domain.intake.fhir_senders import facility_of
from domain.intake.fhir_sources import Source, rest_of, sources
from domain.intake.submissions import Rejected, Submission
from domain.organizations import UNKNOWN_SENDER
from domain.sections import SECTIONS

__all__ = ["LARGEST_BUNDLE", "bundles", "submissions", "submissions_of_lines"]

MOST_ISSUES = 200
CHUNK_BYTES = 64 * 1024
_SPOKEN_FOR = SUPPORTING | {"Patient", "Composition", "RelatedPerson"}


def submissions(data: bytes, *, facility: str | None, today: date) -> Iterator[Submission | Rejected]:
    """One for each patient, and a Rejected for what is nobody's. `facility` is the client's own, where it has one."""
    try:
        bundle = read_bundle(data)
        found = split(bundle)
        copies = sources(bundle, found.parts, data)
    except UnreadableBundle as unreadable:
        whole = Source(None, data if len(data) <= LARGEST_BUNDLE else b"")
        yield _rejected(1, facility, whole, unreadable.issues)
        return
    for position, (part, source) in enumerate(zip(found.parts, copies, strict=True), 1):
        yield _submission(position, part, source, facility or facility_of(part), today)
    if found.unassigned:
        yield _rejected(len(found.parts) + 1, facility, rest_of(bundle, found.unassigned, data), found.issues)


def submissions_of_lines(stream: BinaryIO, *, facility: str | None, today: date) -> Iterator[Submission | Rejected]:
    """Those of every bundle of an NDJSON file, counted through."""
    position = 0
    for data in bundles(stream):
        for one in submissions(data, facility=facility, today=today):
            position += 1
            yield replace(one, position=position)


def bundles(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of an NDJSON file that are not blank; of one that is too long for a bundle, only a bit too much."""
    first = True
    while line := stream.readline(LARGEST_BUNDLE + 1):
        if not line.endswith(b"\n") and len(line) > LARGEST_BUNDLE:
            _pass_over(stream)
        line = line.removeprefix(codecs.BOM_UTF8) if first else line
        first = False
        if line.strip():
            yield line.rstrip(b"\r\n")


def _pass_over(stream: BinaryIO) -> None:
    """Up to the end of the line."""
    while (rest := stream.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
        pass


def _submission(position: int, part: PatientPart, source: Source, facility: str | None, today: date) -> Submission:
    if facility is None:
        words = "does not say which facility sends it (an Organization with its MA_CSKCB)"
        part.issues.append(warning("required", "Bundle", None, None, words))
    sender = facility or UNKNOWN_SENDER
    claim = claim_of(part, sender, written_on(part, today))
    rows, kept = _rows(part)
    return Submission(
        position=position,
        format="fhir",
        facility=sender,
        key=source.key or "",
        content=source.content,
        claim=claim,
        rows=rows,
        issues=_bounded([*part.issues, *_noted(part)]),
        restriction="UNKNOWN" if kept else "",
        kept=kept,
    )


def _rows(part: PatientPart) -> tuple[list[Item | Part], list[str]]:
    """The rows of all sections, and the types of the resources that gave none."""
    there = {resource.type for resource in part.resources} - _SPOKEN_FOR
    outside = {resource.type for resource in part.outsiders}
    if _is_withdrawn(part):
        return [], sorted(there | outside)
    rows: list[Item | Part] = []
    given: set[str] = set()
    for section in SECTIONS:
        for resource in (one for one in part.resources if one.type in section.holds):
            before = len(rows)
            rows += section.from_fhir(resource)
            if len(rows) > before:
                given.add(resource.type)
    return rows, sorted(there - given | outside)


def _is_withdrawn(part: PatientPart) -> bool:
    documents = [resource for resource in part.resources if resource.type == "Composition"]
    withdrawn = [one for one in documents if one.string("status") == "entered-in-error"]
    for one in withdrawn:
        one.warn("status", "is entered-in-error, so nothing of the document is taken", "not-supported")
    return bool(withdrawn)


def _noted(part: PatientPart) -> Iterator[Issue]:
    """What the reading of the part's resources found; several sections may find the same."""
    for resource in (*part.resources, *part.outsiders):
        yield from resource.issues


def _bounded(issues: list[Issue]) -> list[Issue]:
    """Each once, in the order of the entries."""
    once = sorted(dict.fromkeys(issues), key=lambda issue: issue.row or 0)
    if len(once) <= MOST_ISSUES:
        return once
    return [*once[:MOST_ISSUES], warning("too-long", "Bundle", None, None, "has more findings than are listed")]


def _rejected(position: int, facility: str | None, source: Source, issues: list[Issue]) -> Rejected:
    return Rejected(
        position=position,
        format="fhir",
        facility=facility,
        key=source.key,
        content=source.content,
        issues=_bounded(issues),
    )

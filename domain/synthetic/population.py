"""Writes an invented population as the files that facilities would send.

Families are made one after the other, each from its own random generator, so memory is flat and the same seed,
size and day give the same bytes.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from domain.synthetic import curated, fhir_bundles, illness, people, qd4750_files, vaccination, visits
from domain.synthetic.citizens import MOST, citizen
from domain.synthetic.facilities import Area, Facility, areas
from domain.synthetic.output import Frame, Series, Shelf
from domain.synthetic.people import ADULT, Family, Person
from domain.synthetic.visits import Visit

VISITS_PER_FILE = 200
BUNDLES_PER_FILE = 500
SINGLE_FILES_UP_TO = 2_000  # people; more bundles than that go into .ndjson files


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was written. `rows` counts XML2 to XML5, `paths` are all files, `bytes` those of visits and bundles."""

    people: int
    families: int
    facilities: int
    visits: int
    rows: int
    bundles: int
    files: int
    bytes: int
    paths: tuple[Path, ...] = field(repr=False)


def write_population(
    out: Path,
    *,
    people: int,
    seed: int,
    today: date,
    progress: Callable[[int], None] = lambda _done: None,
    visits_scale: float = 1.0,
) -> Manifest:
    """Write `people` invented people into the empty or new folder `out`; `progress` gets the number done so far.

    `visits_scale` multiplies how often people are seen. ValueError if the numbers cannot be; FileExistsError if
    `out` already holds a population.
    """
    if people < 1 or visits_scale <= 0:
        raise ValueError("a population needs at least one person and a positive visits_scale")
    writer = _Writer(out, people, seed, today, visits_scale)
    done = 0
    for family in families(people, seed, today, writer.areas):
        writer.family(family)
        done += len(family.members)
        progress(done)
    return writer.finish(done)


def families(people_wanted: int, seed: int, today: date, served: tuple[Area, ...]) -> Iterator[Family]:
    """Exactly `people_wanted` people, the curated families first; the last family may be cut short."""
    left, number = people_wanted, 0
    while left > 0:
        made = _family(number, seed, today, served)
        made.members = made.members[:left]
        left -= len(made.members)
        number += 1
        yield made


def _family(number: int, seed: int, today: date, served: tuple[Area, ...]) -> Family:
    rng = Random(f"{seed}:{number}")  # noqa: S311 - invented data, not secrets
    if number < curated.COUNT:
        return curated.family(number, rng, served, today)
    made = people.family(number, rng, served, today)
    for member in made.members:
        illness.fall_ill(rng, member, today)
    return made


class _Writer:
    """The open files and the counts of one run."""

    def __init__(self, out: Path, wanted: int, seed: int, today: date, scale: float) -> None:
        self._out, self._seed, self._today, self._scale = out, seed, today, scale
        self.areas = areas(seed, wanted)
        self._facilities = {facility.code: facility for area in self.areas for facility in area.facilities}
        for folder in ("qd4750", "fhir"):
            (out / folder).mkdir(parents=True, exist_ok=False)
        self._visits = Shelf(self._visit_series)
        many = wanted > SINGLE_FILES_UP_TO
        self._bundles = Shelf(
            lambda code: Series(out / "fhir" / code, *((".ndjson", BUNDLES_PER_FILE) if many else (".json", 1)))
        )
        self._citizens: list[dict[str, Any]] = []
        self._family_count = self._visit_count = self._row_count = self._bundle_count = 0

    def _visit_series(self, code: str) -> Series:
        before = qd4750_files.header(code, f"{self._today:%Y%m%d}")
        frame = Frame(before, qd4750_files.COUNT_WIDTH, qd4750_files.AFTER_COUNT, qd4750_files.FOOTER)
        return Series(self._out / "qd4750" / code, ".xml", VISITS_PER_FILE, frame)

    def family(self, family: Family) -> None:
        """Everything that facilities know about a family."""
        rng = Random(f"{self._seed}:{family.number}:history")  # noqa: S311 - invented data, not secrets
        for person in family.members:
            children = [child for child in family.members if child.mother is person]
            youngest = max(children, key=lambda child: child.born) if children else None
            self._history(rng, person, youngest)
            self._records(rng, person, youngest)
        self._family_count += 1
        self._sign_in(family)

    def _history(self, rng: Random, person: Person, youngest: Person | None) -> None:
        planned = curated.contacts(person, self._today)
        if planned is None:
            planned = illness.contacts(rng, person, self._today, self._scale, youngest)
        for contact in planned:
            visit = visits.visit(rng, person, contact, self._today)
            self._visit(visit)
            if contact.twice:
                self._bundle(visit.facility, fhir_bundles.of_visit(rng, visit))
            if contact.dispensed_by is not None and visit.prescription:
                self._bundle(contact.dispensed_by, fhir_bundles.of_dispense(rng, visit, contact.dispensed_by))

    def _visit(self, visit: Visit) -> None:
        series = self._visits.of(visit.facility.code)
        record, rows = qd4750_files.record(visit, series.next_number)
        series.add(record)
        self._visit_count += 1
        self._row_count += rows

    def _records(self, rng: Random, person: Person, youngest: Person | None) -> None:
        doses = vaccination.doses(rng, person, self._today, youngest.born.date() if youngest else None)
        doses += curated.doses(person, self._today)
        by_facility: dict[str, list[vaccination.Dose]] = {}
        for dose in doses:
            for facility in dose.reported_by:
                by_facility.setdefault(facility.code, []).append(dose)
        for code, given in by_facility.items():
            facility = self._facilities[code]
            self._bundle(facility, fhir_bundles.of_doses(rng, person, facility, given))
        if person.curated or person.illnesses or person.allergies or rng.random() < 0.3:  # noqa: PLR2004
            keeper = rng.choice(person.home.area.hospitals if person.illnesses else person.home.area.stations)
            self._bundle(keeper, fhir_bundles.of_record(rng, person, keeper, self._today))
        if person.curated == curated.ELDER:
            denier = person.home.area.clinic
            self._bundle(denier, fhir_bundles.of_record(rng, person, denier, self._today, refuting=True))

    def _bundle(self, facility: Facility, content: bytes) -> None:
        self._bundles.of(facility.code).add(content + b"\n")
        self._bundle_count += 1

    def _sign_in(self, family: Family) -> None:
        """Every adult of a small family may sign in, the curated ones once each, until the list is full."""
        for person in family.members:
            chosen = person.curated in curated.SHOWN if family.number < curated.COUNT else person.role != "child"
            if chosen and len(self._citizens) < MOST:
                children = [child for child in family.members if person in (child.mother, child.father)]
                minors = [child for child in children if child.age(self._today) < ADULT]
                self._citizens.append(citizen(self._seed, person, minors))

    def finish(self, done: int) -> Manifest:
        visit_paths, visit_bytes = self._visits.close()
        bundle_paths, bundle_bytes = self._bundles.close()
        listed = [facility.as_dict() for facility in self._facilities.values()]
        lists = [self._list("organizations.json", listed), self._list("citizens.json", self._citizens)]
        paths = (*visit_paths, *bundle_paths, *lists)
        return Manifest(
            done, self._family_count, len(listed), self._visit_count, self._row_count, self._bundle_count,
            len(paths), visit_bytes + bundle_bytes, paths,
        )  # fmt: skip

    def _list(self, name: str, entries: list[Any]) -> Path:
        path = self._out / name
        path.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", "utf-8")
        return path

"""One small population, written once for all tests of this folder, and its files read back."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pytest

from domain.synthetic import Manifest, write_population
from tests.domain.synthetic.readback import Record, bundles_in, records_in

TODAY = date(2026, 11, 21)
SEED = 11
PEOPLE = 130


@dataclass
class Written:
    out: Path
    manifest: Manifest

    @cached_property
    def records(self) -> list[Record]:
        return [record for path in sorted((self.out / "qd4750").iterdir()) for record in records_in(path)]

    @cached_property
    def bundles(self) -> list[dict]:
        return [bundle for path in sorted((self.out / "fhir").iterdir()) for bundle in bundles_in(path)]


@pytest.fixture(scope="session")
def population(tmp_path_factory) -> Written:
    out = tmp_path_factory.mktemp("population")
    return Written(out, write_population(out, people=PEOPLE, seed=SEED, today=TODAY))

import json
import tracemalloc
from datetime import date
from hashlib import sha256

import pytest

from domain.synthetic import write_population
from domain.synthetic.facilities import areas
from domain.synthetic.population import families
from tests.domain.synthetic.conftest import PEOPLE, SEED, TODAY


def _digests(out):
    return {
        str(path.relative_to(out)): sha256(path.read_bytes()).hexdigest() for path in out.rglob("*") if path.is_file()
    }


def test_same_arguments_give_the_same_bytes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for out in (first, second):
        write_population(out, people=25, seed=3, today=TODAY)
    assert _digests(first) == _digests(second)


@pytest.mark.parametrize("change", [{"seed": 4}, {"today": date(2026, 11, 22)}])
def test_another_seed_or_day_gives_other_files(tmp_path, change):
    arguments = {"people": 25, "seed": 3, "today": TODAY}
    write_population(tmp_path / "a", **arguments)
    write_population(tmp_path / "b", **arguments | change)
    assert _digests(tmp_path / "a") != _digests(tmp_path / "b")


def test_manifest_counts_what_was_written(population):
    manifest, out = population.manifest, population.out
    assert manifest.people == PEOPLE
    assert manifest.visits == len(population.records)
    assert manifest.bundles == len(population.bundles)
    clinical = ("XML2", "XML3", "XML4", "XML5")
    assert manifest.rows == sum(
        len(record.tables.get(table, ())) for record in population.records for table in clinical
    )
    assert sorted(manifest.paths) == sorted(path for path in out.rglob("*") if path.is_file())
    assert manifest.files == len(manifest.paths)
    sent = [path for path in manifest.paths if path.parent != out]
    assert manifest.bytes == sum(path.stat().st_size for path in sent)


def test_visits_per_person_and_rows_per_visit_are_lifelike(population):
    manifest = population.manifest
    assert 4 < manifest.visits / manifest.people < 8
    assert 11 < manifest.rows / manifest.visits < 18


def test_progress_counts_people_up_to_all(tmp_path):
    seen = []
    write_population(tmp_path / "out", people=20, seed=1, today=TODAY, progress=seen.append)
    assert seen == sorted(set(seen))
    assert seen[-1] == 20


def test_fewer_visits_when_scaled_down(tmp_path):
    usual = write_population(tmp_path / "a", people=60, seed=1, today=TODAY)
    fewer = write_population(tmp_path / "b", people=60, seed=1, today=TODAY, visits_scale=0.2)
    assert fewer.visits < usual.visits * 0.7


@pytest.mark.parametrize("arguments", [{"people": 0}, {"people": 5, "visits_scale": 0}])
def test_refuses_impossible_sizes(tmp_path, arguments):
    with pytest.raises(ValueError, match="at least one person"):
        write_population(tmp_path / "out", seed=1, today=TODAY, **arguments)


def test_never_mixes_two_populations_in_one_folder(tmp_path):
    write_population(tmp_path, people=3, seed=1, today=TODAY)
    with pytest.raises(FileExistsError):
        write_population(tmp_path, people=3, seed=2, today=TODAY)


def test_large_populations_put_bundles_on_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("domain.synthetic.population.SINGLE_FILES_UP_TO", 10)
    written = write_population(tmp_path, people=20, seed=1, today=TODAY)
    assert {path.suffix for path in (tmp_path / "fhir").iterdir()} == {".ndjson"}
    lines = [line for path in (tmp_path / "fhir").iterdir() for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == written.bundles
    assert all(json.loads(line)["resourceType"] == "Bundle" for line in lines)


def test_families_stream_and_memory_stays_flat():
    stream = families(1_500, SEED, TODAY, areas(SEED, 1_500))
    tracemalloc.start()
    try:
        for _ in range(50):
            next(stream)
        early = tracemalloc.get_traced_memory()[0]
        for _ in stream:
            pass
        late = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert late - early < 200_000


def test_a_family_does_not_depend_on_those_before_it():
    served = areas(SEED, 3_000)
    small = {family.number: family for family in families(100, SEED, TODAY, served)}
    large = {family.number: family for family in families(300, SEED, TODAY, served)}
    whole = list(small)[:-1]
    assert [small[number].members for number in whole] == [large[number].members for number in whole]


def test_organizations_cover_every_sender(population):
    listed = json.loads((population.out / "organizations.json").read_text("utf-8"))
    codes = {entry["code"] for entry in listed}
    assert len(codes) == len(listed) == 24
    assert {record.facility for record in population.records} <= codes
    assert {path.name[:5] for path in (population.out / "fhir").iterdir()} <= codes
    assert {entry["kind"] for entry in listed} == {
        "hospital",
        "commune_station",
        "clinic",
        "pharmacy",
        "vaccination_centre",
    }
    assert all(
        set(entry) == {"code", "name", "name_en", "kind", "level", "province", "commune", "address"} for entry in listed
    )


def test_citizens_are_few_and_distinct(population):
    listed = json.loads((population.out / "citizens.json").read_text("utf-8"))
    assert len(listed) <= 50
    assert len({entry["sub"] for entry in listed}) == len(listed)
    assert [entry["story"] for entry in listed[:5]] == ["elder", "mother", "young_adult", "restricted", "unnumbered"]

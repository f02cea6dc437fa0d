"""Bundles that others wrote, where this machine has them beside the repository; none of them is copied into it."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from domain.intake.fhir import submissions
from domain.intake.importing import Importer
from domain.intake.submissions import Rejected, Submission
from domain.sections import SECTIONS

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "fhir"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real bundles are not beside this repository")
SUMMARY = "au-ps/Bundle-aups-basicsummary"


def read(name):
    return list(submissions((FOLDER / name).read_bytes(), facility="01001", today=date(2025, 6, 1)))


def counted(one: Submission) -> dict[str, int]:
    """How many rows each section has of its own items."""
    names = {section.model: section.name for section in SECTIONS}
    return dict(Counter(names[type(row)] for row in one.rows if type(row) in names))


def files():
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.json"))


@pytest.mark.parametrize("name", [name for name in files() if "missing-comp" not in name])
def test_every_valid_bundle_goes_through(name):
    found = read(name)
    assert found
    assert all(isinstance(one, Submission) for one in found)
    assert all(issue.severity == "warning" for one in found for issue in one.issues)


@pytest.mark.parametrize(
    ("name", "rows", "kept"),
    [
        (
            f"{SUMMARY}.json",
            {"demographics": 1, "allergies": 3, "conditions": 1, "prescriptions": 1, "documents": 1},
            [],
        ),
        (
            "au-ps/Bundle-aups-noknownx.json",
            {"demographics": 1, "allergies": 1, "conditions": 1, "prescriptions": 1, "documents": 1},
            [],
        ),
        (
            "ips/hl7-IPS-bundle-01.json",
            {"demographics": 1, "allergies": 2, "conditions": 2, "labs": 7, "prescriptions": 2, "documents": 1},
            [],
        ),
        (
            "synthea/Agustin_Fonseca_cb5696d9-a0de-4f49-94f9-433f96a28eb0.json",
            {
                "demographics": 1,
                "conditions": 2,
                "social_history": 5,
                "immunizations": 8,
                "encounters": 7,
                "procedures": 4,
                "labs": 11,
                "vitals": 25,
                "prescriptions": 2,
                "follow_ups": 2,
            },
            ["Claim", "DiagnosticReport", "ExplanationOfBenefit"],
        ),
    ],
)
def test_every_resource_finds_its_section(name, rows, kept):
    [one] = read(name)
    assert counted(one) == rows
    assert one.kept == kept


@pytest.mark.parametrize("name", [name for name in files() if name.startswith("synthea/")])
def test_what_synthea_sends_and_no_section_holds_is_named(name):
    [one] = read(name)
    assert one.kept == ["Claim", "DiagnosticReport", "ExplanationOfBenefit"]
    assert one.issues == []


def test_the_document_without_its_elements_is_refused_with_their_places():
    [one] = read(f"{SUMMARY}-missing-comp-elements.json")
    assert isinstance(one, Rejected)
    assert one.content == (FOLDER / f"{SUMMARY}-missing-comp-elements.json").read_bytes()
    assert [(issue.severity, issue.code, issue.table, issue.row, issue.field) for issue in one.issues] == [
        ("error", "required", "Composition", 1, name) for name in ("subject", "date", "author", "title")
    ]


def test_entries_with_one_full_url_are_all_taken_and_told():
    [one] = read("medplum/medplum-chart-demo-example-patient-data.json")
    assert [(issue.code, issue.row) for issue in one.issues] == [("duplicate", row) for row in (23, 24, 25, 26)]
    assert counted(one)["documents"] == 5


def test_four_patients_are_four_submissions_with_a_card_each():
    found = read("medplum/medplum-eligibility-demo-example-data.json")
    assert [counted(one) for one in found] == [{"demographics": 1, "insurance": 1}] * 4
    assert [one.claim.name for one in found] == ["Simpson Homer", "Simpson Bart", "Simpson Marge", "Smith John"]
    assert len({one.key for one in found}) == 4
    assert [b"Bart" in one.content for one in found] == [False, True, False, False]


async def test_the_book_takes_them_all_and_nothing_twice(importer: Importer):
    found = [one for name in files() for one in read(name)]
    for place, one in enumerate(found, 1):
        one.position = place
    wanted = ["accepted" if isinstance(one, Submission) else "refused" for one in found]
    first = [outcome async for outcome in importer.take(found)]
    assert [outcome.status for outcome in first] == wanted, [outcome.issues for outcome in first]
    again = [outcome.status async for outcome in importer.take([one for name in files() for one in read(name)])]
    assert sorted(again) == sorted("unchanged" if status == "accepted" else status for status in wanted)

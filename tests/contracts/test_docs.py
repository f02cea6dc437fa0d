"""Documentation that names things of the code names things that exist."""

import re
from pathlib import Path

import pytest

from domain.sections import SECTIONS

ROOT = Path(__file__).parents[2]
DOCS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.name not in ("CHANGELOG.md", "adding-a-section.md")  # what was; and what does not exist
)
TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
FIELD = re.compile(r'^    (\w+): .* = \w+\(\s*"([A-Z_0-9]+)"', re.MULTILINE)
each_page = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


@each_page
def test_files_that_a_page_names_exist(page):
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", page.read_text()):
        if name.split("/")[0] in TOP and "." in name.split("/")[-1]:
            assert (ROOT / name).exists(), name


@each_page
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@each_page
def test_a_page_fits_the_house(page):
    text = page.read_text()
    assert "—" not in text, "no long dashes"
    assert text.endswith("\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_decisions_are_numbered_and_listed():
    folder = ROOT / "docs" / "adr"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = (folder / "README.md").read_text()
    for number, page in enumerate(pages, 1):
        title = page.read_text().splitlines()[0]
        assert page.name.startswith(f"{number:04}-")
        assert title.startswith(f"# {number:04}. ")
        assert f"[{number:04}]({page.name}) | {title.partition('. ')[2]} |" in listed


@pytest.mark.parametrize(
    "heading", ["Context", "Decision", "Consequences", "What we did not choose", "Files that show it"]
)
def test_every_decision_says_all_that_a_decision_says(heading):
    for page in (ROOT / "docs" / "adr").glob("0*.md"):
        assert f"\n## {heading}\n" in page.read_text(), page.name


def test_fields_of_the_glossary_have_the_names_they_have_in_the_code():
    folder = ROOT / "domain" / "exchange" / "qd4750"
    known = {}
    for module in ("tables.py", "papers.py"):
        for ours, theirs in FIELD.findall((folder / module).read_text()):
            known.setdefault(theirs, set()).add(ours)
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
    )
    seen = 0
    for theirs, ours in rows:
        for field in re.findall(r"`([A-Z_0-9]+)`", theirs):
            if field in known:
                assert known[field] & set(re.findall(r"`(\w+)`", ours)), field
                seen += 1
    assert seen >= 50


def test_the_sections_named_by_the_glossary_exist():
    table = (ROOT / "docs" / "glossary.md").read_text().partition("| table | holds | becomes |")[2]
    assert table
    words = set(
        re.findall(r"\b[a-z_]+\b", " ".join(row.split("|")[3] for row in table.splitlines() if row.count("|") == 4))
    )
    named = words - {"and", "more", "kept", "as", "source", "with", "its", "restriction", "orders", "s"}
    assert named <= {section.name for section in SECTIONS}

"""Every setting is documented where its reader looks, and no page promises one that does not exist."""

import re
from pathlib import Path

import pytest

from cli.settings import VARIABLES

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/operating.md")
NAME = re.compile(r"HEALTHBOOK_[A-Z_]*[A-Z]")
PACKAGES = ("api", "auth", "cli", "domain", "migrations", "notifications")


def rows(page):
    """Variable to the rest of its row, of a table whose first column names variables."""
    return dict(re.findall(r"^\| `(HEALTHBOOK_[A-Z_]+)` \| (.+) \|$", (ROOT / page).read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_has_a_row_that_says_what_it_is(page, name):
    assert rows(page).get(name, "").strip(), f"{page} has no row for {name}"


@pytest.mark.parametrize("page", [*PAGES, "compose.yaml", ".env.example", "Makefile"])
def test_no_page_names_a_variable_that_does_not_exist(page):
    assert set(NAME.findall((ROOT / page).read_text())) <= set(VARIABLES)


def test_every_variable_that_the_code_names_is_declared():
    named = {
        name
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in NAME.findall(path.read_text())
    }
    assert named == set(VARIABLES)


def test_only_the_commands_read_the_environment():
    readers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b|\bgetenv\(", path.read_text())
    }
    assert readers <= {"cli/settings.py", "cli/embedded_postgres_child.py", "cli/embedded_postgres_home.py"}

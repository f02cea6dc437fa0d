"""The GraphQL documents of the documentation, which the tests run and other people's tools read.

A block of ```` ```graphql ```` holds one named operation. A first line `# variables: {...}` gives its variables as
JSON; `$me` stands for the caller's own patient, `$lab` for a result of his.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"^(?:query|mutation|subscription) (\w+)", re.MULTILINE)
_VARIABLES = re.compile(r"^# variables: (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One operation, where it stands, and what it is run with."""

    page: str
    name: str
    text: str
    variables: dict[str, Any]


def examples() -> list[Example]:
    return [
        _example(page.name, block) for page in sorted(DOCS.glob("*.md")) for block in _BLOCK.findall(page.read_text())
    ]


def _example(page: str, text: str) -> Example:
    names, told = _NAME.findall(text), _VARIABLES.search(text)
    assert len(names) == 1, f"{page}: a block holds one named operation, not {names}"
    return Example(page, names[0], text, json.loads(told[1]) if told else {})

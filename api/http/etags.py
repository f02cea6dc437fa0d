"""Conditional reading: a tag that names what was read, and 304 where none of it has changed (RFC 9110 8.8.3, 13.1.2).

`access.read` makes the first half of a tag from what was decided and from the state of the book, without building the
answer. The second half names the statement, the media type and the scopes that the answer was made with. All tags are
weak: the same answer goes out in several content codings, and beside a cost that changes with every request.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST_HEADER = 4_096
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept, Accept-Encoding"}
"""A phone may keep the answer, and must ask before it shows it again (RFC 9111 5.2.2.4)."""
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]{1,200})"', re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """What the client holds. `tags` are those that this server gave for this very question; `any_`: `*`."""

    suffix: str
    tags: tuple[str, ...]
    any_: bool = False

    @property
    def asked(self) -> str:
        """For `access.read`: the tag to compare with, or nothing where it is only to be told."""
        return self.tags[0] if self.tags and not self.any_ else ""

    def holds(self, tag: str) -> bool:
        """Whether the client has what this tag names."""
        return self.any_ or tag in self.tags

    def etag(self, tag: str) -> str:
        return f'W/"{tag}{self.suffix}"'


def condition(if_none_match: Sequence[str], plan: str, media: str, scopes: Iterable[str]) -> Condition:
    """Of a GET or HEAD request. A header that is no list of tags says nothing."""
    suffix, header = _suffix(plan, media, frozenset(scopes)), ", ".join(if_none_match)
    if header.strip() == "*":
        return Condition(suffix, (), any_=True)
    given = _ENTITY_TAG.findall(header) if len(header) <= LONGEST_HEADER else []
    return Condition(suffix, tuple(one.removesuffix(suffix) for one in given if one.endswith(suffix)))


@lru_cache(maxsize=1_000)
def _suffix(plan: str, media: str, scopes: frozenset[str]) -> str:
    made = hashlib.sha256(f"{plan} {media} {' '.join(sorted(scopes))}".encode()).hexdigest()
    return f"-{made[:16]}"

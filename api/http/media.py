"""In which media type an answer goes out: RFC 9110 12.5.1 over the two types of GraphQL-over-HTTP.

`application/json` is what a client gets that says nothing or `*/*`, for it is what such clients have always got.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TYPES = (JSON, GRAPHQL)
MOST_CHARACTERS = 2_000
UTF_8 = frozenset({"utf-8", "utf8"})
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Range:
    """One member of an Accept header: `application/*;q=0.5`. `place` counts from the first."""

    media: str
    quality: float
    place: int

    def matches(self, media: str) -> bool:
        return self.media in {media, "application/*", "*/*"}

    @property
    def exactness(self) -> int:
        return ("*/*", "application/*").index(self.media) if "*" in self.media else 2


def answer_type(accept: Sequence[str]) -> str | None:
    """The type to answer in, from all Accept headers; None where the client takes neither (406)."""
    return _chosen(", ".join(accept)) if accept else JSON


def accepts(accept: Sequence[str], media: str) -> bool:
    """Whether the client would also take this type."""
    return not accept or _wish(ranges(", ".join(accept)), media) is not None


@lru_cache(maxsize=256)
def _chosen(accept: str) -> str | None:
    offered = ranges(accept)
    wishes = [(wish, media) for media in TYPES if (wish := _wish(offered, media)) is not None]
    return max(wishes, key=lambda one: one[0])[1] if wishes else None


def _wish(offered: Iterable[Range], media: str) -> tuple[float, int, int] | None:
    """How much a type is wished for, by its most exact range; among equals the more exact and the earlier one wins."""
    matching = [one for one in offered if one.matches(media)]
    if not matching:
        return None
    best = max(matching, key=lambda one: (one.exactness, one.quality))
    return (best.quality, best.exactness, -best.place) if best.quality > 0 else None


def ranges(accept: str) -> tuple[Range, ...]:
    """The members that could mean UTF-8 JSON; what is no media range, and a list past all reason, mean nothing."""
    members = accept.split(",") if len(accept) <= MOST_CHARACTERS else []
    return tuple(_ranges(members))


def _ranges(members: list[str]) -> Iterator[Range]:
    for place, member in enumerate(members):
        media, *parameters = (part.strip() for part in member.lower().split(";"))
        given = dict(parameter(one) for one in parameters)
        quality = _quality(given.get("q", "1"))
        if quality is not None and given.get("charset", "utf-8") in UTF_8 | {"*"}:
            yield Range(media, quality, place)


def parameter(text: str) -> tuple[str, str]:
    """`charset="UTF-8"` as a pair, in lower case and without quotes."""
    name, _, value = text.lower().partition("=")
    return name.strip(), value.strip().strip('"')


def _quality(text: str) -> float | None:
    """RFC 9110 12.4.2: 0 to 1 with three digits at most. None where it is no quality."""
    return float(text) if _QUALITY.fullmatch(text) else None

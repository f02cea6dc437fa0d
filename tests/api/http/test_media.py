"""Which media type an Accept header gets, by RFC 9110 12.5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.media import GRAPHQL, JSON, accepts, answer_type


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ([], JSON),
        (["*/*"], JSON),
        (["application/*"], JSON),
        ([GRAPHQL], GRAPHQL),
        ([JSON], JSON),
        ([f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8"], GRAPHQL),
        ([f"{GRAPHQL},{JSON};q=0.9"], GRAPHQL),
        ([JSON, GRAPHQL], JSON),
        ([f"{GRAPHQL};q=0.5, {JSON}"], JSON),
        ([f"{JSON}, */*"], JSON),
        ([f"{GRAPHQL}, */*"], GRAPHQL),
        ([f"{GRAPHQL};q=0, */*"], JSON),
        ([f"{JSON};q=0, */*;q=0.1"], GRAPHQL),
        (["text/html, application/xhtml+xml, */*;q=0.8"], JSON),
        (["APPLICATION/Graphql-Response+JSON ; Q=1.000 "], GRAPHQL),
        ([f'{JSON};charset="UTF-8"'], JSON),
        (["text/html"], None),
        (["text/event-stream"], None),
        ([f"{JSON};q=0"], None),
        (["*/*;q=0"], None),
        ([f"{JSON};charset=iso-8859-1"], None),
        ([""], None),
        ([f"{JSON};q=7"], None),
        ([f"{JSON};q=nan, {GRAPHQL};q=1e0"], None),
        (["," * 5000 + JSON], None),
    ],
)
def test_the_highest_quality_of_the_most_exact_range_wins(accept, chosen):
    assert answer_type(accept) == chosen


RANGES = st.sampled_from([JSON, GRAPHQL, "application/*", "*/*", "text/html"])
QUALITIES = st.sampled_from(["", ";q=0", ";q=0.0", ";q=0.25", ";q=0.5", ";q=1", ";q=1.0"])


@given(st.lists(st.tuples(RANGES, QUALITIES), max_size=6, unique_by=lambda one: one[0]))
def test_no_other_type_is_wished_for_more(members):
    def wish(media):
        for exact in (media, "application/*", "*/*"):
            for one, quality in members:
                if one == exact:
                    return float(quality.removeprefix(";q=") or 1)
        return 0.0

    header = [", ".join(one + quality for one, quality in members)]
    chosen = answer_type(header)
    wishes = {media: wish(media) for media in (JSON, GRAPHQL)}
    assert (chosen is None) == (max(wishes.values()) == 0)
    assert chosen is None or wishes[chosen] == max(wishes.values())
    assert all(accepts(header, media) == (value > 0) for media, value in wishes.items())


@given(st.text(max_size=300))
def test_no_header_is_a_fault(text):
    assert answer_type([text]) in {JSON, GRAPHQL, None}

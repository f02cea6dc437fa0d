"""Instants as arguments, at the edges of the calendar."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.representation.reading import moment
from domain.errors import Invalid


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T06:59:59+07:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T17:00:00-07:00",
        "2027-01-31T00:00:00",
        "2027-01-31",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "",
    ],
)
def test_what_no_clock_of_ours_shows_is_invalid(text):
    with pytest.raises(Invalid) as refused:
        moment(text, "validUntil")
    assert refused.value.field == "validUntil"


def test_the_edges_themselves_are_instants():
    assert moment("0001-01-01T07:00:00+07:00", "until") == datetime.min.replace(tzinfo=UTC)
    assert moment("9999-12-31T16:59:59-07:00", "until").year == 9999


@given(st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_any_text_is_an_instant_or_invalid(text):
    with suppress(Invalid):
        assert moment(text, "until").tzinfo is UTC

import pytest

from domain.exchange.moments import minute_of, within

MORNING, EVENING = "2025-03-14T07:30:59+07:00", "2025-03-14T18:00:00+07:00"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(MORNING, "2025-03-14T07:30"), ("2025-03-14", "2025-03-14"), ("2025", "2025"), (None, None)],
)
def test_a_moment_without_its_seconds(moment, expected):
    assert minute_of(moment) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (MORNING, EVENING, "2025-03-14"),
        (MORNING, "2025-03-20", "2025-03"),
        (MORNING, "2025-04-02", "2025"),
        ("2024-12-31", "2025-01-01", None),
        ("2025", EVENING, "2025"),
        (MORNING, None, "2025-03-14"),
        (None, "2025-03", "2025-03"),
        (None, None, None),
    ],
)
def test_what_is_known_of_a_time_between_two_others(start, end, expected):
    assert within(start, end) == expected

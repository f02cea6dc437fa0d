from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange.qd4750 import Dose, parse_dose

AMOUNTS = st.decimals(Decimal("0.01"), Decimal(999), places=2)


def test_reads_an_outpatient_dose():
    assert parse_dose("2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]") == Dose(
        "regular", Decimal(2), "viên", Decimal(2), 5, Decimal(4)
    )


def test_works_the_daily_amount_out_when_it_is_not_written():
    dose = parse_dose("0,5 Viên/lần*3 lần/ngày")
    assert dose == Dose("regular", Decimal("0.5"), "viên", Decimal(3), None, Decimal("1.5"))


def test_reads_halves():
    assert parse_dose("1/2 viên/lần * 2 lần/ngày * 7 ngày").per_time == Decimal("0.5")


def test_reads_an_uneven_dose():
    dose = parse_dose("Sáng: 3 viên, Chiều: 2 viên, Tối: 1 viên [6 viên/ngày]")
    assert dose.kind == "uneven"
    assert dose.slots == {"morning": 3, "afternoon": 2, "evening": 1}
    assert (dose.unit, dose.per_day, dose.per_time) == ("viên", 6, None)


def test_adds_up_an_uneven_dose_and_reads_its_days():
    dose = parse_dose("Sáng 1 viên; Trưa 0,5 viên * 10 ngày")
    assert (dose.slots, dose.per_day, dose.days) == ({"morning": 1, "noon": Decimal("0.5")}, Decimal("1.5"), 10)


def test_reads_a_traditional_dose():
    assert parse_dose("12g * 1 thang * 5 ngày") == Dose("traditional", Decimal(12), "g", None, 5, None)


def test_reads_a_topical_dose():
    assert parse_dose("2 lần/ngày * 5 ngày") == Dose("topical", None, None, Decimal(2), 5, None)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "theo chỉ dẫn",
        "2 viên",
        "5 ngày",
        "2 viên/lần * 3 viên/lần * 2 lần/ngày",
        "2 viên/lần * khi đau",
        "Sáng: 3 viên, Sáng: 2 viên",
        "Sáng: 3 viên, khi đau 1 viên",
        "Sáng: 3 viên, Tối: 1 gói",
        "2 viên/lần * 2 lần/ngày " * 100,
    ],
)
def test_answers_none_rather_than_half_a_dose(text):
    assert parse_dose(text) is None


@given(AMOUNTS, st.integers(1, 24), st.integers(1, 365), st.sampled_from(["viên", "ml", "gói", "giọt"]))
def test_reads_back_every_regular_dose(amount, times, days, unit):
    dose = parse_dose(f"{amount} {unit}/lần * {times} lần/ngày * {days} ngày [{amount * times} {unit}/ngày]")
    assert dose == Dose("regular", amount, unit, Decimal(times), days, amount * times)


@given(st.text(alphabet="0123456789/*[],.;: viênlầgàyộtsángtrưachiềuối", max_size=200))
def test_never_raises(text):
    parse_dose(text)

"""The value of an Observation: one shape for all kinds, and back."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange import fhir_out as out
from domain.exchange.fhir import Node
from domain.exchange.observations import Value, plain, value_fields, value_of


def read(body):
    return value_of(Node(body, "Observation", 1, []))


def test_a_comparator_is_part_of_the_value():
    assert read({"valueQuantity": {"value": 200, "comparator": ">", "unit": "U/L"}}) == Value(">200", None, "U/L")
    assert read({"valueQuantity": {"value": 200, "comparator": "~", "unit": "U/L"}}).number == Decimal(200)


def test_a_year_is_no_measurement():
    assert read({"valueDateTime": "2025"}) == Value("2025")
    assert read(value_fields("2025", None, None)) == Value("2025")
    assert read({"valueString": "2025"}).number == Decimal(2025)


@pytest.mark.parametrize("body", [{}, {"valueQuantity": {"unit": "g"}}, {"valueRatio": {"numerator": {"value": 1}}}])
def test_half_a_value_is_none(body):
    assert read(body) == Value()


@settings(deadline=None)  # two shared cores
@given(text=st.from_regex(r"(<|<=|>|>=)?[0-9]{1,6}([.,][0-9]{1,4})?", fullmatch=True), unit=st.none() | st.just("g"))
def test_words_are_never_changed_without_a_unit(text, unit):
    number = out.decimal(text)
    again = read(value_fields(text, number, unit))
    assert again.unit == unit
    assert again.text == text if unit is None else again.text is not None


@settings(deadline=None)  # two shared cores
@given(number=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_numbers_come_back_as_they_were(number):
    value = read({"valueQuantity": {"value": number, "unit": "g"}})
    if value.number is not None:
        assert read(value_fields(value.text, value.number, "g")) == value


def test_a_number_too_long_for_json_stays_words():
    text = "0.1234567890123456789"
    assert value_fields(text, out.decimal(text), None) == {"valueString": text}


def test_people_write_no_exponents():
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("5.400")) == "5.4"
    assert plain(Decimal("0.000")) == "0"


@pytest.mark.parametrize("text", ["1e5", "NaN", "Infinity", "1_0", "１２", "1,234.5", "", " ", None, "9" * 31])
def test_more_than_a_number_is_none(text):
    assert out.decimal(text) is None

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identity import phones


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("0912345678", "+84912345678"),
        ("+84 912 345 678", "+84912345678"),
        ("84912345678", "+84912345678"),
        ("0084912345678", "+84912345678"),
        ("+84 (0) 912.345.678", "+84912345678"),
        ("912345678", "+84912345678"),
        ("'0912-345-678", "+84912345678"),
        ("\u200b０９１２３４５６７８", "+84912345678"),
        ("01651234567", "+84351234567"),
        ("01201234567", "+84701234567"),
        ("01221234567", "+84771234567"),
        ("+841231234567", "+84831234567"),
        ("01881234567", "+84581234567"),
        ("01991234567", "+84591234567"),
        ("024 3825 2525", "+842438252525"),
        ("02363821118", "+842363821118"),
        ("2838252525", "+842838252525"),
        ("không có; 0912345678", "+84912345678"),
        ("0000000000 / 0388 123 456", "+84388123456"),
        ("+1 415 555 2671", "+14155552671"),
    ],
)
def test_reads_what_people_write(raw, e164):
    assert phones.normalise(raw) == e164


@pytest.mark.parametrize(
    "raw",
    [
        None, "", "0", "không", "0123456789", "0999999999", "0000000000", "091234567", "09123456789", "0612345678",
        "02303821118", "024382525", "01601234567", "0912345678a", "+0912345678", "+84", "²³", "9" * 5000,
    ],
)  # fmt: skip
def test_refuses_junk(raw):
    assert phones.normalise(raw) is None


@settings(deadline=None)
@given(st.text(max_size=70) | st.text("0123456789+84 ;.", max_size=40))
def test_answers_e164_or_nothing_and_keeps_its_own_answer(raw):
    number = phones.normalise(raw)
    assert number is None or (number.isascii() and number[1:].isdigit() and 9 <= len(number) <= 16)
    assert number is None or phones.normalise(number) == number


@settings(deadline=None)
@given(st.from_regex(r"\A0[35789]\d{8}\Z"))
def test_one_number_in_every_writing(number):
    forms = {phones.normalise(f"{prefix}{number[1:]}") for prefix in ("0", "+84", "84", "0084", "", "+840")}
    assert len(forms) == 1

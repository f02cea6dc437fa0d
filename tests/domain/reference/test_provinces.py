from datetime import date

import pytest

from domain.reference import provinces
from domain.reference.tables import table

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)


def test_holds_63_legacy_and_34_current_provinces():
    rows = table("provinces")["rows"]
    codes = {system: {row["code"] for row in rows if row["system"] == system} for system in ("legacy", "current")}
    assert {system: len(found) for system, found in codes.items()} == {"legacy": 63, "current": 34}
    assert {provinces.successor(code) for code in codes["legacy"]} == codes["current"]


def test_a_number_means_another_province_after_the_merges():
    assert provinces.name("legacy", "15", BEFORE) == "Yên Bái"
    assert provinces.name("current", "15", AFTER) == "Lào Cai"
    assert provinces.name("current", "15", BEFORE) is None
    assert provinces.name("legacy", "015", AFTER) is None
    assert provinces.name("legacy", "015") == "Yên Bái"


@pytest.mark.parametrize(
    ("day", "name"),
    [(date(2024, 12, 31), "Thừa Thiên Huế"), (date(2025, 1, 1), "Huế"), (BEFORE, "Huế"), (AFTER, None), (None, "Huế")],
)
def test_hue_changed_its_name_before_the_merges(day, name):
    assert provinces.name("legacy", "046", day) == name


@pytest.mark.parametrize("code", ["", "0", "99", "003", "abc", "0015", "٠١"])
def test_unknown_codes_mean_nothing(code):
    assert provinces.name("legacy", code) is None
    assert provinces.successor(code) is None


@pytest.mark.parametrize(
    ("legacy", "current"), [("077", "79"), ("074", "79"), ("079", "79"), ("80", "80"), ("072", "80"), ("46", "46")]
)
def test_knows_what_a_province_became(legacy, current):
    assert provinces.successor(legacy) == current


@pytest.mark.parametrize(
    ("label", "legacy", "current"),
    [
        ("TP. Hồ Chí Minh", "079", "79"),
        ("Thành phố Hồ Chí Minh", "079", "79"),
        ("TP.HCM", "079", "79"),
        ("tỉnh Khánh Hoà", "056", "56"),
        ("KHÁNH HÒA", "056", "56"),
        ("Đăk Lăk", "066", "66"),
        ("DAK LAK", "066", "66"),
        ("Tỉnh Bà Rịa-Vũng Tàu", "077", None),
        ("Thừa Thiên - Huế", "046", "46"),
        ("Bình Định", "052", None),
        ("Gia Lai", "064", "52"),
        ("Hà  Nội.", "001", "01"),
        ("Atlantis", None, None),
        ("", None, None),
    ],
)
def test_reads_labels(label, legacy, current):
    assert provinces.code_of("legacy", label) == legacy
    assert provinces.code_of("current", label) == current


def test_labels_of_one_system_stay_distinct():
    rows = table("provinces")["rows"]
    for system in ("legacy", "current"):
        for row in rows:
            if row["system"] == system:
                assert provinces.code_of(system, row["name"]) == row["code"]


def test_birth_prefixes_are_the_legacy_codes():
    assert provinces.is_birth_prefix("001")
    assert not provinces.is_birth_prefix("000")
    assert not provinces.is_birth_prefix("01")

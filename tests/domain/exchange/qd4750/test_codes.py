import unicodedata
from datetime import date

import pytest

from domain.exchange.qd4750 import code_lists, lookup
from domain.exchange.qd4750.schema import TABLES

BEFORE, AFTER = date(2026, 7, 31), date(2026, 8, 1)


def test_finds_texts_in_both_languages():
    entry = lookup("KET_QUA_DTRI", "2")
    assert (entry.vi, entry.en) == ("Đỡ", "Improved")


def test_knows_ten_forms_of_care_until_july_2026_and_sixteen_from_august():
    entries = code_lists()["MA_LOAI_KCB"].entries
    assert [code for code in entries if lookup("MA_LOAI_KCB", code, BEFORE)] == [f"{n:02}" for n in range(1, 11)]
    assert [code for code in entries if lookup("MA_LOAI_KCB", code, AFTER)] == [f"{n:02}" for n in range(1, 17)]
    assert code_lists()["MA_LOAI_KCB"].refutes("12", BEFORE)
    assert not code_lists()["MA_LOAI_KCB"].refutes("12", AFTER)


def test_codes_are_strings():
    assert lookup("MA_LOAI_KCB", "1") is None
    assert lookup("MA_DOITUONG_KCB", "1.1") is not None
    assert lookup("MA_DOITUONG_KCB", "1.10") is None


def test_has_27_eligibilities_and_doubts_others_only_since_2026():
    eligibility = code_lists()["MA_DOITUONG_KCB"]
    assert len(eligibility.entries) == 27
    assert eligibility.refutes("1.10", date(2026, 1, 1))
    assert not eligibility.refutes("1.10", date(2025, 12, 31))


def test_never_doubts_a_code_of_a_list_that_is_not_whole():
    assert lookup("MA_DANTOC", "01").vi == "Kinh"
    assert not code_lists()["MA_DANTOC"].refutes("53", AFTER)
    assert not code_lists()["NHOM_MAU"].refutes("O Rh+", AFTER)


def test_an_unknown_list_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        lookup("MA_GI_DO", "1")


def test_every_list_has_a_source_and_composed_texts():
    for codes in code_lists().values():
        assert codes.source
        for code, entry in codes.entries.items():
            assert code == entry.code == code.strip()
            assert entry.vi == unicodedata.normalize("NFC", entry.vi)
            assert bool(entry.vi) == bool(entry.en)


def test_every_coded_field_has_its_list():
    assert {codes.name for table in TABLES.values() for _, _, codes in table.coded} == set(code_lists()) - {"MA_PTTT"}

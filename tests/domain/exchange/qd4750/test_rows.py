import random
import re
import unicodedata
from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange.qd4750.schema import KEPT, TABLES
from tests.domain.exchange.qd4750.builders import (
    DRUG,
    SUMMARY,
    envelope,
    filehoso,
    hoso,
    inner,
    only,
    places,
    refused,
    row,
)

KEY = {"MA_LK": SUMMARY["MA_LK"]}
WORDS = st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyAĐỄ0159 <>&\"'.,", min_size=1, max_size=40).filter(str.strip)
DIGITS = st.integers(0, 999).map(str)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(lambda on: on.isoformat().replace("-", ""))
FIELD_COUNTS = {"XML0": 26, "XML1": 66, "XML2": 39, "XML3": 47, "XML4": 12, "XML5": 9, "XML13": 39, "XML14": 22}


def paper(table: str, fields: dict[str, str]) -> bytes:
    return envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso(table, inner(table, {**KEY, **fields}))))


def one_row(body: str) -> bytes:
    return envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso("XML2", body.encode())))


@pytest.mark.parametrize(("table", "count"), FIELD_COUNTS.items())
def test_knows_every_field_of_the_decision(table, count):
    newest = {known[3].names[0] if known else name for name, known in TABLES[table].columns.items()}
    assert len(newest) == count


def test_no_table_is_both_read_and_kept():
    assert set(TABLES) | set(KEPT) == {f"XML{number}" for number in range(16)}
    assert not set(TABLES) & set(KEPT)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_attribute_comes_from_one_element(table):
    filled = [known[0] for known in table.columns.values() if known]
    assert set(filled) == {slot.name for slot in fields(table.row_type)}
    assert filled[0] == "episode"
    assert not any(known and name in table.ignored for name, known in table.columns.items())


@pytest.mark.parametrize("seed", range(5))
def test_reads_by_name_in_any_order(seed):
    shuffled = dict(random.Random(seed).sample(list(SUMMARY.items()), len(SUMMARY)))
    found = only(envelope(hoso(filehoso("XML1", inner("XML1", shuffled)))))
    assert found.summary == only(envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY))))).summary


@given(name=WORDS, dose=WORDS, quantity=st.decimals(0, 10**9, places=3), ordered=DAYS)
@settings(max_examples=60, deadline=None)
def test_values_come_back_as_sent(name, dose, quantity, ordered):
    sent = {"TEN_THUOC": name, "LIEU_DUNG": dose, "SO_LUONG": f"{quantity:f}", "NGAY_YL": ordered + "0730"}
    (drug,) = only(paper("XML2", sent)).drugs
    assert (drug.name, drug.dose_text) == (name.strip(), dose.strip())
    assert drug.quantity == quantity
    assert drug.ordered_at == f"{ordered[:4]}-{ordered[4:6]}-{ordered[6:]}T07:30:00+07:00"


def test_text_is_composed_and_trimmed():
    decomposed = unicodedata.normalize("NFD", "Thuốc mỡ Đỏ")
    (drug,) = only(paper("XML2", {"TEN_THUOC": f"\n  {decomposed}\u00a0"})).drugs
    assert drug.name == "Thuốc mỡ Đỏ"


def test_invisible_characters_are_removed_with_a_warning():
    found = only(paper("XML2", {"TEN_THUOC": "Am\u200blo\ufeff"}))
    assert found.drugs[0].name == "Amlo"
    assert places(found) == [("value", "XML2", 1, "TEN_THUOC")]


def test_empty_elements_are_none():
    (drug,) = only(paper("XML2", {"TEN_THUOC": "A", "HAM_LUONG": "  ", "MA_DICH_VU": ""})).drugs
    assert (drug.strength, drug.services, drug.unit) == (None, (), None)


def test_codes_stay_strings():
    (drug,) = only(paper("XML2", {"TEN_THUOC": "A", "DUONG_DUNG": "1.10", "MA_NHOM": "04"})).drugs
    assert (drug.route, drug.group) == ("1.10", "04")


def test_names_an_unknown_field_once():
    rows = [{**DRUG, "MA_MOI": "x"}, {**DRUG, "ma_moi": "y", "MA_KHAC": ""}]
    file = envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso("XML2", inner("XML2", *rows))))
    found = only(file)
    expected = [("not-supported", "XML2", None, "MA_MOI"), ("not-supported", "XML2", None, "MA_KHAC")]
    assert places(found) == expected
    assert len(found.drugs) == 2


def test_the_first_of_two_equal_fields_counts():
    line = row("CHI_TIET_THUOC", DRUG).replace("<HAM_LUONG>", "<TEN_THUOC>B</TEN_THUOC><HAM_LUONG>")
    found = only(
        one_row(f"<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>{line}</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>")
    )
    assert found.drugs[0].name == DRUG["TEN_THUOC"]
    assert places(found) == [("duplicate", "XML2", 1, "TEN_THUOC")]


def test_a_long_text_is_kept_with_a_warning():
    found = only(paper("XML2", {"TEN_THUOC": "A" * 1025, "MA_NHOM": "123"}))
    assert len(found.drugs[0].name) == 1025
    assert places(found) == [("too-long", "XML2", 1, "TEN_THUOC"), ("too-long", "XML2", 1, "MA_NHOM")]


def test_an_endless_text_refuses_the_visit():
    found = refused(paper("XML2", {"CACH_DUNG": "A" * 5_001}), text_chars=5_000)
    assert next(place for place in places(found) if place[0] == "too-long") == ("too-long", "XML2", 1, "CACH_DUNG")


@pytest.mark.parametrize("figure", ["1,5", "1.000.000", "1e5", "NaN", "Infinity", "１２", "1_000", "- 1", "0x10"])
def test_a_figure_in_another_notation_is_left_out(figure):
    found = only(paper("XML2", {"TEN_THUOC": "A", "SO_LUONG": figure, "STT": figure}))
    assert (found.drugs[0].quantity, found.drugs[0].sequence) == (None, None)
    assert {place[3] for place in places(found) if place[0] == "value"} == {"SO_LUONG", "STT"}


def test_reads_whole_numbers_with_empty_decimals():
    assert only(paper("XML2", {"TEN_THUOC": "A", "STT": "12.00"})).drugs[0].sequence == 12


def test_a_field_with_elements_inside_is_flattened():
    line = row("CHI_TIET_THUOC", DRUG).replace("Amlodipin Xanh", "Amlodipin <b>Xanh</b>")
    found = only(one_row(f"<CHITIEU_CHITIET_THUOC>{line}</CHITIEU_CHITIET_THUOC>"))
    assert found.drugs[0].name == "Amlodipin Xanh"
    assert places(found) == [("structure", "XML2", 1, "TEN_THUOC")]


def test_finds_rows_whatever_stands_around_them():
    line = row("CHI_TIET_THUOC", DRUG)
    wrapped = only(one_row(f"<KHAC><MA_LK>x</MA_LK><A><B>{line}{line}</B></A></KHAC>"))
    assert len(wrapped.drugs) == 2
    assert places(wrapped) == [("structure", "XML2", None, None)]
    lower_names = re.sub(r"</?[A-Z_]+>", lambda tag: tag.group().lower(), line)
    lower = only(one_row(f"<chitieu_chitiet_thuoc><x>{lower_names}</x></chitieu_chitiet_thuoc>"))
    assert [drug.name for drug in lower.drugs] == [DRUG["TEN_THUOC"]]


def test_an_empty_row_is_passed_over_with_a_warning():
    found = only(
        one_row(f"<CHITIEU_CHITIET_THUOC><CHI_TIET_THUOC/>{row('CHI_TIET_THUOC', DRUG)}</CHITIEU_CHITIET_THUOC>")
    )
    assert len(found.drugs) == 1
    assert places(found) == [("structure", "XML2", 1, None)]


def test_an_empty_row_keeps_its_number():
    line = row("CHI_TIET_THUOC", {**DRUG, "MA_LK": ""})
    found = refused(one_row(f"<CHITIEU_CHITIET_THUOC><CHI_TIET_THUOC/>{line}</CHITIEU_CHITIET_THUOC>"))
    assert ("required", "XML2", 2, "MA_LK") in places(found)


def test_reads_both_generations_of_a_referral():
    old = {
        "MA_NOI_DI": "01001;01002",
        "MA_NOI_DEN": "79001",
        "PP_DIEU_TRI": "Ổn định",
        "TEN_DICH_VU": "A",
        "TEN_THUOC": "B",
    }
    new = {"MA_CSKCB_DI": "01001;01002", "MA_CSKCB_DEN": "79001", "TINH_TRANG_CT": "Ổn định"}
    for sent in (old, new):
        referral = only(paper("XML13", {**sent, "PP_DIEUTRI": "Nội khoa"})).referral
        assert (referral.from_facilities, referral.to_facility) == (("01001", "01002"), "79001")
        assert (referral.condition, referral.treatment) == ("Ổn định", "Nội khoa")
    assert only(paper("XML13", old)).referral.drug_name == "B"


@pytest.mark.parametrize(
    ("digits", "appointment"), [("20250411", "2025-04-11"), ("202504110800", "2025-04-11T08:00:00+07:00")]
)
def test_reads_both_generations_of_a_reexamination(digits, appointment):
    found = only(paper("XML14", {"NGAY_HEN_KL": digits, "NGAY_SINH": "195500000000"}))
    assert (found.reexamination.appointment, found.reexamination.born) == (appointment, "1955")


def test_reads_discharge_and_summary_papers():
    found = only(paper("XML7", {"CHAN_DOAN_RV": "Tăng huyết áp", "NGAY_CT": "20250314", "SO_NGAY_NGHI": "3"}))
    assert (found.discharge.diagnosis, found.discharge.issued_on, found.discharge.leave_days) == (
        "Tăng huyết áp",
        "2025-03-14",
        3,
    )
    found = only(paper("XML8", {"QT_BENHLY": "Đau đầu", "SO_CONCHET": "0"}))
    assert (found.record_summary.course, found.record_summary.children_died) == ("Đau đầu", 0)


def test_amounts_are_exact():
    found = only(envelope(hoso(filehoso("XML1", inner("XML1", {**SUMMARY, "T_BNCCT": "70000.10"})))))
    assert found.summary.copayment == Decimal("70000.10")

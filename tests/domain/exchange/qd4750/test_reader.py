import base64
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest

from domain.exchange.qd4750 import Card, Refusal, Subject, Visit, read
from tests.domain.exchange.qd4750.builders import (
    DRUG,
    NOTE,
    RESULT,
    SERVICE,
    SUMMARY,
    envelope,
    filehoso,
    hoso,
    inner,
    only,
    outcomes,
    places,
    refused,
    row,
    visit,
)

NOW = datetime(2025, 3, 15, tzinfo=UTC)
CHECK_IN = {name: SUMMARY[name] for name in ("MA_LK", "STT", "MA_BN", "HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH")}


def with_summary(**changes: str) -> bytes:
    fields = {name: text for name, text in {**SUMMARY, **changes}.items() if text != "-"}
    return envelope(hoso(filehoso("XML1", inner("XML1", fields))))


def with_rows(table: str, *rows: dict[str, str]) -> bytes:
    return envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso(table, inner(table, *rows))))


def test_reads_a_whole_visit():
    found = only(envelope(visit()))
    assert (found.facility, found.episode, found.issues) == ("01001", SUMMARY["MA_LK"], [])
    assert found.summary.other_icd10 == ("E11.9", "E78.5")
    assert found.summary.total_cost == Decimal("350000.00")
    assert found.summary.height_cm == 153
    assert found.summary.reexaminations_on == ("2025-04-11",)
    assert (found.drugs[0].name, found.drugs[0].quantity) == (DRUG["TEN_THUOC"], Decimal(28))
    assert found.drugs[0].dose.per_day == 1
    assert found.services[0].icd10 == ("I10", "E11.9")
    assert (found.results[0].value, found.results[0].result_at) == ("7.2", "2025-03-14T09:00:00+07:00")
    assert found.notes[0].vitals.systolic_mmhg == 120


def test_says_who_the_visit_is_about():
    assert only(envelope(visit())).subject == Subject(
        name="NGUYỄN THỊ HOÀ XANH",
        personal_number="001155000123",
        birth_raw="195500000000",
        born="1955",
        sex="2",
        facility_patient_id="BN0001234",
        cards=(Card("HT2010112345678", "01001", "2025-01-01", "2025-12-31"),),
    )
    assert only(envelope(visit())).subject.gender == "female"


def test_a_check_in_alone_is_a_visit_without_summary():
    rows = [{**CHECK_IN, "NGAY_VAO": "202503140730"}, {**CHECK_IN, "STT": "2", "MA_DICH_VU": "02.1896"}]
    found = only(envelope(hoso(filehoso("XML0", inner("XML0", *rows)))))
    assert found.summary is None
    assert [line.service_code for line in found.check_in] == [None, "02.1896"]
    assert (found.subject.name, found.subject.born, found.facility) == (SUMMARY["HO_TEN"], "1955", "01001")


def test_a_visit_needs_a_summary_or_a_check_in():
    found = refused(envelope(hoso(filehoso("XML2", inner("XML2", DRUG)))))
    assert ("required", "XML1", None, None) in places(found)


def test_the_order_of_documents_does_not_matter():
    documents = [filehoso("XML2", inner("XML2", DRUG)), filehoso("XML1", inner("XML1", SUMMARY))]
    assert only(envelope(hoso(*documents))).drugs == only(envelope(hoso(*reversed(documents)))).drugs


def test_one_bad_visit_leaves_its_neighbours_alone():
    bad = hoso(filehoso("XML1", b"<TONG_HOP><MA_LK>"))
    first, second, third = outcomes(envelope(visit("A"), bad, visit("C")))
    assert (first.episode, third.episode) == ("A", "C")
    assert isinstance(second, Refusal)
    assert (second.raw, second.position, second.facility) == (bad, 2, "01001")
    assert ("structure", "XML1", None, None) in places(second)


def test_the_facility_falls_back_to_the_envelope():
    found = only(with_summary(MA_CSKCB=""))
    assert (found.facility, found.issues) == ("01001", [])


def test_a_facility_that_is_not_the_envelopes_is_a_warning():
    found = only(with_summary(MA_CSKCB="79001"))
    assert found.facility == "79001"
    assert places(found) == [("invariant", "XML1", 1, "MA_CSKCB")]


def test_a_visit_of_no_facility_is_refused():
    found = refused(with_summary(MA_CSKCB="").replace(b"<MACSKCB>01001</MACSKCB>", b""))
    assert ("required", "XML1", 1, "MA_CSKCB") in places(found)


def test_a_facility_code_of_another_length_is_a_warning():
    found = only(with_summary(MA_CSKCB="1001").replace(b"<MACSKCB>01001<", b"<MACSKCB>1001<"))
    assert places(found) == [("value", "XML1", 1, "MA_CSKCB")]


@pytest.mark.parametrize("key", ["", "x" * 101, "HS\x7f1"])
def test_a_summary_needs_a_sound_key(key):
    assert {place[2:] for place in places(refused(with_summary(MA_LK=key)))} >= {(1, "MA_LK")}


@pytest.mark.parametrize(("table", "fields"), [("XML2", DRUG), ("XML3", SERVICE), ("XML4", RESULT), ("XML5", NOTE)])
@pytest.mark.parametrize(("key", "code"), [("", "required"), ("ANOTHER", "invariant")])
def test_every_row_must_have_the_key_of_the_visit(table, fields, key, code):
    found = refused(with_rows(table, fields, {**fields, "MA_LK": key}))
    assert places(found) == [(code, table, 2, "MA_LK")]


@pytest.mark.parametrize("name", ["NGAY_VAO", "NGAY_RA", "NGAY_SINH"])
@pytest.mark.parametrize("date", ["202502310000", "202513010000", "002501010000", "abc", "20250314"[:6]])
def test_impossible_dates_of_the_summary_refuse_the_visit(name, date):
    found = refused(with_summary(**{name: date}))
    assert ("value", "XML1", 1, name) in places(found)


def test_impossible_dates_of_lines_are_left_out_with_a_warning():
    found = only(with_rows("XML4", {**RESULT, "NGAY_KQ": "202502310000"}))
    assert found.results[0].result_at is None
    assert places(found) == [("value", "XML4", 1, "NGAY_KQ")]


def test_lists_of_lines_that_cannot_be_read_are_empty():
    found = only(with_summary(NGAY_TAI_KHAM="20250411;20251301"))
    assert found.summary.reexaminations_on == ()
    assert places(found) == [("value", "XML1", 1, "NGAY_TAI_KHAM")]


def test_an_end_before_the_beginning_is_a_warning():
    assert places(only(with_summary(NGAY_RA="202503140600"))) == [("invariant", "XML1", 1, "NGAY_RA")]


def test_a_birth_after_the_visit_is_a_warning():
    assert places(only(with_summary(NGAY_SINH="202600000000"))) == [("invariant", "XML1", 1, "NGAY_SINH")]


def test_a_birth_in_the_future_refuses_the_visit_where_now_is_known():
    (found,) = read(BytesIO(with_summary(NGAY_SINH="202503170000")), now=NOW)
    assert isinstance(found, Refusal)
    assert ("value", "XML1", 1, "NGAY_SINH") in places(found)


def test_a_birth_this_year_is_not_the_future():
    (found,) = read(BytesIO(with_summary(NGAY_SINH="202500000000")), now=NOW)
    assert isinstance(found, Visit)


def test_an_arrival_in_the_future_is_a_warning():
    (found,) = read(BytesIO(with_summary(NGAY_VAO="202503160730", NGAY_RA="202503161015")), now=NOW)
    assert places(found) == [("value", "XML1", 1, "NGAY_VAO")]


@pytest.mark.parametrize("name", ["HO_TEN", "NGAY_SINH", "GIOI_TINH", "NGAY_VAO", "NGAY_RA"])
def test_missing_essentials_are_warnings(name):
    assert places(only(with_summary(**{name: "-"}))) == [("required", "XML1", 1, name)]


def test_unknown_codes_are_kept_with_a_warning():
    found = only(with_summary(KET_QUA_DTRI="9", MA_LOAI_KCB="12"))
    assert (found.summary.result, found.summary.care_form) == ("9", "12")
    assert places(found) == [("code-invalid", "XML1", 1, "KET_QUA_DTRI"), ("code-invalid", "XML1", 1, "MA_LOAI_KCB")]


def test_codes_are_judged_by_the_day_of_the_visit():
    found = only(with_summary(MA_LOAI_KCB="12", NGAY_VAO="202607310730", NGAY_RA="202608011015"))
    assert found.issues == []


def test_reads_several_cards_side_by_side():
    found = only(
        with_summary(
            MA_THE_BHYT="TE1010112345678;HS4010112345678",
            MA_DKBD="01001; ",
            GT_THE_TU="20250101;20250301",
            GT_THE_DEN="20250228;",
        )
    )
    assert found.issues == []
    assert found.summary.cards == (
        Card("TE1010112345678", "01001", "2025-01-01", "2025-02-28"),
        Card("HS4010112345678", None, "2025-03-01", None),
    )


def test_card_lists_of_other_lengths_are_a_warning():
    found = only(with_summary(MA_THE_BHYT="TE1010112345678;HS4010112345678"))
    assert {place[3] for place in places(found)} == {"MA_DKBD", "GT_THE_TU", "GT_THE_DEN"}
    assert found.summary.cards[1] == Card("HS4010112345678", None, None, None)


@pytest.mark.parametrize(
    ("reserve", "height"), [("", None), ("153.5", Decimal("153.5")), ("1.53", None), ("ghi chú", None)]
)
def test_the_reserve_is_a_height_only_where_it_can_be_one(reserve, height):
    assert only(with_summary(DU_PHONG=reserve)).summary.height_cm == height


def test_implausible_vitals_are_a_warning():
    found = only(with_rows("XML5", {**NOTE, "DIEN_BIEN_LS": "CSST<M750_T37>"}))
    assert places(found) == [("value", "XML5", 1, "DIEN_BIEN_LS")]
    assert found.notes[0].vitals.pulse_per_min is None


def test_rows_that_name_nothing_are_a_warning():
    bare = {"MA_LK": SUMMARY["MA_LK"]}
    assert places(only(with_rows("XML2", bare))) == [("required", "XML2", 1, "TEN_THUOC")]
    assert places(only(with_rows("XML3", bare))) == [("required", "XML3", 1, "MA_DICH_VU")]


@pytest.mark.parametrize(
    ("name", "restriction"),
    [
        ("XML6", "HIV"),
        ("XML9", "REPRODUCTIVE"),
        ("XML10", "REPRODUCTIVE"),
        ("XML11", ""),
        ("XML12", ""),
        ("XML15", "TB"),
    ],
)
def test_keeps_tables_that_are_not_read(name, restriction):
    content = b"<X><MA_LK>%s</MA_LK></X>" % SUMMARY["MA_LK"].encode()
    found = only(envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso(name, content))))
    (kept,) = found.kept
    assert (kept.name, kept.content, kept.restriction) == (name, content, restriction)
    assert found.issues == []


def test_keeps_an_unknown_table_of_any_content_with_a_warning():
    found = only(envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso("XML99", b"%PDF"))))
    assert [(kept.name, kept.content, kept.restriction) for kept in found.kept] == [("XML99", b"%PDF", "UNKNOWN")]
    assert places(found) == [("not-supported", "XML99", None, "LOAIHOSO")]


def test_shows_no_table_name_that_cannot_be_one():
    summary = filehoso("XML1", inner("XML1", SUMMARY))
    found = only(envelope(hoso(summary, filehoso("Nguyễn Văn Tím 0912345678", b"x"))))
    assert places(found) == [("not-supported", "UNKNOWN", None, "LOAIHOSO")]


def test_a_kept_table_of_another_visit_refuses_this_one():
    content = b"<X><MA_LK>ANOTHER</MA_LK></X>"
    found = refused(envelope(hoso(filehoso("XML1", inner("XML1", SUMMARY)), filehoso("XML6", content))))
    assert places(found) == [("invariant", "XML6", None, "MA_LK")]


def test_a_second_summary_refuses_the_visit():
    found = refused(envelope(hoso(*[filehoso("XML1", inner("XML1", SUMMARY))] * 2)))
    assert ("duplicate", "XML1", 2, None) in places(found)


def test_a_list_in_two_files_is_one_list_with_a_warning():
    documents = [filehoso("XML1", inner("XML1", SUMMARY)), *[filehoso("XML2", inner("XML2", DRUG))] * 2]
    found = only(envelope(hoso(*documents)))
    assert len(found.drugs) == 2
    assert places(found) == [("duplicate", "XML2", None, None)]


def test_a_document_of_no_name_or_no_content_is_named():
    packed = base64.b64encode(b"<x/>")
    nameless = b"<FILEHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % packed
    summary = filehoso("XML1", inner("XML1", SUMMARY))
    assert places(refused(envelope(hoso(summary, nameless)))) == [("structure", "HOSO", 1, "LOAIHOSO")]
    assert places(only(envelope(hoso(summary, filehoso("XML2", b""))))) == [("structure", "XML2", None, "NOIDUNGFILE")]


def test_findings_are_counted_beyond_what_is_listed():
    rows = [{**DRUG, "SO_LUONG": "nhiều"}] * 12
    found = outcomes(with_rows("XML2", *rows), issues_per_visit=5)[0]
    assert len(found.issues) == 6
    assert "7 further" in found.issues[-1].message


def test_too_many_rows_or_documents_refuse_the_visit():
    assert ("too-long", "XML2", 3, None) in places(refused(with_rows("XML2", *[DRUG] * 3), rows_per_table=2))
    assert ("too-long", "HOSO", 1, None) in places(refused(envelope(visit()), documents_per_visit=4))


def test_issues_never_repeat_what_the_record_says():
    secret = "Bí mật 0912345678"
    changes = dict.fromkeys(SUMMARY, secret) | {"MA_LK": "HS1"}
    unknown = row("TONG_HOP", {**changes, "MA_BENH_KHAC": secret}).encode()
    found = refused(envelope(hoso(filehoso("XML1", unknown))))
    assert all("0912345678" not in str(issue.as_dict()) and "Bí" not in issue.message for issue in found.issues)

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reference import vaccines
from domain.reference.tables import table

ROWS = table("vaccines")["rows"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Vắc xin 5 trong 1 (ComBE Five)", "DTWP-HEPB-HIB"),
        ("DPT-VGB-Hib", "DTWP-HEPB-HIB"),
        ("Pentaxim", "DTAP-IPV-HIB"),
        ("6in1 Infanrix Hexa mũi 2", "DTAP-IPV-HEPB-HIB"),
        ("SOI - RUBELLA", "MR"),
        ("Sởi đơn", "MEASLES"),
        ("Sởi - Quai bị - Rubella", "MMR"),
        ("Viêm gan B (Euvax-B)", "HEPB-PED"),
        ("VNNB mũi 2", "JE-INACTIVATED"),
        ("Gardasil 9", "HPV9"),
        ("Gardasil", "HPV4"),
        ("Bại liệt uống bOPV", "BOPV"),
        ("VAT 2", "TT"),
        ("Uốn ván - bạch hầu giảm liều", "TD"),
        ("Vero Cell", "COVID-SINOPHARM"),
        ("Vắc xin COVID-19 Pfizer", "COVID-PFIZER"),
        ("Covid", "COVID-OTHER"),
        ("phòng lao", "BCG"),
        ("dại", "RABIES"),
        ("Vac xin dai", "RABIES"),
    ],
)
def test_reads_free_text(text, code):
    for form in (text, unicodedata.normalize("NFD", text), text.upper()):
        assert vaccines.by_name(form).code == code


@pytest.mark.parametrize("text", ["", "vắc xin", "Hib", "Trẻ đại học", "BCGX", "x" * 10_000])
def test_does_not_guess(text):
    assert vaccines.by_name(text) is None
    assert vaccines.antigens(text) == ()


@settings(deadline=None)
@given(st.text(max_size=80))
def test_never_raises(text):
    vaccines.by_name(text)
    vaccines.by_code("cvx", text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_every_vaccine_is_found_by_its_codes_and_its_names(row):
    (own,) = vaccines.by_code("own", row["code"].lower())
    assert own.is_verified is False
    assert own in vaccines.by_code("atc", row["atc"])
    assert row["cvx"] is None or vaccines.by_code("cvx", row["cvx"]) == (own,)
    for name in (row["vi"], row["en"], *row["names"]):
        assert vaccines.by_name(name) is not None
    assert all(vaccines.antigen_name(antigen, language) for antigen in own.antigens for language in ("vi", "en"))


def test_own_and_cvx_codes_and_written_names_are_unique():
    for of in (lambda row: [row["code"]], lambda row: [row["cvx"]] if row["cvx"] else [], lambda row: row["names"]):
        said = [value for row in ROWS for value in of(row)]
        assert len(said) == len(set(said))


def test_codes_forgive_form_and_say_all_they_mean():
    assert vaccines.by_code("cvx", " 8 ") == vaccines.by_code("cvx", "08")
    assert {vaccine.code for vaccine in vaccines.by_code("atc", "j07bn01")} == {"COVID-MODERNA", "COVID-PFIZER"}
    assert vaccines.by_code("own", "nothing") == ()


def test_antigens_of_a_combined_vaccine():
    assert set(vaccines.antigens("5 trong 1")) == {"diphtheria", "tetanus", "pertussis", "Hib", "hepB"}
    assert vaccines.antigen_name("JE", "vi") == "Viêm não Nhật Bản"
    assert vaccines.antigen_name("nothing", "vi") is None

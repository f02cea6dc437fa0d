from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange.qd4750 import Vitals, parse_vitals


def test_reads_the_block_inside_a_note():
    assert parse_vitals("Bệnh tỉnh. CSST<M75_T37_HA120/70_NT18_HL2> Ăn uống được.") == Vitals(
        75, Decimal(37), 120, 70, 18, None, 2
    )


@pytest.mark.parametrize(
    "note",
    [
        "CSST < M 75 _ T 37.5 _ HA 120 / 70 _SP98%>",
        "csst<m75_t37,5_ha120/70_sp98>",
        "CSST&lt;M75_T37.5_HA120/70_SP98&gt;",
        "CSST<M: 75_T37.5°C_HA=120/70_SP98_XX9_>",
    ],
)
def test_forgives_spaces_case_and_escapes(note):
    assert parse_vitals(note) == Vitals(75, Decimal("37.5"), 120, 70, oxygen_saturation_pct=Decimal(98))


@pytest.mark.parametrize("note", [None, "", "không có", "CSST", "CSST<M75", "CSST M75>"])
def test_answers_none_without_a_block(note):
    assert parse_vitals(note) is None


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("M750", "M"),
        ("T3.7", "T"),
        ("HA120", "HA"),
        ("HA70/120", "HA"),
        ("HA1200/70", "HA"),
        ("NT0", "NT"),
        ("SP101", "SP"),
        ("HL0", "HL"),
        ("M..", "M"),
    ],
)
def test_leaves_out_and_names_what_no_body_shows(block, part):
    vitals = parse_vitals(f"CSST<{block}>")
    assert vitals == Vitals(implausible=(part,))


@given(st.integers(10, 350), st.integers(30, 250), st.integers(10, 30), st.integers(3, 150))
def test_reads_back_plausible_figures(pulse, systolic, diastolic, respiration):
    vitals = parse_vitals(f"x CSST<M{pulse}_HA{systolic}/{diastolic}_NT{respiration}> y")
    assert vitals == Vitals(pulse, None, systolic, diastolic, respiration)


@given(st.text(alphabet="CSSTcsst<>&lgt;_MTHANPL0123456789./, %", max_size=300))
def test_never_raises(note):
    parse_vitals("CSST<" + note)

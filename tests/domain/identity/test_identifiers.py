import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identity import identifiers
from domain.identity.identifiers import Identifier, IdentifierKind, card, classify, contradictions, masked
from domain.values import PartialDate

SECRET = b"0123456789abcdef0123456789abcdef"
CCCD, CMND, BHXH = IdentifierKind.CCCD, IdentifierKind.CMND, IdentifierKind.BHXH
BHYT, PASSPORT = IdentifierKind.BHYT, IdentifierKind.PASSPORT
PINNED = "df1c3ebdd7f112adf87070798816263fc9e097dc5c341bfa39224b6ecd7b8aff"


@pytest.mark.parametrize(
    ("raw", "kind", "value", "warnings"),
    [
        ("001155000123", CCCD, "001155000123", []),
        (" 001.155 000-123 ", CCCD, "001155000123", []),
        ("'001155000123", CCCD, "001155000123", []),
        ("\u201c001155000123\u201d", CCCD, "001155000123", []),
        ("001155000123.0", CCCD, "001155000123", []),
        ("\x00001155\u200b000123\n", CCCD, "001155000123", []),
        ("０７９１５５０００１２３", CCCD, "079155000123", []),
        ("٠٧٩١٥٥٠٠٠١٢٣", CCCD, "079155000123", []),
        ("79155000123", CCCD, "079155000123", ["leading-zero-restored"]),
        ("79155000123.0", CCCD, "079155000123", ["leading-zero-restored"]),
        ("999155000123", CCCD, "999155000123", ["cccd-unknown-province"]),
        ("023456780", CMND, "023456780", ["cmnd-in-cccd-field"]),
        ("023.456.780", CMND, "023456780", ["cmnd-in-cccd-field"]),
        ("000023456780", CMND, "023456780", ["padded-cmnd"]),
        ("B1234568", PASSPORT, "B1234568", []),
        ("c12345679", PASSPORT, "C12345679", []),
        ("EA1234568", PASSPORT, "EA1234568", ["foreign-passport"]),
        ("C01X00T47", PASSPORT, "C01X00T47", ["foreign-passport"]),
        ("HT2010112345678", BHYT, "HT2010112345678", ["card-in-id-field"]),
    ],
)
def test_reads_an_id_field(raw, kind, value, warnings):
    assert classify(raw) == (Identifier(kind, value), warnings)


@pytest.mark.parametrize(
    ("raw", "warnings"),
    [
        (None, []),
        ("", []),
        (" \t", []),
        ("000000000000", ["junk"]),
        ("111111111", ["junk"]),
        ("KHONG CO", ["junk"]),
        ("không có", ["junk"]),
        ("123456789012", ["junk"]),
        ("012345678912", ["junk"]),
        ("123456789", ["junk"]),
        ("987654321", ["junk"]),
        ("012345678", ["junk"]),
        ("000123456789", ["junk"]),
        ("B1234567", ["junk"]),
        ("\ud800", ["junk"]),
        ("1.155E+09", ["scientific-notation"]),
        ("7,9155000123E+10", ["scientific-notation"]),
        ("0E.0000", ["scientific-notation"]),
        ("AB00000", ["junk"]),
        ("HT2010000000000", ["junk"]),
        ("123/2020", ["birth-certificate-number"]),
        ("1155000123", ["unrecognised"]),
        ("0912345678", ["unrecognised"]),
        ("97155000123", ["unrecognised"]),
        ("79955000123", ["unrecognised"]),
        ("12345678", ["junk"]),
        ("0011550001234", ["unrecognised"]),
        ("001155000123é", ["unrecognised"]),
        ("ABCDE12", ["unrecognised"]),
        ("0" * 65, ["too-long"]),
    ],
)
def test_refuses_what_names_nobody(raw, warnings):
    assert classify(raw) == (None, warnings)


@pytest.mark.parametrize(
    ("raw", "found", "warnings"),
    [
        ("HT2010112345678", [(BHYT, "HT2010112345678"), (BHXH, "0112345678")], []),
        ("ht 2 01 01 12345678", [(BHYT, "HT2010112345678"), (BHXH, "0112345678")], []),
        ("0112345678", [(BHXH, "0112345678")], []),
        ("TE1010112345678", [(BHYT, "TE1010112345678")], ["child-card"]),
        ("TE101KT12345678", [(BHYT, "TE101KT12345678")], ["child-card"]),
        ("001155000123", [(CCCD, "001155000123")], ["cccd-in-card-field"]),
        ("79155000123", [(CCCD, "079155000123")], ["leading-zero-restored", "cccd-in-card-field"]),
        ("HT6010112345678", [], ["unrecognised"]),
        ("HT2010000000000", [], ["junk"]),
        ("TE1010000000000", [], ["junk"]),
        ("0000000000", [], ["junk"]),
        ("023456780", [], ["unrecognised"]),
        ("không", [], ["junk"]),
        (None, [], []),
    ],
)
def test_reads_a_card_field(raw, found, warnings):
    assert card(raw) == (tuple(Identifier(kind, value) for kind, value in found), warnings)


@settings(deadline=None)
@given(st.text(max_size=80) | st.text("0123456789TEHK.E+ /'", max_size=20))
def test_never_raises_and_reads_its_own_answer(raw):
    found, _ = classify(raw)
    assert found is None or classify(found.value)[0] == found
    for one in card(raw)[0]:
        assert one in card(one.value)[0]
    identifiers.facility_patient_id("01001", raw)
    contradictions(raw, None, None)


@pytest.mark.parametrize(
    ("cccd", "born", "sex", "codes"),
    [
        ("001155000123", "1955", "female", []),
        ("001155000123", "1955-03-14", None, []),
        ("001155000123", None, None, []),
        ("001155000123", None, "unknown", []),
        ("001055000123", "1955", "female", ["cccd-sex"]),
        ("001155000123", "1956-01-01", "female", ["cccd-birth-year"]),
        ("001355000123", "1955", "female", ["cccd-birth-year"]),
        ("079217000123", "2017-05-02T07:30:00+07:00", "male", []),
        ("079317000123", "2017", "female", []),
        ("079985000123", "2385", "female", []),
        ("999155000123", "1955", "female", ["cccd-unknown-province"]),
        ("003055000123", "1956", "female", ["cccd-birth-year", "cccd-sex", "cccd-unknown-province"]),
        ("٠٧٩١٥٥٠٠٠١٢٣", None, None, ["cccd-malformed"]),
        ("12", None, None, ["cccd-malformed"]),
    ],
)
def test_says_what_contradicts_a_number(cccd, born, sex, codes):
    assert contradictions(cccd, PartialDate(born) if born else None, sex) == codes


@pytest.mark.parametrize("raw", [None, "", "0", "000", " . ", "x" * 101])
def test_a_facility_number_must_say_something(raw):
    assert identifiers.facility_patient_id("01001", raw) is None


def test_a_facility_number_keeps_its_form_and_its_facility():
    found = identifiers.facility_patient_id("01001", " bn\x00 0001234 ")
    assert found == Identifier(IdentifierKind.FACILITY_PATIENT_ID, "bn 0001234", "01001")
    assert identifiers.facility_patient_id("", "BN1") is None


def test_lookup_keys_differ_by_value_kind_issuer_and_secret():
    keys = {
        identifiers.lookup_key(SECRET, Identifier(CCCD, "001155000123")),
        identifiers.lookup_key(SECRET[::-1], Identifier(CCCD, "001155000123")),
        identifiers.lookup_key(SECRET, Identifier(CMND, "001155000123")),
        identifiers.lookup_key(SECRET, Identifier(IdentifierKind.FACILITY_PATIENT_ID, "1", "01001")),
        identifiers.lookup_key(SECRET, Identifier(IdentifierKind.FACILITY_PATIENT_ID, "1", "01002")),
        identifiers.lookup_key(SECRET, Identifier(IdentifierKind.FACILITY_PATIENT_ID, "21", "0100")),
        identifiers.lookup_key(SECRET, Identifier(IdentifierKind.FACILITY_PATIENT_ID, "\ud800", "0100")),
    }
    assert len(keys) == 7
    assert {len(key) for key in keys} == {32}


def test_a_lookup_key_never_changes():
    key = identifiers.lookup_key(SECRET, Identifier(CCCD, "001155000123"))
    assert key == identifiers.lookup_key(SECRET, Identifier(CCCD, "001155000123"))
    assert key.hex() == PINNED


def test_a_lookup_secret_must_be_long():
    with pytest.raises(ValueError, match="32 bytes"):
        identifiers.lookup_key(SECRET[:-1], Identifier(CCCD, "001155000123"))


@pytest.mark.parametrize(
    ("value", "shown"), [("001155000123", "•••••••••123"), ("BN1234", "•••234"), ("BN123", "•••••"), ("", "")]
)
def test_shows_only_the_end(value, shown):
    assert masked(Identifier(CCCD, value)) == shown

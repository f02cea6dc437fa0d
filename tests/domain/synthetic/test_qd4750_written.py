import re
import unicodedata
from datetime import timedelta
from random import Random
from xml.etree import ElementTree as ET

import pytest

from domain.exchange import qd4750
from domain.synthetic import qd4750_files, visits
from domain.synthetic.facilities import areas
from domain.synthetic.illness import Contact
from domain.synthetic.people import Builder, Family, Home
from tests.domain.synthetic.conftest import SEED, TODAY
from tests.domain.synthetic.readback import read_record

AREA = areas(SEED, 10)[0]
DATE_FIELDS = ("NGAY_VAO", "NGAY_RA", "NGAY_YL", "NGAY_KQ", "THOI_DIEM_DBLS", "NGAY_TTOAN")


def _facilities():
    return {facility.code: facility for area in areas(SEED, 10) for facility in area.facilities}


def _mother_and_child():
    builder = Builder(Family(9, Home(AREA, AREA.communes[0], "Thôn 1")), Random(5), TODAY)
    mother = builder.person("head", "female", 30)
    return mother, builder.child("male", 0.5, mother, None)


def _record(person, contact):
    content, _ = qd4750_files.record(visits.visit(Random(1), person, contact, TODAY), 1)
    return read_record(contact.facility.code, ET.fromstring(content))


def test_every_visit_has_its_summary_or_is_a_check_in(population):
    for record in population.records:
        assert ("XML1" in record.tables) != ("XML0" in record.tables)
        if "XML0" in record.tables:
            assert set(record.tables) == {"XML0"}


def test_all_tables_of_a_visit_share_its_episode(population):
    for record in population.records:
        assert len({row["MA_LK"] for rows in record.tables.values() for row in rows}) == 1


def test_episodes_and_patient_numbers_are_unique_in_a_facility(population):
    keys = [(record.facility, next(iter(record.tables.values()))[0]["MA_LK"]) for record in population.records]
    assert len(set(keys)) == len(keys)


def test_in_patients_have_discharge_and_summary(population):
    stays = [
        record for record in population.records if "XML1" in record.tables and record.summary["MA_LOAI_KCB"] == "03"
    ]
    assert stays
    assert all({"XML7", "XML8"} <= set(record.tables) for record in stays)


def test_times_are_digits_and_in_order(population):
    for record in population.records:
        for rows in record.tables.values():
            for row in rows:
                assert all(re.fullmatch(r"(\d{12})?", row.get(field, "")) for field in DATE_FIELDS)
        if "XML1" in record.tables:
            assert record.summary["NGAY_VAO"] < record.summary["NGAY_RA"] < f"{TODAY + timedelta(days=1):%Y%m%d}"


def test_results_belong_to_services_of_the_visit(population):
    for record in population.records:
        done = {row["MA_DICH_VU"] for row in record.tables.get("XML3", ())}
        assert {row["MA_DICH_VU"] for row in record.tables.get("XML4", ())} <= done


def test_doses_and_vitals_follow_their_grammar(population):
    doses = [row["LIEU_DUNG"] for record in population.records for row in record.tables.get("XML2", ())]
    assert all(qd4750.parse_dose(dose) is not None for dose in set(doses))
    for record in population.records:
        for row in record.tables.get("XML5", ()):
            assert re.match(r"CSST<M\d+_T\d\d(\.\d)?_HA\d+/\d+_NT\d+_SP\d+> ", row["DIEN_BIEN_LS"])


def test_the_importer_reads_all_without_an_issue(population):
    count = 0
    for path in (population.out / "qd4750").iterdir():
        with path.open("rb") as stream:
            for visit in qd4750.read(stream):
                assert isinstance(visit, qd4750.Visit)
                assert not visit.issues
                count += 1
    assert count == population.manifest.visits


def test_province_and_district_codes_change_in_july_2025(population):
    summaries = [record.summary for record in population.records if "XML1" in record.tables]
    before = [row for row in summaries if row["NGAY_VAO"] < "20250701"]
    after = [row for row in summaries if row["NGAY_VAO"] >= "20250701"]
    assert before
    assert after
    assert all(row["MAHUYEN_CU_TRU"] for row in before)
    assert not any(row["MAHUYEN_CU_TRU"] for row in after)


def test_only_one_facility_decomposes_names(population):
    by_facility: dict[str, list[str]] = {}
    for record in population.records:
        if "XML1" in record.tables:
            by_facility.setdefault(record.facility, []).append(record.summary["HO_TEN"])
    decomposed = {code for code, names in by_facility.items() if not all(map(_is_composed, names))}
    assert decomposed == {code for code, facility in _facilities().items() if facility.dialect.decomposed} & set(
        by_facility
    )
    assert len(decomposed) == 1


def _is_composed(name):
    return unicodedata.is_normalized("NFC", name)


def test_dialects_show_in_bytes_and_capitals(population):
    facilities = _facilities()
    for record in population.records:
        dialect = facilities[record.facility].dialect
        first = next(iter(record.raw.values()))
        assert first.startswith(b"\xef\xbb\xbf") == dialect.bom
        assert (b"<![CDATA[" in first) == dialect.cdata
        if "XML1" in record.tables:
            assert record.summary["HO_TEN"].isupper() == dialect.capitals
            assert ("NHOM_MAU" in record.summary) != dialect.old_tables
    habits = [
        facility.dialect for facility in facilities.values() if facility.kind not in ("pharmacy", "vaccination_centre")
    ]
    for habit in ("old_tables", "bom", "cdata", "capitals", "late_tone"):
        assert {getattr(dialect, habit) for dialect in habits} == {True, False}


@pytest.mark.parametrize("old", [True, False])
def test_referrals_and_re_examinations_of_both_generations(old):
    mother, _ = _mother_and_child()
    place = next(facility for facility in _facilities().values() if facility.dialect.old_tables == old)
    at = visits.datetime(2026, 3, 4, 8, 15)
    referred = _record(mother, Contact(at, "pneumonia", "outpatient", place, referred_to=AREA.hospitals[0]))
    paper = referred.tables["XML13"][0]
    assert paper["MA_NOI_DEN" if old else "MA_CSKCB_DEN"] == AREA.hospitals[0].code
    assert ("TEN_THUOC" in paper) == old
    again = _record(mother, Contact(at, "hypertension", "chronic", place)).tables["XML14"][0]
    assert re.fullmatch(r"\d{12}" if old else r"\d{8}", again["NGAY_HEN_KL"])


def test_newborns_are_written_under_their_mother_without_a_number():
    mother, baby = _mother_and_child()
    record = _record(baby, Contact(baby.born, "newborn", "newborn", AREA.hospitals[1]))
    summary, paper = record.summary, record.tables["XML7"][0]
    assert summary["HO_TEN"].casefold() == visits_name(mother, AREA.hospitals[1]).casefold()
    assert summary["SO_CCCD"] == ""
    assert summary["NGAY_SINH"] == f"{baby.born:%Y%m%d%H%M}"
    assert summary["MA_DOITUONG_KCB"] == "1.7"
    assert paper["MA_ME"] == mother.bhxh
    assert paper["MA_THE_TAM"].startswith("TE1")


def visits_name(person, facility):
    return qd4750_files.tables.spelt(person.name, facility.dialect)


def test_a_delivery_carries_the_birth_certificate():
    mother, baby = _mother_and_child()
    at = baby.born - timedelta(hours=4)
    record = _record(mother, Contact(at, "delivery", "delivery", AREA.hospitals[0], baby=baby))
    paper = record.tables["XML9"][0]
    assert paper["NGAY_SINH_CON"] == f"{baby.born:%Y%m%d%H%M}"
    assert paper["GIOI_TINH_CON"] == "1"
    assert record.summary["CAN_NANG_CON"] == paper["CAN_NANG_CON"]


@pytest.mark.parametrize(("disease", "table"), [("hiv", "XML6"), ("tuberculosis", "XML15")])
def test_registers_of_hiv_and_tuberculosis(disease, table):
    mother, _ = _mother_and_child()
    at = visits.datetime(2026, 3, 4, 8, 15)
    record = _record(mother, Contact(at, disease, "chronic", AREA.hospitals[0]))
    assert record.tables[table][0]["MA_LK"] == record.summary["MA_LK"]


def test_text_is_escaped_where_there_is_no_cdata():
    mother, _ = _mother_and_child()
    mother.home = Home(AREA, AREA.communes[0], "Số 5 <A> & B ]]> C")
    for place in _facilities().values():
        record = _record(mother, Contact(visits.datetime(2026, 3, 4, 8, 15), "cold", "outpatient", place))
        assert record.summary["DIA_CHI"].startswith("Số 5 <A> & B ]]> C")

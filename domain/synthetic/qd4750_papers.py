"""The papers that go with a visit: XML6 to XML11, XML13 to XML15, for the visits that have them.

Fields by QĐ 4750 and 3176; a facility of the older generation writes XML13 and XML14 with the older names and
a re-examination day of 12 digits. XML12 is typed on a portal and never exported.
"""

from datetime import timedelta

from domain.synthetic import identifiers
from domain.synthetic.catalogue import DISEASES
from domain.synthetic.people import Person
from domain.synthetic.qd4750_tables import (
    Row,
    birth,
    birth_weight,
    card_row,
    day,
    minute,
    route,
    spelt,
    written_name,
)
from domain.synthetic.visits import Visit

_SEX = {"male": "1", "female": "2"}


def head(visit: Visit) -> str:
    """MA_TTDV: the licence of the head of the facility."""
    return f"000001/{visit.facility.code[:2]}-GPHN"


def significant(visit: Visit) -> str:
    """TOMTAT_KQ: abnormal results and conclusions in one line."""
    parts = [
        f"{result.analyte.name} {result.value} {result.analyte.unit}".strip()
        for done in visit.services
        for result in done.results
        if result.high_or_low != "N"
    ]
    parts += [done.finding.conclusion for done in visit.services if done.finding]
    return "; ".join(dict.fromkeys(parts))


def papers(visit: Visit) -> dict[str, Row]:
    """The papers of a visit by table name, each one row."""
    made: dict[str, Row] = {}
    if visit.disease is DISEASES["hiv"]:
        made["XML6"] = _hiv(visit)
    if visit.in_ward:
        made["XML7"], made["XML8"] = _discharge(visit), _record_summary(visit)
    if visit.contact.baby is not None:
        made["XML9"] = _birth_certificate(visit, visit.contact.baby)
    if visit.disease is DISEASES["antenatal"] and visit.person.serial % 3 == 0:
        made["XML10"] = _maternity_rest(visit)
    if visit.sick_days:
        made["XML11"] = _sick_leave(visit)
    if visit.contact.referred_to is not None:
        made["XML13"] = _referral(visit)
    if visit.next_on is not None:
        made["XML14"] = _re_examination(visit)
    if visit.disease is DISEASES["tuberculosis"]:
        made["XML15"] = _tuberculosis(visit)
    return made


def _hiv(visit: Visit) -> Row:
    begun = visit.entered.date() - timedelta(days=500)
    tested = minute(visit.entered)[:8]
    load = next((r.value for done in visit.services for r in done.results if r.analyte.loinc == "20447-9"), "")
    return {
        "MA_LK": visit.episode, "MA_THE_BHYT": visit.person.card, "SO_CCCD": visit.identifier, "NGAYKD_HIV": day(begun),
        "BDDT_ARV": day(begun + timedelta(days=10)), "MA_PHAC_DO_DIEU_TRI_BD": "1", "MA_BAC_PHAC_DO_BD": "1",
        "MA_LYDO_DTRI": "1",
        "LOAI_DTRI_LAO": "0", "PHACDO_DTRI_LAO": "", "NGAYBD_DTRI_LAO": "", "NGAYKT_DTRI_LAO": "",
        "MA_LYDO_XNTL_VR": "2",
        "NGAY_XN_TLVR": tested if load else "", "KQ_XNTL_VR": load, "NGAY_KQ_XN_TLVR": tested if load else "",
        "MA_LOAI_BN": "1",
        "MA_TINH_TRANG_DK": "1", "LAN_XN_PCR": "", "NGAY_XN_PCR": "", "NGAY_KQ_XN_PCR": "", "MA_KQ_XN_PCR": "",
        "NGAY_NHAN_TT_MANG_THAI": "", "NGAY_BAT_DAU_DT_CTX": "", "MA_XU_TRI": "1", "NGAY_BAT_DAU_XU_TRI": tested,
        "NGAY_KET_THUC_XU_TRI": "", "MA_PHAC_DO_DIEU_TRI": "1", "MA_BAC_PHAC_DO": "1", "SO_NGAY_CAP_THUOC_ARV": "28",
        "NGAY_CHUYEN_PHAC_DO": "", "LY_DO_CHUYEN_PHAC_DO": "", "MA_CSKCB": visit.facility.code, "DU_PHONG": "",
    }  # fmt: skip


def _parents(person: Person, visit: Visit) -> Row:
    dialect = visit.facility.dialect
    return {
        "HO_TEN_CHA": spelt(person.father.name, dialect) if person.father else "",
        "HO_TEN_ME": spelt(person.mother.name, dialect) if person.mother else "",
    }


def _newborn_numbers(visit: Visit) -> Row:
    """The parents' BHXH numbers and the temporary card, which lead from a newborn's papers to its mother."""
    person = visit.person
    if visit.form != "newborn":
        return {"MA_CHA": "", "MA_ME": "", "MA_THE_TAM": ""}
    return {
        "MA_CHA": person.father.bhxh if person.father else "",
        "MA_ME": person.mother.bhxh if person.mother else "",
        "MA_THE_TAM": temporary_card(person),
    }


def temporary_card(baby: Person) -> str:
    """TE1, province, ten digits: what a baby has before its own card."""
    return identifiers.card("TE", 1, baby.home.area.old_province, baby.bhxh)


def _discharge(visit: Visit) -> Row:
    return {
        "MA_LK": visit.episode, "SO_LUU_TRU": f"LT{visit.episode[2:]}", "MA_YTE": visit.patient_number,
        "MA_KHOA_RV": visit.disease.department, "NGAY_VAO": minute(visit.entered), "NGAY_RA": minute(visit.left),
        "MA_DINH_CHI_THAI": "0", "NGUYENNHAN_DINHCHI": "", "THOIGIAN_DINHCHI": "", "TUOI_THAI": "",
        "CHAN_DOAN_RV": visit.diagnosis,
        "PP_DIEUTRI": "Phẫu thuật, nội khoa" if visit.disease.procedures else "Nội khoa",
        "GHI_CHU": visit.disease.advice, "MA_TTDV": head(visit), "MA_BS": visit.doctor.licence,
        "TEN_BS": visit.doctor.name,
        "NGAY_CT": day(visit.left.date()), **_newborn_numbers(visit), **_parents(visit.person, visit),
        "SO_NGAY_NGHI": "7", "NGOAITRU_TUNGAY": day(visit.left.date()),
        "NGOAITRU_DENNGAY": day(visit.left.date() + timedelta(days=7)), "DU_PHONG": "",
    }  # fmt: skip


def _record_summary(visit: Visit) -> Row:
    baby = visit.contact.baby
    return {
        "MA_LK": visit.episode, "MA_LOAI_KCB": "03", **_parents(visit.person, visit), "NGUOI_GIAM_HO": "", "DON_VI": "",
        "NGAY_VAO": minute(visit.entered), "NGAY_RA": minute(visit.left), "CHAN_DOAN_VAO": visit.disease.name,
        "CHAN_DOAN_RV": visit.diagnosis, "QT_BENHLY": f"{visit.disease.reason}. {visit.disease.course}",
        "TOMTAT_KQ": significant(visit), "PP_DIEUTRI": "Điều trị theo phác đồ, theo dõi hằng ngày",
        "NGAY_SINHCON": day(baby.born.date()) if baby else "", "NGAY_CONCHET": "", "SO_CONCHET": "",
        "KET_QUA_DTRI": str(visit.outcome), "GHI_CHU": visit.disease.advice, "MA_TTDV": head(visit),
        "NGAY_CT": day(visit.left.date()), "MA_THE_TAM": "", "DU_PHONG": "",
    }  # fmt: skip


def _birth_certificate(visit: Visit, baby: Person) -> Row:
    mother, on = visit.person, visit.left.date()
    province, district, commune = mother.home.codes(on)
    father = spelt(baby.father.name, visit.facility.dialect) if baby.father else ""
    return {
        "MA_LK": visit.episode, "MA_BHXH_NND": mother.bhxh, "MA_THE_NND": mother.card,
        "HO_TEN_NND": written_name(visit),
        "NGAYSINH_NND": birth(visit)[:8], "MA_DANTOC_NND": mother.ethnicity, "SO_CCCD_NND": mother.cccd,
        "NGAYCAP_CCCD_NND": "20220301", "NOICAP_CCCD_NND": "Cục CSQLHC về TTXH",
        "NOI_CU_TRU_NND": mother.home.address(on),
        "MA_QUOCTICH": "000", "MATINH_CU_TRU": province, "MAHUYEN_CU_TRU": district, "MAXA_CU_TRU": commune,
        "HO_TEN_CHA": father, "MA_THE_TAM": temporary_card(baby),
        "HO_TEN_CON": spelt(baby.name, visit.facility.dialect),
        "GIOI_TINH_CON": _SEX[baby.sex], "SO_CON": "1", "LAN_SINH": "1", "SO_CON_SONG": "1",
        "CAN_NANG_CON": str(birth_weight(baby)),
        "NGAY_SINH_CON": minute(baby.born), "NOI_SINH_CON": visit.facility.address, "TINH_TRANG_CON": "Khỏe mạnh",
        "SINHCON_PHAUTHUAT": "1" if visit.disease is DISEASES["caesarean"] else "0", "SINHCON_DUOI32TUAN": "0",
        "GHI_CHU": "",
        "NGUOI_DO_DE": visit.doctor.name, "NGUOI_GHI_PHIEU": visit.doctor.name, "NGAY_CT": day(on),
        "SO": f"{baby.serial:06d}",
        "QUYEN_SO": "01", "MA_TTDV": head(visit), "DU_PHONG": "",
    }  # fmt: skip


def _maternity_rest(visit: Visit) -> Row:
    on = visit.left.date()
    return {
        "MA_LK": visit.episode, "SO_SERI": f"DT{visit.person.serial:06d}", "SO_CT": f"{visit.person.serial:06d}",
        "SO_NGAY": "10",
        "DON_VI": "Công ty May Sao Mai", "CHAN_DOAN_RV": visit.diagnosis, "TU_NGAY": day(on),
        "DEN_NGAY": day(on + timedelta(days=9)), "MA_TTDV": head(visit), "TEN_BS": visit.doctor.name,
        "MA_BS": visit.doctor.licence, "NGAY_CT": day(on), "DU_PHONG": "",
    }  # fmt: skip


def _sick_leave(visit: Visit) -> Row:
    on = visit.entered.date()
    return {
        "MA_LK": visit.episode, "SO_CT": f"{visit.person.serial:06d}",
        "SO_SERI": f"NO{visit.entered:%y%m%d}{visit.person.serial:06d}",
        "SO_KCB": visit.patient_number, "DON_VI": "Công ty May Sao Mai", "MA_BHXH": visit.person.bhxh,
        "MA_THE_BHYT": visit.person.card, "CHAN_DOAN_RV": visit.diagnosis, "PP_DIEUTRI": "Nội khoa",
        "MA_DINH_CHI_THAI": "0",
        "NGUYENNHAN_DINHCHI": "", "TUOI_THAI": "", "SO_NGAY_NGHI": str(visit.sick_days), "TU_NGAY": day(on),
        "DEN_NGAY": day(on + timedelta(days=visit.sick_days - 1)), **_parents(visit.person, visit),
        "MA_TTDV": head(visit),
        "MA_BS": visit.doctor.licence, "NGAY_CT": day(on), "MA_THE_TAM": "", "MAU_SO": "CT07", "DU_PHONG": "",
    }  # fmt: skip


_RENAMED_13 = {"MA_CSKCB_DI": "MA_NOI_DI", "MA_CSKCB_DEN": "MA_NOI_DEN", "TINH_TRANG_CT": "PP_DIEU_TRI"}


def _referral(visit: Visit) -> Row:
    target = visit.contact.referred_to
    row = {
        "MA_LK": visit.episode,
        "SO_HOSO": visit.episode,
        "SO_CHUYENTUYEN": f"CT{visit.person.serial:06d}",
        "GIAY_CHUYEN_TUYEN": "",
    }
    row |= {"MA_CSKCB": visit.facility.code, "MA_CSKCB_DI": "", "MA_CSKCB_DEN": target.code if target else ""}
    row |= _patient(visit) | {"NGAY_VAO": minute(visit.entered), "NGAY_VAO_NOI_TRU": "", "NGAY_RA": minute(visit.left)}
    row |= {
        "DAU_HIEU_LS": visit.disease.course, "CHAN_DOAN_RV": visit.diagnosis, "QT_BENHLY": visit.disease.reason,
        "TOMTAT_KQ": significant(visit), "PP_DIEUTRI": "Sơ cứu, dùng thuốc hạ sốt", "MA_BENH_CHINH": visit.disease.icd,
        "MA_BENH_KT": ";".join(other.icd for other in visit.also), "MA_BENH_YHCT": "",
        "TINH_TRANG_CT": "Tỉnh, mạch rõ, tự thở",
        "MA_LOAI_RV": "2", "MA_LYDO_CT": "1", "HUONG_DIEU_TRI": "Chuyển điều trị nội trú",
        "PHUONGTIEN_VC": "Xe cứu thương",
        "HOTEN_NGUOI_HT": "", "CHUCDANH_NGUOI_HT": "", "MA_BAC_SI": visit.doctor.licence, "MA_TTDV": head(visit),
        "DU_PHONG": "",
    }  # fmt: skip
    if not visit.facility.dialect.old_tables:
        return row
    older = {_RENAMED_13.get(field, field): text for field, text in row.items()}
    return older | {"TEN_DICH_VU": "; ".join(done.panel.name for done in visit.services), "TEN_THUOC": ""}


def _patient(visit: Visit) -> Row:
    card, person, on = card_row(visit), visit.person, visit.entered.date()
    return {
        "HO_TEN": written_name(visit), "NGAY_SINH": birth(visit), "GIOI_TINH": _SEX[person.sex], "MA_QUOCTICH": "000",
        "MA_DANTOC": person.ethnicity, "MA_NGHE_NGHIEP": person.occupation, "DIA_CHI": person.home.address(on),
        "MA_THE_BHYT": card["MA_THE_BHYT"], "GT_THE_DEN": card["GT_THE_DEN"],
    }  # fmt: skip


def _re_examination(visit: Visit) -> Row:
    patient = _patient(visit)
    for field in ("MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP"):
        del patient[field]
    hour = "0730" if visit.facility.dialect.old_tables else ""
    return {
        "MA_LK": visit.episode, "SO_GIAYHEN_KL": f"HK{visit.entered:%y%m%d}{visit.person.serial:06d}",
        "MA_CSKCB": visit.facility.code,
        **patient, "NGAY_VAO": minute(visit.entered), "NGAY_VAO_NOI_TRU": "", "NGAY_RA": minute(visit.left),
        "NGAY_HEN_KL": day(visit.next_on) + hour, "CHAN_DOAN_RV": visit.diagnosis, "MA_BENH_CHINH": visit.disease.icd,
        "MA_BENH_KT": ";".join(other.icd for other in visit.also), "MA_BENH_YHCT": "", "MA_DOITUONG_KCB": route(visit),
        "MA_BAC_SI": visit.doctor.licence, "MA_TTDV": head(visit), "NGAY_CT": day(visit.left.date()), "DU_PHONG": "",
    }  # fmt: skip


def _tuberculosis(visit: Visit) -> Row:
    begun = visit.entered.date() - timedelta(days=visit.entered.day)
    return {
        "MA_LK": visit.episode, "STT": "1", "MA_BN": visit.patient_number, "HO_TEN": written_name(visit),
        "SO_CCCD": visit.identifier,
        "PHANLOAI_LAO_VITRI": "1", "PHANLOAI_LAO_TS": "1", "PHANLOAI_LAO_HIV": "2", "PHANLOAI_LAO_VK": "1",
        "PHANLOAI_LAO_KT": "4", "LOAI_DTRI_LAO": "1", "NGAYBD_DTRI_LAO": day(begun), "PHACDO_DTRI_LAO": "1",
        "NGAYKT_DTRI_LAO": "", "KET_QUA_DTRI_LAO": "", "MA_CSKCB": visit.facility.code, "NGAYKD_HIV": "",
        "BDDT_ARV": "",
        "NGAY_BAT_DAU_DT_CTX": "", "DU_PHONG": "",
    }  # fmt: skip

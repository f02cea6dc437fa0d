"""The papers of a visit: XML7 discharge, XML8 record summary, XML13 referral, XML14 re-examination (QĐ 4750, 3176).

XML13 and XML14 carry no SO_CCCD: they belong to the person of the XML1 with the same MA_LK. Both generations of
names are read (XML13 renamed MA_NOI_DI, MA_NOI_DEN and PP_DIEU_TRI, and dropped TEN_DICH_VU and TEN_THUOC).
"""

# ruff: noqa: RUF009 - each call declares a field: dataclasses.field with its column

from dataclasses import dataclass

from domain.exchange.qd4750 import dates
from domain.exchange.qd4750.fields import (
    birth,
    code,
    day,
    identifier,
    integer,
    key,
    moment,
    parallel,
    parallel_days,
    several,
    text,
)
from domain.values import PartialDate


@dataclass(frozen=True, slots=True)
class DischargePaper:
    """XML7: giấy ra viện."""

    episode: str | None = key("MA_LK", size=100)
    archive_number: str | None = text("SO_LUU_TRU", size=200)
    facility_patient_id: str | None = identifier("MA_YTE", size=200)
    departments: tuple[str, ...] = several("MA_KHOA_RV", size=200)
    arrived_at: PartialDate | None = moment("NGAY_VAO")
    ended_at: PartialDate | None = moment("NGAY_RA")
    pregnancy_termination: str | None = code("MA_DINH_CHI_THAI", size=1)
    termination_cause: str | None = text("NGUYENNHAN_DINHCHI")
    terminated_at: PartialDate | None = moment("THOIGIAN_DINHCHI")
    gestation_weeks: int | None = integer("TUOI_THAI", size=2)
    diagnosis: str | None = text("CHAN_DOAN_RV", size=1500)
    treatment: str | None = text("PP_DIEUTRI")
    advice: str | None = text("GHI_CHU", size=1500)
    head_code: str | None = code("MA_TTDV", size=255)
    doctor_code: str | None = code("MA_BS", size=255)
    doctor_name: str | None = text("TEN_BS", size=255)
    issued_on: PartialDate | None = day("NGAY_CT")
    father_insurance_number: str | None = identifier("MA_CHA", size=10)
    mother_insurance_number: str | None = identifier("MA_ME", size=10)
    temporary_card: str | None = identifier("MA_THE_TAM", size=15)
    father_name: str | None = text("HO_TEN_CHA", size=255)
    mother_name: str | None = text("HO_TEN_ME", size=255)
    leave_days: int | None = integer("SO_NGAY_NGHI", size=3)
    outpatient_from: PartialDate | None = day("NGOAITRU_TUNGAY")
    outpatient_until: PartialDate | None = day("NGOAITRU_DENNGAY")
    reserve: str | None = text("DU_PHONG")


@dataclass(frozen=True, slots=True)
class RecordSummary:
    """XML8: tóm tắt hồ sơ bệnh án."""

    episode: str | None = key("MA_LK", size=100)
    care_form: str | None = code("MA_LOAI_KCB", size=2, codes="MA_LOAI_KCB")
    father_name: str | None = text("HO_TEN_CHA", size=255)
    mother_name: str | None = text("HO_TEN_ME", size=255)
    guardian_name: str | None = text("NGUOI_GIAM_HO", size=255)
    workplace: str | None = text("DON_VI", size=1024)
    arrived_at: PartialDate | None = moment("NGAY_VAO")
    ended_at: PartialDate | None = moment("NGAY_RA")
    preliminary_diagnosis: str | None = text("CHAN_DOAN_VAO")
    final_diagnosis: str | None = text("CHAN_DOAN_RV")
    course: str | None = text("QT_BENHLY")
    findings: str | None = text("TOMTAT_KQ")
    treatment: str | None = text("PP_DIEUTRI")
    child_born_on: PartialDate | None = day("NGAY_SINHCON")
    child_died_on: PartialDate | None = day("NGAY_CONCHET")
    children_died: int | None = integer("SO_CONCHET", size=2)
    result: str | None = code("KET_QUA_DTRI", size=1, codes="KET_QUA_DTRI")
    advice: str | None = text("GHI_CHU")
    head_code: str | None = code("MA_TTDV", size=255)
    issued_on: PartialDate | None = day("NGAY_CT")
    temporary_card: str | None = identifier("MA_THE_TAM", size=15)
    reserve: str | None = text("DU_PHONG")


@dataclass(frozen=True, slots=True)
class ReferralPaper:
    """XML13: giấy chuyển tuyến, since TT 01/2025 phiếu chuyển cơ sở khám bệnh, chữa bệnh."""

    episode: str | None = key("MA_LK", size=100)
    file_number: str | None = text("SO_HOSO", size=50)
    book_number: str | None = text("SO_CHUYENTUYEN", size=50)
    number: str | None = text("GIAY_CHUYEN_TUYEN", size=50)
    facility: str | None = code("MA_CSKCB", size=5)
    from_facilities: tuple[str, ...] = several("MA_CSKCB_DI", "MA_NOI_DI", size=100)
    to_facility: str | None = code("MA_CSKCB_DEN", "MA_NOI_DEN", size=5)
    name: str | None = text("HO_TEN", size=255)
    birth_raw: str | None = birth("NGAY_SINH")
    sex: str | None = code("GIOI_TINH", size=1, codes="GIOI_TINH")
    nationality: str | None = code("MA_QUOCTICH", size=3)
    ethnicity: str | None = code("MA_DANTOC", size=2, codes="MA_DANTOC")
    occupation: str | None = code("MA_NGHE_NGHIEP", size=5)
    address: str | None = text("DIA_CHI", size=1024)
    card_numbers: tuple[str, ...] = parallel("MA_THE_BHYT")
    card_valid_until: tuple[PartialDate | None, ...] = parallel_days("GT_THE_DEN")
    arrived_at: PartialDate | None = moment("NGAY_VAO", size=100)
    admitted_at: PartialDate | None = moment("NGAY_VAO_NOI_TRU")
    ended_at: PartialDate | None = moment("NGAY_RA", size=100)
    signs: str | None = text("DAU_HIEU_LS")
    diagnosis: str | None = text("CHAN_DOAN_RV")
    course: str | None = text("QT_BENHLY")
    findings: str | None = text("TOMTAT_KQ")
    treatment: str | None = text("PP_DIEUTRI")
    main_icd10: str | None = code("MA_BENH_CHINH", size=7)
    other_icd10: tuple[str, ...] = several("MA_BENH_KT", size=100)
    traditional_codes: tuple[str, ...] = several("MA_BENH_YHCT", size=255)
    service_name: str | None = text("TEN_DICH_VU")  # dropped by QĐ 4750
    drug_name: str | None = text("TEN_THUOC")  # dropped by QĐ 4750
    condition: str | None = text("TINH_TRANG_CT", "PP_DIEU_TRI")
    discharge_type: str | None = code("MA_LOAI_RV", size=1, codes="MA_LOAI_RV")
    reason: str | None = code("MA_LYDO_CT", size=1, codes="MA_LYDO_CT")
    plan: str | None = text("HUONG_DIEU_TRI")
    transport: str | None = text("PHUONGTIEN_VC", size=255)
    escort_name: str | None = text("HOTEN_NGUOI_HT", size=255)
    escort_title: str | None = text("CHUCDANH_NGUOI_HT", size=255)
    doctor_code: str | None = code("MA_BAC_SI", size=255)
    head_code: str | None = code("MA_TTDV", size=255)
    reserve: str | None = text("DU_PHONG")

    @property
    def born(self) -> PartialDate | None:
        return dates.birth(self.birth_raw) if self.birth_raw else None


@dataclass(frozen=True, slots=True)
class ReexaminationPaper:
    """XML14: giấy hẹn khám lại. NGAY_HEN_KL had 12 digits in the earlier generation."""

    episode: str | None = key("MA_LK", size=100)
    number: str | None = text("SO_GIAYHEN_KL", size=50)
    facility: str | None = code("MA_CSKCB", size=5)
    name: str | None = text("HO_TEN", size=255)
    birth_raw: str | None = birth("NGAY_SINH")
    sex: str | None = code("GIOI_TINH", size=1, codes="GIOI_TINH")
    address: str | None = text("DIA_CHI", size=1024)
    card_numbers: tuple[str, ...] = parallel("MA_THE_BHYT")
    card_valid_until: tuple[PartialDate | None, ...] = parallel_days("GT_THE_DEN")
    arrived_at: PartialDate | None = moment("NGAY_VAO")
    admitted_at: PartialDate | None = moment("NGAY_VAO_NOI_TRU")
    ended_at: PartialDate | None = moment("NGAY_RA")
    appointment: PartialDate | None = moment("NGAY_HEN_KL")
    diagnosis: str | None = text("CHAN_DOAN_RV")
    main_icd10: str | None = code("MA_BENH_CHINH", size=7)
    other_icd10: tuple[str, ...] = several("MA_BENH_KT", size=100)
    traditional_codes: tuple[str, ...] = several("MA_BENH_YHCT", size=255)
    eligibility: str | None = code("MA_DOITUONG_KCB", size=4, codes="MA_DOITUONG_KCB")
    doctor_code: str | None = code("MA_BAC_SI", size=255)
    head_code: str | None = code("MA_TTDV", size=255)
    issued_on: PartialDate | None = day("NGAY_CT")
    reserve: str | None = text("DU_PHONG")

    @property
    def born(self) -> PartialDate | None:
        return dates.birth(self.birth_raw) if self.birth_raw else None

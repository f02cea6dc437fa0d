"""The rows of a visit, XML0 to XML5 of QĐ 4750 as amended by QĐ 3176 and QĐ 1931, with English names.

Each attribute names the element it comes from; a value that was absent or empty is None (or an empty tuple). Codes
and identifiers are the strings that were sent. Instants are PartialDates at +07:00, amounts are Decimals in đồng,
prices and rates of single lines are left to the raw file. Source: the official field workbook
(annex of QĐ 130, 4750 and 3176).
"""

# ruff: noqa: RUF009 - each call declares a field: dataclasses.field with its column

from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from domain.exchange.qd4750 import dates
from domain.exchange.qd4750.dose import Dose, parse_dose
from domain.exchange.qd4750.fields import (
    birth,
    code,
    day,
    days,
    decimal,
    identifier,
    integer,
    key,
    moment,
    parallel,
    parallel_days,
    several,
    text,
)
from domain.exchange.qd4750.vitals import Vitals, parse_vitals
from domain.values import PartialDate

HEIGHT_CM = (Decimal(20), Decimal(260))


@dataclass(frozen=True, slots=True)
class Card:
    """A health-insurance card: the four `;` lists of XML1 17-20 read side by side."""

    number: str
    registered_at: str | None  # MA_DKBD: the facility of first registration
    valid_from: PartialDate | None
    valid_until: PartialDate | None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """XML0: a visit in progress, not a basis for payment."""

    episode: str | None = key("MA_LK", size=100)
    sequence: int | None = integer("STT", size=10)
    facility_patient_id: str | None = identifier("MA_BN", size=100)
    name: str | None = text("HO_TEN", size=255)
    personal_number: str | None = identifier("SO_CCCD")
    birth_raw: str | None = birth("NGAY_SINH")
    sex: str | None = code("GIOI_TINH", size=1, codes="GIOI_TINH")
    card_numbers: tuple[str, ...] = parallel("MA_THE_BHYT")
    card_facilities: tuple[str, ...] = parallel("MA_DKBD")
    card_valid_from: tuple[PartialDate | None, ...] = parallel_days("GT_THE_TU")
    card_valid_until: tuple[PartialDate | None, ...] = parallel_days("GT_THE_DEN")
    eligibility: str | None = code("MA_DOITUONG_KCB", size=4, codes="MA_DOITUONG_KCB")
    arrived_at: PartialDate | None = moment("NGAY_VAO")
    admitted_at: PartialDate | None = moment("NGAY_VAO_NOI_TRU")
    admission_reason: str | None = text("LY_DO_VNT")
    admission_reason_code: str | None = code("MA_LY_DO_VNT", size=5)
    care_form: str | None = code("MA_LOAI_KCB", size=2, codes="MA_LOAI_KCB")
    facility: str | None = identifier("MA_CSKCB", size=5)
    service_code: str | None = code("MA_DICH_VU", size=50)
    service_name: str | None = text("TEN_DICH_VU", size=1024)
    drug_code: str | None = code("MA_THUOC", size=255)
    drug_name: str | None = text("TEN_THUOC", size=1024)
    supply_code: str | None = code("MA_VAT_TU", size=255)
    supply_name: str | None = text("TEN_VAT_TU", size=1024)
    ordered_at: PartialDate | None = moment("NGAY_YL")
    reserve: str | None = text("DU_PHONG")

    @property
    def born(self) -> PartialDate | None:
        return dates.birth(self.birth_raw) if self.birth_raw else None

    @property
    def cards(self) -> tuple[Card, ...]:
        return cards_of(self)


@dataclass(frozen=True, slots=True)
class Summary:
    """XML1: one visit or episode. The number after each name is the field's number in the decision."""

    episode: str | None = key("MA_LK", size=100)  # 1
    sequence: int | None = integer("STT", size=10)  # 2
    facility_patient_id: str | None = identifier("MA_BN", size=100)  # 3
    name: str | None = text("HO_TEN", size=255)  # 4, of a newborn without a card: the mother's or father's
    personal_number: str | None = identifier("SO_CCCD")  # 5, birth certificate or passport number too
    birth_raw: str | None = birth("NGAY_SINH", strict=True)  # 6
    sex: str | None = code("GIOI_TINH", size=1, codes="GIOI_TINH")  # 7
    blood_group: str | None = code("NHOM_MAU", size=5, codes="NHOM_MAU")  # 8
    nationality: str | None = code("MA_QUOCTICH", size=3)  # 9, "000" is Vietnam
    ethnicity: str | None = code("MA_DANTOC", size=2, codes="MA_DANTOC")  # 10
    occupation: str | None = code("MA_NGHE_NGHIEP", size=5)  # 11
    address: str | None = text("DIA_CHI", size=1024)  # 12
    province: str | None = code("MATINH_CU_TRU", size=3)  # 13
    district: str | None = code("MAHUYEN_CU_TRU", size=3)  # 14, until 2025-06-30
    commune: str | None = code("MAXA_CU_TRU", size=5)  # 15
    phone: str | None = text("DIEN_THOAI", size=15)  # 16, the patient's or a relative's
    card_numbers: tuple[str, ...] = parallel("MA_THE_BHYT")  # 17
    card_facilities: tuple[str, ...] = parallel("MA_DKBD")  # 18
    card_valid_from: tuple[PartialDate | None, ...] = parallel_days("GT_THE_TU")  # 19
    card_valid_until: tuple[PartialDate | None, ...] = parallel_days("GT_THE_DEN")  # 20
    copayment_exempt_from: PartialDate | None = moment("NGAY_MIEN_CCT")  # 21
    visit_reason: str | None = text("LY_DO_VV")  # 22
    admission_reason: str | None = text("LY_DO_VNT")  # 23
    admission_reason_code: str | None = code("MA_LY_DO_VNT", size=5)  # 24
    preliminary_diagnosis: str | None = text("CHAN_DOAN_VAO")  # 25
    final_diagnosis: str | None = text("CHAN_DOAN_RV")  # 26
    main_icd10: str | None = code("MA_BENH_CHINH", size=7)  # 27
    other_icd10: tuple[str, ...] = several("MA_BENH_KT", size=100)  # 28
    traditional_codes: tuple[str, ...] = several("MA_BENH_YHCT", size=150)  # 29
    procedures_icd9: tuple[str, ...] = several("MA_PTTT_QT", size=125)  # 30
    eligibility: str | None = code("MA_DOITUONG_KCB", size=4, codes="MA_DOITUONG_KCB")  # 31
    referred_from: str | None = code("MA_NOI_DI", size=5)  # 32
    referred_to: str | None = code("MA_NOI_DEN", size=5)  # 33
    injury: str | None = code("MA_TAI_NAN", size=1)  # 34
    arrived_at: PartialDate | None = moment("NGAY_VAO", strict=True)  # 35
    admitted_at: PartialDate | None = moment("NGAY_VAO_NOI_TRU")  # 36
    ended_at: PartialDate | None = moment("NGAY_RA", strict=True)  # 37
    referral_number: str | None = text("GIAY_CHUYEN_TUYEN", size=50)  # 38, of the referral or the re-examination slip
    treatment_days: int | None = integer("SO_NGAY_DTRI", size=3)  # 39
    treatment: str | None = text("PP_DIEU_TRI")  # 40
    result: str | None = code("KET_QUA_DTRI", size=1, codes="KET_QUA_DTRI")  # 41
    discharge_type: str | None = code("MA_LOAI_RV", size=1, codes="MA_LOAI_RV")  # 42
    advice: str | None = text("GHI_CHU")  # 43
    paid_at: PartialDate | None = moment("NGAY_TTOAN")  # 44
    total_cost: Decimal | None = decimal("T_TONGCHI_BV", size=18)  # 47
    paid_by_patient: Decimal | None = decimal("T_BNTT", size=18)  # 49, outside insurance
    copayment: Decimal | None = decimal("T_BNCCT", size=18)  # 50
    paid_by_insurance: Decimal | None = decimal("T_BHTT", size=18)  # 51
    care_form: str | None = code("MA_LOAI_KCB", size=2, codes="MA_LOAI_KCB")  # 56
    departments: tuple[str, ...] = several("MA_KHOA", size=50)  # 57
    facility: str | None = identifier("MA_CSKCB", size=5)  # 58
    area: str | None = code("MA_KHUVUC", size=2, codes="MA_KHUVUC")  # 59
    weight_kg: Decimal | None = decimal("CAN_NANG", size=6)  # 60
    newborn_weights_g: tuple[str, ...] = several("CAN_NANG_CON", size=100)  # 61
    five_years_on: PartialDate | None = day("NAM_NAM_LIEN_TUC")  # 62
    reexaminations_on: tuple[PartialDate, ...] = days("NGAY_TAI_KHAM", size=50)  # 63
    record_number: str | None = text("MA_HSBA", size=100)  # 64
    head_code: str | None = code("MA_TTDV", size=255)  # 65
    reserve: str | None = text("DU_PHONG")  # 66, the height in cm since QĐ 3176

    @property
    def born(self) -> PartialDate | None:
        return dates.birth(self.birth_raw) if self.birth_raw else None

    @property
    def cards(self) -> tuple[Card, ...]:
        return cards_of(self)

    @property
    def height_cm(self) -> Decimal | None:
        """The height, where DU_PHONG holds a number that can be one: earlier generations keep other text there."""
        digits = (self.reserve or "").replace(".", "", 1)
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= len("153.25")):
            return None
        height = Decimal(self.reserve or "0")
        return height if HEIGHT_CM[0] <= height <= HEIGHT_CM[1] else None


@dataclass(frozen=True, slots=True)
class Drug:
    """XML2: a drug ordered or given."""

    episode: str | None = key("MA_LK", size=100)
    sequence: int | None = integer("STT", size=10)
    ingredient_code: str | None = code("MA_THUOC", size=255)  # the active ingredient, never a product
    preparation_code: str | None = code("MA_PP_CHEBIEN", size=255)
    from_facility: str | None = code("MA_CSKCB_THUOC", size=10)
    group: str | None = code("MA_NHOM", size=2)
    name: str | None = text("TEN_THUOC", size=1024)
    unit: str | None = text("DON_VI_TINH", size=50)
    strength: str | None = text("HAM_LUONG", size=1024)
    route: str | None = code("DUONG_DUNG", size=4)
    form: str | None = text("DANG_BAO_CHE", size=1024)
    dose_text: str | None = text("LIEU_DUNG", size=1024)
    instructions: str | None = text("CACH_DUNG", size=1024)
    registration: str | None = text("SO_DANG_KY", size=255)
    scope: str | None = code("PHAM_VI", size=1, codes="PHAM_VI")
    quantity: Decimal | None = decimal("SO_LUONG", size=14)
    department: str | None = code("MA_KHOA", size=50)
    prescriber: str | None = code("MA_BAC_SI", size=255)
    services: tuple[str, ...] = several("MA_DICH_VU", size=255)
    ordered_at: PartialDate | None = moment("NGAY_YL")
    given_at: PartialDate | None = moment("NGAY_TH_YL")
    payer: str | None = code("NGUON_CTRA", size=1, codes="NGUON_CTRA")
    reserve: str | None = text("DU_PHONG")

    @property
    def dose(self) -> Dose | None:
        return parse_dose(self.dose_text)


@dataclass(frozen=True, slots=True)
class Service:
    """XML3: a service (examination, bed, procedure) or a supply, never both."""

    episode: str | None = key("MA_LK", size=100)
    sequence: int | None = integer("STT", size=10)
    service_code: str | None = code("MA_DICH_VU", size=50)
    procedures_icd9: tuple[str, ...] = several("MA_PTTT_QT", size=255)
    supply_code: str | None = code("MA_VAT_TU", size=255)
    group: str | None = code("MA_NHOM", size=2)
    supply_name: str | None = text("TEN_VAT_TU", size=1024)
    name: str | None = text("TEN_DICH_VU", size=1024)
    unit: str | None = text("DON_VI_TINH", size=50)
    scope: str | None = code("PHAM_VI", size=1, codes="PHAM_VI")
    quantity: Decimal | None = decimal("SO_LUONG", size=14)
    department: str | None = code("MA_KHOA", size=50)
    bed: str | None = code("MA_GIUONG", size=50)
    ordered_by: str | None = code("MA_BAC_SI", size=255)
    performers: tuple[str, ...] = several("NGUOI_THUC_HIEN", size=255)
    icd10: tuple[str, ...] = several("MA_BENH", size=100)
    traditional_codes: tuple[str, ...] = several("MA_BENH_YHCT", size=150)
    ordered_at: PartialDate | None = moment("NGAY_YL")
    performed_at: PartialDate | None = moment("NGAY_TH_YL")
    result_at: PartialDate | None = moment("NGAY_KQ")
    recurrent_wound: str | None = code("VET_THUONG_TP", size=1)
    anaesthesia: str | None = code("PP_VO_CAM", size=1, codes="PP_VO_CAM")
    body_site: str | None = code("VI_TRI_TH_DVKT", size=3)
    machine: str | None = code("MA_MAY", size=1024)
    reserve: str | None = text("DU_PHONG")


@dataclass(frozen=True, slots=True)
class Result:
    """XML4: one laboratory value, image or functional test. It has no reference range and no flag; invent none."""

    episode: str | None = key("MA_LK", size=100)
    sequence: int | None = integer("STT", size=10)
    service_code: str | None = code("MA_DICH_VU", size=50)  # joins Service.service_code, ambiguous when repeated
    analyte_code: str | None = code("MA_CHI_SO", size=255)
    analyte_name: str | None = text("TEN_CHI_SO", size=255)
    value: str | None = text("GIA_TRI", size=255)  # text: "<0.5", "âm tính"
    unit: str | None = text("DON_VI_DO", size=50)
    description: str | None = text("MO_TA")
    conclusion: str | None = text("KET_LUAN")
    result_at: PartialDate | None = moment("NGAY_KQ")
    read_by: str | None = code("MA_BS_DOC_KQ", size=255)
    reserve: str | None = text("DU_PHONG")


@dataclass(frozen=True, slots=True)
class ClinicalNote:
    """XML5: one entry of the clinical course."""

    episode: str | None = key("MA_LK", size=100)
    sequence: int | None = integer("STT", size=10)
    course: str | None = text("DIEN_BIEN_LS")
    stage: str | None = text("GIAI_DOAN_BENH")
    consultation: str | None = text("HOI_CHAN")
    surgery: str | None = text("PHAU_THUAT")
    noted_at: PartialDate | None = moment("THOI_DIEM_DBLS")
    authors: tuple[str, ...] = several("NGUOI_THUC_HIEN", size=255)
    reserve: str | None = text("DU_PHONG")

    @property
    def vitals(self) -> Vitals | None:
        return parse_vitals(self.course)


def cards_of(row: CheckIn | Summary) -> tuple[Card, ...]:
    """The cards of a row, one per number; what the other lists lack is None."""
    lists = (row.card_facilities, row.card_valid_from, row.card_valid_until)
    rows = zip_longest(row.card_numbers, *lists)
    return tuple(Card(number, registered or None, start, end) for number, registered, start, end in rows if number)

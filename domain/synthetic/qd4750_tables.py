"""The clinical tables of a visit as QĐ 4750 rows: XML0, XML1 and XML2 to XML5.

Each function gives rows of field name -> text, in the order of the tables' fields; empty text is an empty element.
Source: QĐ 130/2023, 4750/2023 and 3176/2024; an older generation lacks NHOM_MAU and the height in DU_PHONG.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from domain.synthetic import names
from domain.synthetic.facilities import Dialect
from domain.synthetic.people import ADULT, Person
from domain.synthetic.visits import Done, Note, Ordered, Visit, Vitals

Row = dict[str, str]
_SEX = {"male": "1", "female": "2"}
_FORM_CODE = {
    "outpatient": "01",
    "chronic": "05",
    "inpatient": "03",
    "delivery": "03",
    "newborn": "03",
    "check_in": "01",
}
_SHARE = {"1": 100, "2": 100, "3": 95, "4": 80, "5": 100}
_EXAM_PRICE, _BED_PRICE = 37_500, 180_000
QD_3176 = date(2025, 1, 1)  # since then MA_NGHE_NGHIEP has two digits instead of five


def minute(at: datetime) -> str:
    """As yyyyMMddHHmm."""
    return f"{at:%Y%m%d%H%M}"


def day(on: date | None) -> str:
    """As yyyyMMdd, empty for none."""
    return f"{on:%Y%m%d}" if on else ""


def spelt(name: str, dialect: Dialect) -> str:
    """A person's name as this facility's software writes it."""
    name = names.tone_on_last_vowel(name) if dialect.late_tone else name
    name = name.upper() if dialect.capitals else name
    return names.decomposed(name) if dialect.decomposed else name


def written_name(visit: Visit) -> str:
    """HO_TEN: a newborn without a card is written under the mother's name."""
    person: Person = visit.person
    if visit.form == "newborn" and person.mother is not None:
        person = person.mother
    return spelt(person.name, visit.facility.dialect)


def birth(visit: Visit) -> str:
    """NGAY_SINH, always twelve digits; unknown day and month are zeros, newborns have the minute."""
    person = visit.person
    if not person.knows_day:
        return f"{person.born.year}00000000"
    return minute(person.born) if visit.form == "newborn" else f"{person.born:%Y%m%d}0000"


def card_row(visit: Visit) -> Row:
    """The card and its validity in the year of the visit."""
    person, year = visit.person, visit.entered.year
    number = "" if visit.form == "newborn" else person.card
    until = day(person.born.date() + timedelta(days=6 * 365)) if number.startswith("TE") else f"{year}1231"
    return {
        "MA_THE_BHYT": number,
        "MA_DKBD": person.home.area.stations[0].code if number else "",
        "GT_THE_TU": (day(person.born.date()) if number.startswith("TE") else f"{year}0101") if number else "",
        "GT_THE_DEN": until if number else "",
    }


def route(visit: Visit) -> str:
    """MA_DOITUONG_KCB"""
    if visit.form == "newborn":
        return "1.7"
    if not visit.person.card:
        return "9"
    if visit.contact.referred_from is not None:
        return "1.3"
    return "1.1" if visit.facility.kind == "commune_station" or visit.disease.chronic else "3.3"


def check_in(visit: Visit) -> Iterator[Row]:
    """XML0, one row."""
    yield {
        "MA_LK": visit.episode, "STT": "1", "MA_BN": visit.patient_number, "HO_TEN": written_name(visit),
        "SO_CCCD": visit.identifier, "NGAY_SINH": birth(visit), "GIOI_TINH": _SEX[visit.person.sex], **card_row(visit),
        "MA_DOITUONG_KCB": route(visit), "NGAY_VAO": minute(visit.entered), "NGAY_VAO_NOI_TRU": "", "LY_DO_VNT": "",
        "MA_LY_DO_VNT": "", "MA_LOAI_KCB": _FORM_CODE[visit.form], "MA_CSKCB": visit.facility.code,
        "MA_DICH_VU": "02.1896", "TEN_DICH_VU": "Khám bệnh", "MA_THUOC": "", "TEN_THUOC": "", "MA_VAT_TU": "",
        "TEN_VAT_TU": "", "NGAY_YL": minute(visit.entered), "DU_PHONG": "",
    }  # fmt: skip


def summary(visit: Visit, number: int) -> Row:
    """XML1. `number` is the place of the visit in the file."""
    row = {"MA_LK": visit.episode, "STT": str(number), "MA_BN": visit.patient_number, "HO_TEN": written_name(visit)}
    row |= _who(visit) | card_row(visit) | _why(visit) | _course(visit) | _money(visit) | _rest(visit)
    if visit.facility.dialect.old_tables:
        del row["NHOM_MAU"]
        row["DU_PHONG"] = ""
    return row


def _who(visit: Visit) -> Row:
    person, on = visit.person, visit.entered.date()
    province, district, commune = person.home.codes(on)
    phone = person.mother.phone if person.mother and person.age(on) < ADULT else person.phone
    work = person.occupation if on >= QD_3176 else person.occupation + "000"
    return {
        "SO_CCCD": visit.identifier, "NGAY_SINH": birth(visit), "GIOI_TINH": _SEX[person.sex],
        "NHOM_MAU": visit.blood_group,
        "MA_QUOCTICH": "000", "MA_DANTOC": person.ethnicity, "MA_NGHE_NGHIEP": work, "DIA_CHI": person.home.address(on),
        "MATINH_CU_TRU": province, "MAHUYEN_CU_TRU": district, "MAXA_CU_TRU": commune, "DIEN_THOAI": phone,
    }  # fmt: skip


def _why(visit: Visit) -> Row:
    contact, disease = visit.contact, visit.disease
    return {
        "NGAY_MIEN_CCT": "", "LY_DO_VV": disease.reason, "LY_DO_VNT": disease.reason if visit.in_ward else "",
        "MA_LY_DO_VNT": "",
        "CHAN_DOAN_VAO": disease.name, "CHAN_DOAN_RV": visit.diagnosis, "MA_BENH_CHINH": disease.icd,
        "MA_BENH_KT": ";".join(other.icd for other in visit.also), "MA_BENH_YHCT": "",
        "MA_PTTT_QT": ";".join(done.panel.icd9 for done in visit.services if done.panel.icd9),
        "MA_DOITUONG_KCB": route(visit), "MA_NOI_DI": contact.referred_from.code if contact.referred_from else "",
        "MA_NOI_DEN": contact.referred_to.code if contact.referred_to else "",
        "MA_TAI_NAN": "1" if disease.icd[0] == "S" else "",
    }  # fmt: skip


def _course(visit: Visit) -> Row:
    days = max(1, (visit.left.date() - visit.entered.date()).days) if visit.in_ward else 0
    return {
        "NGAY_VAO": minute(visit.entered),
        "NGAY_VAO_NOI_TRU": minute(visit.entered + timedelta(minutes=40)) if visit.in_ward else "",
        "NGAY_RA": minute(visit.left),
        "GIAY_CHUYEN_TUYEN": f"CT{visit.person.serial:06d}" if visit.contact.referred_from else "",
        "SO_NGAY_DTRI": str(days),
        "PP_DIEU_TRI": "Phẫu thuật, nội khoa" if visit.disease.procedures else "Nội khoa",
        "KET_QUA_DTRI": str(visit.outcome),
        "MA_LOAI_RV": str(visit.discharge),
        "GHI_CHU": visit.disease.advice,
    }


def _money(visit: Visit) -> Row:
    drugs = sum(ordered.quantity * ordered.drug.price for ordered in visit.drugs)
    total = drugs + sum(done.panel.price for done in visit.services) + _EXAM_PRICE
    paid = round(total * _share(visit) / 100)
    settled = visit.left
    return {
        "NGAY_TTOAN": minute(settled), "T_THUOC": f"{drugs:.2f}", "T_VTYT": "0.00", "T_TONGCHI_BV": f"{total:.2f}",
        "T_TONGCHI_BH": f"{total if visit.person.card else 0:.2f}",
        "T_BNTT": f"{0 if visit.person.card else total:.2f}",
        "T_BNCCT": f"{total - paid if visit.person.card else 0:.2f}", "T_BHTT": f"{paid:.2f}", "T_NGUONKHAC": "0.00",
        "T_BHTT_GDV": "0.00", "NAM_QT": str(settled.year), "THANG_QT": f"{settled.month:02d}",
    }  # fmt: skip


def _share(visit: Visit) -> int:
    """The part in percent that the insurance pays."""
    return _SHARE[visit.person.card[2]] if visit.person.card else 0


def _rest(visit: Visit) -> Row:
    babies = visit.contact.baby
    return {
        "MA_LOAI_KCB": _FORM_CODE[visit.form], "MA_KHOA": visit.disease.department, "MA_CSKCB": visit.facility.code,
        "MA_KHUVUC": "", "CAN_NANG": f"{visit.weight_kg:.2f}",
        "CAN_NANG_CON": str(birth_weight(babies)) if babies else "", "NAM_NAM_LIEN_TUC": "",
        "NGAY_TAI_KHAM": day(visit.next_on), "MA_HSBA": f"BA{visit.episode[2:]}" if visit.in_ward else "",
        "MA_TTDV": f"000001/{visit.facility.code[:2]}-GPHN", "DU_PHONG": str(visit.height_cm),
    }  # fmt: skip


def birth_weight(baby: Person) -> int:
    """Grams."""
    return 2_700 + baby.serial * 37 % 1_100


def drugs(visit: Visit) -> Iterator[Row]:
    """XML2, one row for each drug ordered."""
    for number, ordered in enumerate(visit.drugs, 1):
        yield {"MA_LK": visit.episode, "STT": str(number)} | _drug(visit, ordered)


def _payer(visit: Visit) -> str:
    """PHAM_VI: 1 insurance, 2 the patient; these codes came with QĐ 3176."""
    if visit.entered.date() < QD_3176:
        return ""
    return "1" if _share(visit) else "2"


def _drug(visit: Visit, ordered: Ordered) -> Row:
    drug, share = ordered.drug, _share(visit)
    cost = ordered.quantity * drug.price
    paid = round(cost * share / 100)
    return {
        "MA_THUOC": drug.code, "MA_PP_CHEBIEN": "", "MA_CSKCB_THUOC": "", "MA_NHOM": "4", "TEN_THUOC": drug.name,
        "DON_VI_TINH": drug.unit, "HAM_LUONG": drug.strength, "DUONG_DUNG": drug.route, "DANG_BAO_CHE": drug.form,
        "LIEU_DUNG": ordered.dose, "CACH_DUNG": ordered.instruction, "SO_DANG_KY": drug.registration, "TT_THAU": "",
        "PHAM_VI": _payer(visit), "TYLE_TT_BH": "100" if share else "0", "SO_LUONG": f"{ordered.quantity:.3f}",
        "DON_GIA": f"{drug.price:.3f}", "THANH_TIEN_BV": f"{cost:.2f}", "THANH_TIEN_BH": f"{cost if share else 0:.2f}",
        "T_NGUONKHAC_NSNN": "0.00", "T_NGUONKHAC_VTNN": "0.00", "T_NGUONKHAC_VTTN": "0.00", "T_NGUONKHAC_CL": "0.00",
        "T_NGUONKHAC": "0.00", "MUC_HUONG": str(share), "T_BNTT": f"{0 if share else cost:.2f}",
        "T_BNCCT": f"{cost - paid if share else 0:.2f}", "T_BHTT": f"{paid:.2f}", "MA_KHOA": visit.disease.department,
        "MA_BAC_SI": visit.doctor.licence, "MA_DICH_VU": "", "NGAY_YL": minute(ordered.ordered_at),
        "NGAY_TH_YL": minute(ordered.given_at) if ordered.given_at else "", "MA_PTTT": "1",
        "NGUON_CTRA": "1" if share else "4", "VET_THUONG_TP": "", "DU_PHONG": "",
    }  # fmt: skip


def services(visit: Visit) -> Iterator[Row]:
    """XML3: the examination or the bed, then each service."""
    at = visit.entered
    if visit.in_ward:
        days = max(1, (visit.left.date() - at.date()).days)
        bed = _service(
            visit, "K03.1911", "Giường Nội khoa loại 2", count=days, price=_BED_PRICE, times=(at, at, visit.left)
        )
        first = bed | {"MA_GIUONG": f"H{visit.person.serial % 90 + 1:03d}"}
    else:
        times = (at, at + timedelta(minutes=5), visit.left)
        first = _service(visit, "02.1896", "Khám Nội", count=1, price=_EXAM_PRICE, times=times)
    yield {"MA_LK": visit.episode, "STT": "1"} | first
    for number, done in enumerate(visit.services, 2):
        panel, started = done.panel, done.ordered_at + timedelta(minutes=5)
        times = (done.ordered_at, started, done.resulted_at)
        row = _service(visit, panel.code, panel.name, count=1, price=panel.price, times=times)
        anaesthesia = "2" if panel.kind == "procedure" and panel.icd9.startswith(("47", "74", "79", "86")) else ""
        extra = {"MA_PTTT_QT": panel.icd9, "PP_VO_CAM": anaesthesia}
        yield {"MA_LK": visit.episode, "STT": str(number)} | row | extra


def _service(
    visit: Visit, code: str, name: str, *, count: int, price: int, times: tuple[datetime, datetime, datetime]
) -> Row:
    share, cost = _share(visit), count * price
    paid = round(cost * share / 100)
    return {
        "MA_DICH_VU": code, "MA_PTTT_QT": "", "MA_VAT_TU": "", "MA_NHOM": "13" if code.startswith("02.18") else "1",
        "GOI_VTYT": "", "TEN_VAT_TU": "", "TEN_DICH_VU": name, "MA_XANG_DAU": "", "DON_VI_TINH": "Lần",
        "PHAM_VI": _payer(visit),
        "SO_LUONG": f"{count:.3f}", "DON_GIA_BV": f"{price:.3f}", "DON_GIA_BH": f"{price if share else 0:.3f}",
        "TT_THAU": "",
        "TYLE_TT_DV": "100", "TYLE_TT_BH": "100" if share else "0", "THANH_TIEN_BV": f"{cost:.2f}",
        "THANH_TIEN_BH": f"{cost if share else 0:.2f}", "T_TRANTT": "", "MUC_HUONG": str(share),
        "T_NGUONKHAC_NSNN": "0.00",
        "T_NGUONKHAC_VTNN": "0.00", "T_NGUONKHAC_VTTN": "0.00", "T_NGUONKHAC_CL": "0.00", "T_NGUONKHAC": "0.00",
        "T_BNTT": f"{0 if share else cost:.2f}", "T_BNCCT": f"{cost - paid if share else 0:.2f}",
        "T_BHTT": f"{paid:.2f}",
        "MA_KHOA": visit.disease.department, "MA_GIUONG": "", "MA_BAC_SI": visit.doctor.licence,
        "NGUOI_THUC_HIEN": visit.doctor.licence, "MA_BENH": visit.disease.icd, "MA_BENH_YHCT": "",
        "NGAY_YL": minute(times[0]),
        "NGAY_TH_YL": minute(times[1]), "NGAY_KQ": minute(times[2]), "MA_PTTT": "1", "VET_THUONG_TP": "",
        "PP_VO_CAM": "",
        "VI_TRI_TH_DVKT": "", "MA_MAY": "", "MA_HIEU_SP": "", "TAI_SU_DUNG": "", "DU_PHONG": "",
    }  # fmt: skip


def results(visit: Visit) -> Iterator[Row]:
    """XML4: one row for each analyte, one for each finding."""
    number = 0
    for done in visit.services:
        for code, name, value, unit in _lines(done):
            number += 1
            finding = done.finding if not value else None
            yield {
                "MA_LK": visit.episode, "STT": str(number), "MA_DICH_VU": done.panel.code, "MA_CHI_SO": code,
                "TEN_CHI_SO": name,
                "GIA_TRI": value, "DON_VI_DO": unit, "MO_TA": finding.description if finding else "",
                "KET_LUAN": finding.conclusion if finding else "", "NGAY_KQ": minute(done.resulted_at),
                "MA_BS_DOC_KQ": visit.doctor.licence, "DU_PHONG": "",
            }  # fmt: skip


def _lines(done: Done) -> Iterator[tuple[str, str, str, str]]:
    for result in done.results:
        yield result.analyte.code, result.analyte.name, result.value, result.analyte.unit
    if done.finding:
        yield "", "", "", ""


def clinical_course(visit: Visit) -> Iterator[Row]:
    """XML5, one row for each note; vitals stand inside the text."""
    for number, note in enumerate(visit.notes, 1):
        yield {
            "MA_LK": visit.episode, "STT": str(number), "DIEN_BIEN_LS": _note(note), "GIAI_DOAN_BENH": "",
            "HOI_CHAN": "",
            "PHAU_THUAT": visit.services[-1].panel.name if number == 1 and visit.disease.procedures else "",
            "THOI_DIEM_DBLS": minute(note.at), "NGUOI_THUC_HIEN": visit.doctor.licence, "DU_PHONG": "",
        }  # fmt: skip


def _note(note: Note) -> str:
    return f"{_vitals(note.vitals)} {note.text}"


def _vitals(vitals: Vitals) -> str:
    """CSST<M.._T.._HA../.._NT.._SP..>, the text form of QĐ 4750 XML5."""
    pressure = f"{vitals.systolic}/{vitals.diastolic}"
    return f"CSST<M{vitals.pulse}_T{vitals.temperature:g}_HA{pressure}_NT{vitals.breaths}_SP{vitals.spo2}>"

"""One visit filled in: drugs, services, results, notes, outcome and money, whatever format will carry it.

Dose texts follow the grammar of QĐ 4750 XML2 LIEU_DUNG; vitals are numbers here and become text in the format.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from domain.synthetic import identifiers
from domain.synthetic.catalogue import ANALYTES, DISEASES, DRUGS, PANELS, Analyte, Disease, Dosing, Drug, Finding, Panel
from domain.synthetic.facilities import Facility
from domain.synthetic.illness import SCHOOL, Contact, Form
from domain.synthetic.people import ADULT, Person, size_on

_WORN = frozenset({"chai", "bình", "bút", "lọ", "tuýp", "ống"})
_LONG_SUPPLY = 28


@dataclass(frozen=True, slots=True)
class Ordered:
    """A drug as prescribed. `given_at` is set where it was given in the facility; `days` is 1 in a ward."""

    drug: Drug
    units: int
    times: int
    days: int
    quantity: int
    dose: str
    instruction: str
    ordered_at: datetime
    given_at: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    analyte: Analyte
    value: str
    high_or_low: str  # "H", "L", "A" for an abnormal text, "N"


@dataclass(frozen=True, slots=True)
class Done:
    """A service done, with its results or its finding."""

    panel: Panel
    ordered_at: datetime
    resulted_at: datetime
    results: tuple[Result, ...] = ()
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    pulse: int
    temperature: float
    systolic: int
    diastolic: int
    breaths: int
    spo2: int


@dataclass(frozen=True, slots=True)
class Note:
    at: datetime
    text: str
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class Doctor:
    licence: str
    name: str


@dataclass(slots=True)
class Visit:
    """`episode` is MA_LK, `outcome` KET_QUA_DTRI, `discharge` MA_LOAI_RV; times are Vietnam's local time."""

    person: Person
    contact: Contact
    episode: str
    patient_number: str
    disease: Disease
    also: tuple[Disease, ...]
    doctor: Doctor
    left: datetime
    height_cm: int
    weight_kg: float
    blood_group: str
    identifier: str
    drugs: list[Ordered] = field(default_factory=list)
    services: list[Done] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    outcome: int = 2
    discharge: int = 1
    next_on: date | None = None
    prescription: str = ""
    sick_days: int = 0

    @property
    def facility(self) -> Facility:
        return self.contact.facility

    @property
    def form(self) -> Form:
        return self.contact.form

    @property
    def entered(self) -> datetime:
        return self.contact.at

    @property
    def in_ward(self) -> bool:
        return self.contact.form in ("inpatient", "delivery", "newborn")

    @property
    def diagnosis(self) -> str:
        return "; ".join(disease.name for disease in (self.disease, *self.also))


def patient_number(person: Person, facility: Facility) -> str:
    """The facility's own number of a patient (MA_BN), unique within it."""
    return f"BN{(person.serial * 7_919 + int(facility.code) * 13) % 10**8:08d}"


def doctor_of(facility: Facility, department: str) -> Doctor:
    """The practitioner who signs in a department; the same for each visit there."""
    rank = (int(facility.code) * 31 + int(department[1:]) * 17) % 10**6
    colours = ("Xanh", "Đỏ", "Vàng", "Tím", "Lam", "Hồng", "Trắng", "Nâu")
    return Doctor(f"{rank:06d}/{facility.code[:2]}-GPHN", f"BS {colours[rank % 8]} Thị {colours[rank // 8 % 8]}")


def visit(rng: Random, person: Person, contact: Contact, today: date) -> Visit:
    """Fill a contact in; the result lies entirely before the end of `today`."""
    disease = DISEASES[contact.disease]
    made = _begin(rng, person, contact, disease)
    if contact.form == "check_in":
        return made
    if contact.with_drugs:
        made.drugs = _ward_drugs(rng, made) if made.in_ward else _prescribed(made)
    made.services = _services(rng, made)
    made.notes = _notes(rng, made)
    _end(rng, made, today)
    return made


def _begin(rng: Random, person: Person, contact: Contact, disease: Disease) -> Visit:
    days = max(2, disease.days + rng.randint(-1, 2)) if contact.form in ("inpatient", "delivery", "newborn") else 0
    left = contact.at + timedelta(days=days, minutes=rng.randint(45, 190))
    height, weight = size_on(person, contact.at.date())
    blood = contact.blood_group or (person.blood_group if days or rng.random() < 0.3 else "")  # noqa: PLR2004
    return Visit(
        person, contact, f"HS{contact.at:%y%m%d%H%M}{person.serial:07d}", patient_number(person, contact.facility),
        disease, tuple(DISEASES[key] for key in contact.also if key != contact.disease),
        doctor_of(contact.facility, disease.department), left, height,
        round(weight * rng.uniform(0.98, 1.02), 1), blood, _identifier_shown(rng, person, contact),
    )  # fmt: skip


def _identifier_shown(rng: Random, person: Person, contact: Contact) -> str:
    """What the desk typed as SO_CCCD: the number, an older card, a number that lost its zero, or nothing."""
    chance = rng.random()
    if contact.form == "newborn" or (person.age(contact.at.date()) < SCHOOL and chance < 0.25):  # noqa: PLR2004
        return ""
    if not person.curated:
        if person.cmnd and contact.at.year < 2025 and contact.facility.dialect.old_tables and chance < 0.4:  # noqa: PLR2004
            return person.cmnd
        if chance < 0.03:  # noqa: PLR2004
            return ""
        if person.cccd.startswith("0") and chance < 0.034:  # noqa: PLR2004
            return person.cccd[1:]
    return person.cccd


def _dosings(made: Visit) -> list[Dosing]:
    """Drugs of the main illness and of those treated along, each drug once."""
    young = made.person.age(made.entered.date()) < 12  # noqa: PLR2004
    chosen: dict[str, Dosing] = {}
    for disease in (made.disease, *made.also):
        for dosing in (disease.child_drugs or disease.drugs) if young else disease.drugs:
            chosen.setdefault(dosing.drug, dosing)
    return list(chosen.values())[:7]


def _prescribed(made: Visit) -> list[Ordered]:
    days = _LONG_SUPPLY if made.form == "chronic" or made.disease.days == _LONG_SUPPLY else made.disease.days
    at = made.entered + timedelta(minutes=35)
    return [_ordered(dosing, days, at) for dosing in _dosings(made)]


def _ordered(dosing: Dosing, days: int, at: datetime) -> Ordered:
    drug = DRUGS[dosing.drug]
    daily = dosing.units * dosing.times
    if drug.unit in _WORN:
        dose = f"{dosing.times} lần/ngày * {days} ngày"
        return Ordered(drug, dosing.units, dosing.times, days, 1, dose, "Dùng theo hướng dẫn", at, None)
    if dosing.times == 3 and dosing.units > 1:  # noqa: PLR2004
        times = ", ".join(f"{time}: {dosing.units} {drug.unit}" for time in ("Sáng", "Chiều", "Tối"))
        dose = f"{times} [{daily} {drug.unit}/ngày]"
    else:
        each = f"{dosing.units} {drug.unit}/lần * {dosing.times} lần/ngày * {days} ngày"
        dose = f"{each} [{daily} {drug.unit}/ngày]"
    return Ordered(drug, dosing.units, dosing.times, days, daily * days, dose, "Uống sau ăn", at, None)


def _ward_drugs(rng: Random, made: Visit) -> list[Ordered]:
    """One row a day and drug, given in the ward."""
    rows = []
    for day in range((made.left.date() - made.entered.date()).days):
        at = made.entered + timedelta(days=day, minutes=rng.randint(40, 90))
        for dosing in _dosings(made):
            drug, daily = DRUGS[dosing.drug], dosing.units * dosing.times
            dose = f"{dosing.units} {drug.unit}/lần * {dosing.times} lần/ngày * 1 ngày [{daily} {drug.unit}/ngày]"
            rows.append(
                Ordered(drug, dosing.units, dosing.times, 1, daily, dose, "Theo y lệnh", at, at + timedelta(minutes=30))
            )
    return rows


def _services(rng: Random, made: Visit) -> list[Done]:
    names = [key for disease in (made.disease, *made.also) for key in disease.panels] if made.contact.with_labs else []
    names = [*dict.fromkeys(names), *made.disease.procedures]
    done = [
        _done(rng, made, PANELS[name], made.entered + timedelta(minutes=12 + place)) for place, name in enumerate(names)
    ]
    if made.in_ward and made.form != "newborn":
        later = made.entered + timedelta(days=2, minutes=20)
        done.append(_done(rng, made, PANELS["cbc"], later))
    return done


def _done(rng: Random, made: Visit, panel: Panel, at: datetime) -> Done:
    resulted = at + timedelta(minutes=rng.randint(25, 30))
    results = tuple(_result(rng, made, key) for key in panel.analytes)
    finding = None
    if panel.findings:
        place = made.disease.finding if rng.random() < 0.6 else 0  # noqa: PLR2004
        finding = panel.findings[min(place, len(panel.findings) - 1)]
    return Done(panel, at, resulted, results, finding)


def _result(rng: Random, made: Visit, key: str) -> Result:
    analyte = ANALYTES[key]
    if isinstance(analyte.mean, str):
        usual, unusual = analyte.mean.split("|")
        abnormal = rng.random() < 0.15  # noqa: PLR2004
        return Result(analyte, unusual if abnormal else usual, "A" if abnormal else "N")
    shift = sum(disease.shift.get(key, 0.0) for disease in (made.disease, *made.also))
    number = max(0.0, rng.gauss(analyte.mean + shift, analyte.sd))
    number = round(max(number, (analyte.low or 0) * 0.5), analyte.decimals)
    flag = "H" if number > (analyte.high or 1e9) else "L" if number < (analyte.low or 0) else "N"
    return Result(analyte, f"{number:.{analyte.decimals}f}", flag)


def _vitals(rng: Random, made: Visit, *, settled: bool) -> Vitals:
    years = made.person.age(made.entered.date())
    high = made.disease.icd == "I10" or any(other.icd == "I10" for other in made.also)
    fever = 0.0 if settled or made.disease.chronic else rng.choice((0.0, 0.8, 1.6))
    systolic = round(rng.gauss((145 if high else 118) if years >= ADULT else 85 + years * 1.8, 8))
    pulse = round(rng.gauss(78 if years >= ADULT else 125 - years * 2.5, 6))
    breaths = 18 if years >= ADULT else max(18, 40 - 2 * years)
    diastolic = round(systolic * 0.62)
    return Vitals(pulse, round(36.8 + fever, 1), systolic, diastolic, breaths, rng.randint(95, 99))


def _notes(rng: Random, made: Visit) -> list[Note]:
    """One note a visit, one a day in a ward."""
    days = (made.left.date() - made.entered.date()).days if made.in_ward else 0
    texts = [made.disease.course, *["Diễn biến ổn định, tiếp tục theo dõi và điều trị"] * days]
    return [
        Note(made.entered + timedelta(days=day, minutes=15), text, _vitals(rng, made, settled=day > 0))
        for day, text in enumerate(texts)
    ]


def _end(rng: Random, made: Visit, today: date) -> None:
    made.outcome = rng.choice((1, 1, 2)) if not made.disease.chronic else 2
    if made.contact.referred_to is not None:
        made.discharge, made.outcome = 2, 3
    gap = {"chronic": 28, "inpatient": 14, "delivery": 42}.get(made.form, 7)
    wanted = made.form in ("chronic", "delivery") or rng.random() < 0.3  # noqa: PLR2004
    if wanted and made.contact.referred_to is None and made.form != "newborn":
        made.next_on = made.left.date() + timedelta(days=gap)
    if made.drugs and not made.in_ward:
        made.prescription = identifiers.prescription(made.facility.code, made.person.serial, made.entered.date())
    works = ADULT <= made.person.age(today) < 60 and not made.disease.chronic  # noqa: PLR2004
    if works and not made.in_ward and rng.random() < 0.08:  # noqa: PLR2004
        made.sick_days = rng.randint(1, 5)

"""How a phone sees a forecast."""

import enum
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import strawberry

from api.consents.inputs import language_of
from api.consents.types import TextLanguage
from api.scalars import PartialDate
from domain.immunization import reasons
from domain.immunization.forecasting import Due, Forecast, SeriesForecast
from domain.immunization.judging import Judgement
from domain.immunization.reasons import outcome_words, reason_words
from domain.immunization.schedules import Rule

Language = Annotated[TextLanguage, strawberry.argument(description="Vietnamese unless told.")]
Rows = Mapping[str, Mapping[str, Any]]


def _value(name: str, description: str) -> Any:
    return strawberry.enum_value(name, description=description)


@strawberry.enum(description="Where a series of doses stands. FHIR: ImmunizationRecommendation.forecastStatus")
class DoseSeriesStatus(enum.Enum):
    COMPLETE = _value("COMPLETE", "All doses were given.")
    UPCOMING = _value("UPCOMING", "The next dose has its time later.")
    DUE = _value("DUE", "It is time for the next dose.")
    OVERDUE = _value("OVERDUE", "The next dose is late and should be caught up.")
    AGED_OUT = _value("AGED_OUT", "The programme no longer gives it at this age.")
    CONTRAINDICATED = _value("CONTRAINDICATED", "It must not be given, or not now; ask a doctor.")
    REFUSED = _value("REFUSED", "It was refused.")
    NOT_YET_KNOWN = _value("NOT_YET_KNOWN", "The book knows too little of the person to tell.")


@strawberry.enum(description="Why a series stands where it does. FHIR: ImmunizationRecommendation.forecastReason")
class DoseReason(enum.Enum):
    ALL_DOSES_GIVEN = _value("ALL_DOSES_GIVEN", "All doses were given.")
    TOO_YOUNG = _value("TOO_YOUNG", "The age for it is yet to come.")
    INTERVAL = _value("INTERVAL", "The dose before was given lately.")
    LIVE_INTERVAL = _value("LIVE_INTERVAL", "Another live vaccine was given lately.")
    REPEAT = _value("REPEAT", "A dose that did not count was given lately.")
    TIME_HAS_COME = _value("TIME_HAS_COME", "Age and intervals are reached.")
    LATE = _value("LATE", "The time for it has passed.")
    TOO_OLD = _value("TOO_OLD", "The greatest age for it has passed.")
    REFUSED = _value("REFUSED", "It was refused, and no dose was given since.")
    CONTRAINDICATED = _value("CONTRAINDICATED", "A facility noted that it must not be given.")
    VACCINE_ALLERGY = _value("VACCINE_ALLERGY", "The book holds an allergy to such a vaccine.")
    PREGNANT = _value("PREGNANT", "It is not given during pregnancy.")
    BIRTH_DATE_UNKNOWN = _value("BIRTH_DATE_UNKNOWN", "The date of birth is not known.")
    BIRTH_DATE_INEXACT = _value("BIRTH_DATE_INEXACT", "The date of birth is not exact enough.")
    SEX_UNKNOWN = _value("SEX_UNKNOWN", "The sex is not known.")


@strawberry.enum(description="What a dose of the book is worth to a series. FHIR: ImmunizationEvaluation.doseStatus")
class DoseOutcome(enum.Enum):
    COUNTED = _value("COUNTED", "It counts.")
    COUNTED_LATE = _value("COUNTED_LATE", "It counts, though it was later than the programme gives it.")
    TOO_YOUNG = _value("TOO_YOUNG", "Not counted: before the least age.")
    TOO_SOON = _value("TOO_SOON", "Not counted: too soon after the dose before.")
    LIVE_TOO_SOON = _value("LIVE_TOO_SOON", "Not counted: too soon after another live vaccine.")
    SAME_DATE = _value("SAME_DATE", "Not counted again: another report of that date stands for it.")
    EXTRA = _value("EXTRA", "More than the schedule asks for.")
    SUBPOTENT = _value("SUBPOTENT", "Not counted: noted as not effective.")
    NOT_DATED = _value("NOT_DATED", "Not counted: its date is not known.")
    BEFORE_BIRTH = _value("BEFORE_BIRTH", "Not counted: dated before birth.")
    IN_FUTURE = _value("IN_FUTURE", "Not counted: dated in the future.")
    NOT_GIVEN = _value("NOT_GIVEN", "A note that it was not given.")
    ENTERED_IN_ERROR = _value("ENTERED_IN_ERROR", "Not counted: entered in error.")
    UNKNOWN_VACCINE = _value("UNKNOWN_VACCINE", "Not counted: unknown vaccine.")
    NOT_SCHEDULED = _value("NOT_SCHEDULED", "A vaccine or person that this schedule does not cover.")


@strawberry.enum(description="Where the programme gives a vaccine.")
class DoseCoverage(enum.Enum):
    NATIONAL = _value("national", "In every province.")
    PARTIAL = _value("partial", "Not in every province yet: ask the station.")


@strawberry.type(description="One row of the national schedule, and where it is written.")
class ScheduleRule:
    version: str = strawberry.field(description="The version of the schedule it is of.")
    act: str = strawberry.field(description="The legal act: TT 10/2024/TT-BYT ...")
    row: str = strawberry.field(description="The row of the act's table, in Vietnamese.")
    is_verified: bool = strawberry.field(
        description="Whether somebody compared ages and intervals with the act; until then they may be wrong."
    )

    @classmethod
    def of(cls, rule: Rule) -> "ScheduleRule":
        return cls(version=rule.version, act=rule.act, row=rule.row, is_verified=rule.is_verified)


def _outcome_text(root: "JudgedDose", language: Language = TextLanguage.VI) -> str:
    return outcome_words(reasons.Outcome(root.outcome.value), language_of(language))


@strawberry.type(description="A dose of the book and whether it counts. FHIR: ImmunizationEvaluation")
class JudgedDose:
    immunization_id: strawberry.ID = strawberry.field(description="The dose, for `node`. FHIR: Immunization.id")
    occurred: PartialDate | None = strawberry.field(description="When it was given, as exactly as is known.")
    vaccine: str | None = strawberry.field(description="The vaccine in the sender's words.")
    outcome: DoseOutcome = strawberry.field(description="Whether it counts, or why not.")
    outcome_text: str = strawberry.field(resolver=_outcome_text, description="`outcome` as a sentence.")
    number: int | None = strawberry.field(
        description="Which dose of the series it counts as; 0 is the dose at birth. Null where it does not count."
    )
    rule: ScheduleRule | None = strawberry.field(description="The row it was judged by: of the schedule of its day.")

    @classmethod
    def of(cls, judged: Judgement, rows: Rows) -> "JudgedDose":
        row = rows[judged.dose.id]
        return cls(
            immunization_id=strawberry.ID(judged.dose.id),
            occurred=row["occurred"],
            vaccine=row["vaccine"],
            outcome=DoseOutcome(judged.outcome.value),
            number=judged.number,
            rule=ScheduleRule.of(judged.rule) if judged.rule else None,
        )


@strawberry.type(description="The dose that comes next. FHIR: ImmunizationRecommendation.recommendation")
class NextDose:
    number: int = strawberry.field(description="Which dose of the series; 0 is the dose at birth.")
    earliest_on: PartialDate = strawberry.field(
        description="The first day it may be given: least age and all intervals. FHIR: dateCriterion"
    )
    recommended_on: PartialDate = strawberry.field(description="The day it should be given. FHIR: dateCriterion")
    overdue_after: PartialDate = strawberry.field(description="After this day it is late. FHIR: dateCriterion")
    latest_on: PartialDate | None = strawberry.field(
        description="The last day the programme gives it; null where there is none. FHIR: dateCriterion"
    )
    bookable_vaccine_codes: list[str] = strawberry.field(
        description="Vaccines to look for when booking, the programme's own first; empty where it must not be given."
    )
    rule: ScheduleRule = strawberry.field(description="The row of the schedule in force today that asks for it.")

    @classmethod
    def of(cls, due: Due, *, may_be_given: bool) -> "NextDose":
        return cls(
            number=due.rule.number,
            earliest_on=_day(due.earliest_on),
            recommended_on=_day(due.recommended_on),
            overdue_after=_day(due.overdue_after),
            latest_on=_day(due.latest_on) if due.latest_on else None,
            bookable_vaccine_codes=list(due.rule.vaccines) if may_be_given else [],
            rule=ScheduleRule.of(due.rule),
        )


def _day(day: date) -> PartialDate:
    return PartialDate(day.isoformat())


def _name(root: "DoseSeries", language: Language = TextLanguage.VI) -> str:
    series = root.found.series
    return series.vi if language is TextLanguage.VI else series.en


def _reason_text(root: "DoseSeries", language: Language = TextLanguage.VI) -> str:
    found, due = root.found, root.found.next
    days = (due.recommended_on, due.overdue_after) if due else (None, None)
    return reason_words(found.reason, language_of(language), *days)


@strawberry.type(description="All doses against one disease.")
class DoseSeries:
    code: str = strawberry.field(description="Our code of the series: hepB, measles, tetanus_pregnancy ...")
    antigen: str = strawberry.field(description="What it protects from, as in `Immunization.antigens`.")
    name: str = strawberry.field(resolver=_name, description="The disease in words.")
    coverage: DoseCoverage = strawberry.field(description="Where the programme gives it.")
    status: DoseSeriesStatus = strawberry.field(description="Where it stands.")
    reason: DoseReason = strawberry.field(description="Why.")
    reason_text: str = strawberry.field(resolver=_reason_text, description="`reason` in a sentence or two.")
    next: NextDose | None = strawberry.field(
        description="The dose that comes next, also where it was refused; null where none will or none can be told."
    )
    doses: list[JudgedDose] = strawberry.field(description="Doses of the book against it, oldest first, at most 300.")
    found: strawberry.Private[SeriesForecast]

    @classmethod
    def of(cls, found: SeriesForecast, rows: Rows) -> "DoseSeries":
        may = found.status is not reasons.Status.CONTRAINDICATED
        return cls(
            code=found.series.code,
            antigen=found.series.antigen,
            coverage=DoseCoverage(found.series.coverage),
            status=DoseSeriesStatus(found.status.value),
            reason=DoseReason(found.reason.value),
            next=NextDose.of(found.next, may_be_given=may) if found.next else None,
            doses=[JudgedDose.of(one, rows) for one in found.doses],
            found=found,
        )


@strawberry.type(description="Doses given and to come by the national schedule. FHIR: ImmunizationRecommendation")
class DoseForecast:
    patient_id: strawberry.ID = strawberry.field(description="Whose. FHIR: ImmunizationRecommendation.patient")
    on: PartialDate = strawberry.field(description="The day it holds for, in Vietnam. FHIR: date")
    schedule_version: str = strawberry.field(description="The version of the schedule in force that day.")
    schedule_act: str = strawberry.field(description="The legal act behind that version.")
    considered: list[str] = strawberry.field(
        description="Sections it rests on; without allergies or conditions a hindrance may be missing."
    )
    series: list[DoseSeries] = strawberry.field(description="Each series that concerns the person, at most 50.")
    uncounted: list[JudgedDose] = strawberry.field(
        description="Doses of no such series: unknown vaccines and those the schedule does not cover. At most 300."
    )

    @classmethod
    def of(cls, found: Forecast, patient_id: str, considered: list[str], rows: Rows) -> "DoseForecast":
        return cls(
            patient_id=strawberry.ID(patient_id),
            on=_day(found.today),
            schedule_version=found.schedule.version,
            schedule_act=found.schedule.act,
            considered=considered,
            series=[DoseSeries.of(one, rows) for one in found.series],
            uncounted=[JudgedDose.of(one, rows) for one in found.uncounted],
        )

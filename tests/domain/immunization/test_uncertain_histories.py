"""Partial dates, unknown vaccines, refusals, allergies, pregnancy: what a real book is full of."""

import pytest

from domain.immunization.history import Given, Pregnancy, allergy
from domain.immunization.history import dose as dose_of
from domain.immunization.periods import Span
from domain.immunization.pregnancies import Noted, current
from domain.immunization.reasons import Reason, Status
from domain.immunization.reminding import due_doses
from tests.domain.immunization.people import TODAY, day, dose, forecast, outcomes, person, series

CVX, ATC = "http://hl7.org/fhir/sid/cvx", "http://www.whocc.no/atc"
CHILD = "2026-01-15"


def row(**more):
    told = {"occurred": "2026-03-15", "status": "completed", "status_reason": None, "system": CVX, "code": "102"}
    words = {"words": None, "antigens": None, "is_subpotent": None}
    return dose_of("x", **(told | words | more))


def test_a_dose_dated_to_the_month_counts_unless_it_was_surely_too_early():
    month = [dose("DTWP-HEPB-HIB", "2026-02")]
    assert outcomes(series(person("2026-01-18"), "pertussis", month)) == ["TOO_YOUNG"]
    assert outcomes(series(person("2026-01-17"), "pertussis", month)) == ["COUNTED"]


def test_the_next_dose_keeps_its_distance_from_the_last_day_a_date_may_mean():
    found = series(person(CHILD), "pertussis", [dose("DTWP-HEPB-HIB", "2026-03")])
    assert found.next.earliest_on == day("2026-04-28")


def test_the_usual_interval_too_is_counted_from_that_day():
    found = series(person(CHILD), "polio_inactivated", [dose("IPV", "2026-07")])
    assert (found.next.earliest_on, found.next.recommended_on) == (day("2026-08-28"), day("2026-11-30"))


def test_of_a_month_and_a_day_in_it_the_day_stands_for_both():
    given = [dose("DTWP-HEPB-HIB", "2026"), dose("DTWP-HEPB-HIB", "2026-03-15"), dose("DTWP-HEPB-HIB", "2026-04-15")]
    assert outcomes(series(person(CHILD), "pertussis", given)) == ["SAME_DATE", "COUNTED", "COUNTED"]


def test_a_birth_date_known_to_the_month_is_taken_late_for_calling_and_early_for_limits():
    due = series(person("2026-01"), "rotavirus", today=day("2026-02-01")).next
    assert (due.recommended_on, due.latest_on) == (day("2026-03-31"), day("2026-08-12"))


def test_a_birth_date_too_vague_for_a_limit_says_so_and_an_unknown_one_too():
    vague = series(person("2026"), "rotavirus")
    assert (vague.status, vague.reason) == (Status.NOT_YET_KNOWN, Reason.BIRTH_DATE_INEXACT)
    unknown = series(person(None), "BCG")
    assert (unknown.status, unknown.reason, unknown.next) == (Status.NOT_YET_KNOWN, Reason.BIRTH_DATE_UNKNOWN, None)
    assert series(person(None), "BCG", [dose("BCG", "2026-02-01")]).status is Status.COMPLETE


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (dose("BCG", None), "NOT_DATED"),
        (dose("BCG", "2027-01-01"), "IN_FUTURE"),
        (dose("BCG", "2025-12-31"), "BEFORE_BIRTH"),
        (dose("BCG", "2026-02-01", given=Given.NOT_GIVEN), "NOT_GIVEN"),
        (dose("BCG", "2026-02-01", given=Given.ENTERED_IN_ERROR), "ENTERED_IN_ERROR"),
        (dose("BCG", "2026-02-01", is_subpotent=True), "SUBPOTENT"),
    ],
)
def test_what_does_not_count_says_why(given, outcome):
    found = series(person(CHILD), "BCG", [given])
    assert outcomes(found) == [outcome]
    assert found.status is Status.OVERDUE


def test_unknown_vaccines_and_those_of_no_schedule_are_shown_apart():
    found = forecast(person(CHILD), [dose("?", "2026-03-01"), dose("FLU", "2026-03-02")])
    assert [one.outcome.value for one in found.uncounted] == ["NOT_SCHEDULED", "UNKNOWN_VACCINE"]


def test_a_refusal_or_a_contraindication_stands_until_a_later_dose_counts():
    refused = dose("BCG", "2026-02-01", given=Given.REFUSED)
    found = series(person(CHILD), "BCG", [refused])
    assert (found.status, found.next.rule.number) == (Status.REFUSED, 1)
    assert series(person(CHILD), "BCG", [refused, dose("BCG", "2026-02-10")]).status is Status.COMPLETE
    said_no = dose("DTWP-HEPB-HIB", "2026-04-01", given=Given.CONTRAINDICATED)
    assert series(person(CHILD), "pertussis", [said_no]).status is Status.CONTRAINDICATED
    later = [dose("DTWP-HEPB-HIB", "2026-03-15"), said_no, dose("DTWP-HEPB-HIB", "2026-05-01")]
    assert series(person(CHILD), "pertussis", later).status is Status.OVERDUE
    unnamed = dose_of(
        "x",
        occurred="2026-04-01",
        status="not-done",
        status_reason="từ chối",
        system=None,
        code=None,
        words=None,
        antigens=["polio"],
        is_subpotent=None,
    )
    assert series(person(CHILD), "polio_inactivated", [unnamed]).status is Status.REFUSED
    undated = dose("BCG", None, given=Given.REFUSED)
    assert series(person(CHILD), "BCG", [undated]).status is Status.REFUSED


@pytest.mark.parametrize(
    ("reason", "given"),
    [
        ("PATOBJ", Given.REFUSED),
        ("Gia đình từ chối", Given.REFUSED),
        ("patient refused", Given.REFUSED),
        ("Chống chỉ định", Given.CONTRAINDICATED),
        ("MEDPREC", Given.CONTRAINDICATED),
        ("hết vắc xin", Given.NOT_GIVEN),
        (None, Given.NOT_GIVEN),
        ("\x00" * 10, Given.NOT_GIVEN),
    ],
)
def test_why_a_dose_was_not_given_is_read_from_words(reason, given):
    assert row(status="not-done", status_reason=reason).given is given
    assert row(status="completed", status_reason=reason).given is Given.GIVEN


def test_a_row_is_known_by_its_code_its_words_or_its_antigens():
    assert row().vaccine == "DTWP-HEPB-HIB"
    assert row(system=None, code=None, words="Vắc xin sởi - rubella").vaccine == "MR"
    assert row(system=ATC, code="J07AL02").vaccine is None
    assert row(system=ATC, code="J07AL02", words="Prevenar 13").vaccine == "PCV13"
    bare = row(system=None, code=None, antigens=["measles"])
    assert (bare.vaccine, bare.antigens) == (None, frozenset({"measles"}))
    odd = row(system="urn:x", code="9" * 5000, words="x" * 100_000, occurred="2025-02-31")
    assert (odd.vaccine, odd.antigens, odd.given_on) == (None, frozenset(), None)


def test_a_product_of_other_antigens_than_the_row_is_not_believed():
    assert row(antigens=["measles"]).vaccine is None


def test_an_allergy_to_a_vaccine_hinders_its_series_and_one_to_food_none():
    assert allergy(system=None, code=None, words="Dị ứng vắc xin sởi") == frozenset({"measles"})
    assert allergy(system=None, code=None, words="Tôm, cua") == frozenset()
    assert allergy(system=None, code=None, words="sởi") == frozenset()
    assert allergy(system=CVX, code="19", words=None) == frozenset({"BCG"})
    found = series(person(CHILD, allergies=frozenset({"BCG"})), "BCG")
    assert (found.status, found.reason) == (Status.CONTRAINDICATED, Reason.VACCINE_ALLERGY)


def test_tetanus_in_pregnancy_goes_by_how_many_doses_she_had_as_a_child():
    mother = person("2000-01-01", pregnancy=Pregnancy(day("2026-06-01"), day("2027-01-20")))
    first = series(mother, "tetanus_pregnancy")
    assert (first.status, first.next.rule.number, first.next.overdue_after) == (Status.DUE, 1, day("2026-12-23"))
    both = [dose("TT", "2026-06-10"), dose("TT", "2026-07-08")]
    assert series(mother, "tetanus_pregnancy", both).next.recommended_on == day("2027-01-08")
    child = [dose("DTWP", one) for one in ("2000-03-01", "2000-04-01", "2000-05-01")]
    primary = series(mother, "tetanus_pregnancy", child + both)
    assert (primary.next.rule.number, primary.next.recommended_on) == (3, day("2027-07-08"))
    done = series(
        mother,
        "tetanus_pregnancy",
        [*child, dose("TT", "2020-01-01"), dose("TT", "2020-02-01"), dose("TD", "2021-02-01")],
    )
    assert done.status is Status.COMPLETE


def test_nobody_else_is_asked_for_it_and_live_vaccines_wait_for_the_birth():
    codes = [one.series.code for one in forecast(person("2000-01-01")).series]
    assert "tetanus_pregnancy" not in codes
    girl = person("2017-01-01", pregnancy=Pregnancy(day("2026-06-01")))
    assert series(girl, "rubella", today=day("2026-11-21")).reason is Reason.PREGNANT


def test_pregnancy_is_read_from_codes_and_ends_with_a_birth_or_with_time():
    def found(*noted):
        return current([Noted(*one) for one in noted], TODAY)

    assert found(("Z34.0", "2026-06-01")) == Pregnancy(day("2026-06-01"))
    assert found(("Z34.0", "2026-06-01"), ("O80", "2026-11-01")) is None
    assert found(("O80", "2026-01-01"), ("Z34", "2026-09-01")) == Pregnancy(day("2026-09-01"))
    assert found(("Z34", "2026-01-01")) is None
    assert found(("Z34", "2026-06-01", "2026-07-01")) is None
    assert found(("Z34", "2026-06-01", None, "resolved")) is None
    assert found(("Z34", "2026-06-01", None, None, "refuted")) is None
    assert found(("J00", "2026-06-01"), (None, "2026-06-01"), ("Z34", None), ("Z34", "2027-06-01")) is None


def test_the_dead_have_no_doses_to_come():
    assert forecast(person(CHILD, is_deceased=True)).series == ()


def test_reminders_are_for_what_every_province_has_and_the_soonest_first():
    found = due_doses(forecast(person("2026-09-25")), TODAY, within_days=7)
    assert {one.series.code for one in found} == {
        "BCG",
        "diphtheria",
        "pertussis",
        "tetanus",
        "hepB",
        "Hib",
        "polio_oral",
    }
    assert found[0].series.code == "BCG"
    soon = due_doses(forecast(person("2026-09-25"), [dose("BCG", "2026-09-26")]), TODAY, within_days=0)
    assert soon == ()


def test_a_span_that_is_exact_knows_it():
    assert Span.read("2026-01-01").is_exact
    assert not Span.read("2026-01").is_exact

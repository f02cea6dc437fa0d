"""The schedule by example: a birth date, some doses, a day, and what a station would say."""

from datetime import timedelta

import pytest

from domain.immunization.reasons import Reason, Status
from tests.domain.immunization.people import NOW, at, day, dose, outcomes, person, series

BORN = "2026-01-31"


@pytest.mark.parametrize(
    ("code", "number", "earliest", "recommended", "overdue", "latest"),
    [
        ("hepB", 0, "2026-01-31", "2026-01-31", "2026-02-01", "2026-02-01"),
        ("BCG", 1, "2026-01-31", "2026-01-31", "2026-02-28", "2027-01-30"),
        ("diphtheria", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2033-01-30"),
        ("pertussis", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2033-01-30"),
        ("tetanus", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2033-01-30"),
        ("Hib", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2031-01-30"),
        ("polio_oral", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2031-01-30"),
        ("polio_inactivated", 1, "2026-03-14", "2026-06-30", "2026-07-30", "2031-01-30"),
        ("rotavirus", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2026-09-11"),
        ("pneumococcal", 1, "2026-03-14", "2026-03-31", "2026-04-30", "2028-01-30"),
        ("measles", 1, "2026-10-31", "2026-10-31", "2026-11-30", "2036-01-30"),
        ("rubella", 1, "2026-10-31", "2027-07-31", "2027-08-31", "2036-01-30"),
        ("JE", 1, "2027-01-31", "2027-01-31", "2027-02-28", "2041-01-30"),
        ("HPV", 1, "2035-01-31", "2037-01-31", "2038-01-31", "2041-01-30"),
    ],
)
def test_first_doses_of_a_newborn(code, number, earliest, recommended, overdue, latest):
    due = series(person(BORN), code, today=day(BORN), schedules=NOW).next
    assert due.rule.number == number
    told = (due.earliest_on, due.recommended_on, due.overdue_after, due.latest_on)
    assert [one.isoformat() for one in told] == [earliest, recommended, overdue, latest]


@pytest.mark.parametrize(
    ("code", "vaccine", "before", "number", "recommended"),
    [
        ("hepB", "DTWP-HEPB-HIB", ["2m"], 2, "3m"),
        ("hepB", "DTWP-HEPB-HIB", ["2m", "3m"], 3, "4m"),
        ("diphtheria", "DTWP-HEPB-HIB", ["2m", "3m", "4m"], 4, "18m"),
        ("diphtheria", "DTWP-HEPB-HIB", ["2m", "3m", "4m", "18m"], 5, "7y"),
        ("polio_oral", "BOPV", ["2m", "3m"], 3, "4m"),
        ("polio_inactivated", "IPV", ["5m"], 2, "9m"),
        ("rotavirus", "ROTA1", ["2m"], 2, "3m"),
        ("rotavirus", "ROTA5", ["2m", "3m"], 3, "4m"),
        ("pneumococcal", "PCV13", ["2m"], 2, "4m"),
        ("pneumococcal", "PCV13", ["2m", "4m"], 3, "12m"),
        ("measles", "MEASLES", ["9m"], 2, "18m"),
        ("JE", "JE-LIVE", ["12m"], 2, "24m"),
        ("HPV", "HPV4", ["11y"], 2, "138m"),
    ],
)
def test_next_doses_after_those_given_on_time(code, vaccine, before, number, recommended):
    born = "2014-03-15"
    given = [dose(vaccine, at(born, age)) for age in before]
    due = series(person(born), code, given, today=day(at(born, before[-1])), schedules=NOW).next
    assert (due.rule.number, due.recommended_on.isoformat()) == (number, at(born, recommended))


@pytest.mark.parametrize(
    ("code", "vaccine", "ages"),
    [
        ("hepB", "DTAP-IPV-HEPB-HIB", ["2m", "3m", "4m"]),
        ("Hib", "DTWP-HEPB-HIB", ["2m", "3m", "4m"]),
        ("polio_oral", "DTAP-IPV-HEPB-HIB", ["2m", "3m", "4m"]),
        ("polio_inactivated", "DTAP-IPV-HEPB-HIB", ["2m", "3m", "4m"]),
        ("rotavirus", "ROTA1", ["2m", "3m"]),
        ("pneumococcal", "PCV13", ["2m", "4m", "12m"]),
        ("measles", "MMR", ["12m", "18m"]),
        ("rubella", "MMR", ["12m"]),
        ("BCG", "BCG", ["1d"]),
        ("JE", "JE-LIVE", ["12m", "24m"]),
    ],
)
def test_a_series_ends(code, vaccine, ages):
    born = "2024-09-01"
    found = series(person(born), code, [dose(vaccine, at(born, age)) for age in ages])
    assert (found.status, found.reason, found.next) == (Status.COMPLETE, Reason.ALL_DOSES_GIVEN, None)


def test_the_killed_japanese_encephalitis_vaccine_takes_three_doses():
    born = "2024-09-01"
    first, second = at(born, "12m"), "2025-09-15"
    due = series(person(born), "JE", [dose("JE-INACTIVATED", first)]).next
    assert (due.rule.number, due.earliest_on, due.recommended_on) == (2, day("2025-09-08"), day("2025-09-15"))
    due = series(person(born), "JE", [dose("JE-INACTIVATED", first), dose("JE-INACTIVATED", second)]).next
    assert (due.rule.number, due.recommended_on) == (3, day("2026-09-15"))


def test_a_series_moves_from_upcoming_to_due_to_late_to_too_old():
    who = person(BORN)
    stages = [series(who, "rotavirus", today=day(one)).status for one in ("2026-03-30", "2026-03-31", "2026-05-01")]
    assert stages == [Status.UPCOMING, Status.DUE, Status.OVERDUE]
    assert series(who, "rotavirus", today=day("2026-09-11")).status is Status.OVERDUE
    assert series(who, "rotavirus", today=day("2026-09-12")).status is Status.AGED_OUT


def test_late_doses_are_caught_up_with_the_least_interval():
    born = "2024-09-01"
    found = series(person(born), "pertussis", [dose("DTWP-HEPB-HIB", "2026-11-10")])
    assert (found.next.rule.number, found.next.recommended_on) == (2, day("2026-12-08"))
    assert (found.status, found.reason) == (Status.UPCOMING, Reason.INTERVAL)


def test_a_dose_too_young_or_too_soon_does_not_count_and_is_repeated_at_a_distance():
    born = "2026-07-02"
    early = series(person(born), "pertussis", [dose("DTWP-HEPB-HIB", "2026-08-12")])
    assert outcomes(early) == ["TOO_YOUNG"]
    assert (early.next.rule.number, early.next.earliest_on) == (1, day("2026-09-09"))
    close = series(
        person(born), "pertussis", [dose("DTWP-HEPB-HIB", "2026-09-02"), dose("DTWP-HEPB-HIB", "2026-09-29")]
    )
    assert outcomes(close) == ["COUNTED", "TOO_SOON"]
    assert (close.next.rule.number, close.next.earliest_on) == (2, day("2026-10-27"))
    kept = series(person(born), "pertussis", [dose("DTWP-HEPB-HIB", "2026-09-02"), dose("DTWP-HEPB-HIB", "2026-09-30")])
    assert outcomes(kept) == ["COUNTED", "COUNTED"]


def test_a_live_vaccine_within_four_weeks_of_another_does_not_count_but_on_the_same_day_it_does():
    born = "2025-01-10"
    measles, soon, same = (
        dose("MEASLES", "2025-10-10"),
        dose("VARICELLA", "2025-10-09"),
        dose("VARICELLA", "2025-10-10"),
    )
    assert outcomes(series(person(born), "measles", [measles, soon])) == ["LIVE_TOO_SOON"]
    assert outcomes(series(person(born), "measles", [measles, same])) == ["COUNTED"]
    assert outcomes(series(person(born), "measles", [measles, dose("VARICELLA", "2025-09-12")])) == ["COUNTED"]
    assert outcomes(series(person(born), "measles", [measles, dose("ROTA1", "2025-10-09")])) == ["COUNTED"]
    later = series(person(born), "rubella", [dose("VARICELLA", "2026-11-15")])
    assert (later.reason, later.next.earliest_on) == (Reason.LIVE_INTERVAL, day("2026-12-13"))


def test_the_dose_at_birth_is_skipped_when_it_is_too_late_and_the_rest_goes_on():
    found = series(person(BORN), "hepB", today=day(BORN) + timedelta(days=2))
    assert (found.status, found.next.rule.number) == (Status.UPCOMING, 1)
    late = series(person(BORN), "hepB", [dose("HEPB-PED", "2026-02-05")])
    assert (outcomes(late), late.doses[0].number) == (["COUNTED_LATE"], 0)
    first = series(person(BORN), "hepB", [dose("DTWP-HEPB-HIB", "2026-03-31")])
    assert (outcomes(first), first.doses[0].number) == (["COUNTED"], 1)


def test_a_child_of_seven_who_missed_everything_is_asked_for_td_and_not_for_the_infants_doses():
    found = series(person("2019-05-01"), "diphtheria")
    assert (found.status, found.next.rule.number, found.next.rule.vaccines) == (Status.DUE, 5, ("TD",))
    assert series(person("2019-05-01"), "pertussis").status is Status.AGED_OUT


def test_more_doses_than_asked_for_are_extra():
    born = "2024-09-01"
    given = [dose("MMR", at(born, age)) for age in ("12m", "18m", "20m")]
    assert outcomes(series(person(born), "measles", given)) == ["COUNTED", "COUNTED", "EXTRA"]


def test_hpv_from_fifteen_takes_three_doses_and_concerns_girls():
    born = "2010-01-01"
    found = series(person(born), "HPV", [dose("HPV4", "2025-06-01")])
    assert (outcomes(found), found.next.rule.number, found.next.recommended_on) == (
        ["COUNTED_LATE"],
        2,
        day("2025-08-01"),
    )
    two = series(person(born), "HPV", [dose("HPV4", "2025-06-01"), dose("HPV4", "2025-08-01")])
    assert (two.next.rule.number, two.status) == (3, Status.OVERDUE)
    assert series(person(born, None), "HPV").reason is Reason.SEX_UNKNOWN
    with pytest.raises(StopIteration):
        series(person(born, "male"), "HPV")


def test_the_schedule_of_the_day_judges_a_dose_and_todays_tells_what_comes():
    """Two injected polio doses are asked for since August 2024; before, one was."""
    born, given = "2023-10-01", [dose("IPV", "2024-03-01")]
    assert series(person(born), "polio_inactivated", given, today=day("2024-07-31")).status is Status.COMPLETE
    found = series(person(born), "polio_inactivated", given, today=day("2024-08-01"))
    assert (found.status, found.next.rule.number) == (Status.DUE, 2)
    assert (found.doses[0].rule.version, found.next.rule.version) == ("vn-2017-10", "vn-2024-08")
    assert found.next.rule.act == "TT 10/2024/TT-BYT"


def test_a_vaccine_that_joined_later_is_judged_by_the_version_that_knows_it():
    found = series(person("2025-01-01"), "pneumococcal", [dose("PCV13", "2025-03-01")])
    assert (outcomes(found), found.doses[0].rule.version) == (["COUNTED"], "vn-2026-07")


def test_a_dose_that_counts_in_one_series_is_not_extra_in_another():
    born = "2024-09-01"
    drops = [dose("BOPV", at(born, age)) for age in ("2m", "3m", "4m")]
    shots = [dose("IPV", at(born, age)) for age in ("5m", "9m")]
    assert outcomes(series(person(born), "polio_oral", drops + shots)) == ["COUNTED"] * 3
    assert outcomes(series(person(born), "polio_inactivated", drops + shots)) == ["COUNTED"] * 2

"""The schedule's files are sound, and a file that is not is refused with its place."""

import copy
import json
from importlib.resources import files
from itertools import pairwise

import pytest

from domain.immunization.reasons import Outcome, Reason, outcome_words, reason_words
from domain.immunization.schedule_files import read, validated, versions
from domain.immunization.schedules import in_force
from tests.domain.immunization.people import day

NAMES = ["vn-2017-10", "vn-2024-08", "vn-2026-02", "vn-2026-07"]


def content(name):
    return json.loads(files("domain.immunization").joinpath(f"{name}.json").read_text(encoding="utf-8"))


def test_every_version_is_there_in_order():
    assert [one.version for one in versions()] == NAMES


@pytest.mark.parametrize(
    ("on", "version"),
    [
        ("1990-01-01", "vn-2017-10"),
        ("2024-07-31", "vn-2017-10"),
        ("2024-08-01", "vn-2024-08"),
        ("2026-02-14", "vn-2024-08"),
        ("2026-02-15", "vn-2026-02"),
        ("2026-07-01", "vn-2026-07"),
        ("2040-01-01", "vn-2026-07"),
    ],
)
def test_a_day_has_one_version(on, version):
    assert in_force(versions(), day(on)).version == version


def test_versions_bring_the_diseases_their_acts_added():
    codes = [{one.code for one in schedule.series} for schedule in versions()]
    assert [after - before for before, after in pairwise(codes)] == [
        {"rotavirus"},
        {"pneumococcal"},
        {"HPV"},
    ]


def test_no_row_claims_to_be_verified_before_somebody_compared_it():
    assert not [row for one in versions() for series in one.series for row in series.rules if row.is_verified]


def first_dose(schedule):
    return schedule["series"][0]["doses"][0]


def hpv(schedule):
    return next(one for one in schedule["series"] if one["code"] == "HPV")


BREAKS = {
    "is no period": lambda one: first_dose(one).update(age="two months"),
    "unknown: min_agee": lambda one: first_dose(one).update(min_agee="6w"),
    "unknown: colour": lambda one: one["series"][0].update(colour="red"),
    "unknown: befor": lambda one: hpv(one)["doses"][1]["when"].update(befor=[]),
    "recommended outside its ages": lambda one: first_dose(one).update(age="3m"),
    "recommended before its interval": lambda one: hpv(one)["doses"][1].update(recommended_interval="1m"),
    "does not carry hepB": lambda one: first_dose(one).update(vaccines=["BCG"]),
    "vaccine NOPE": lambda one: first_dose(one).update(vaccines=["NOPE"]),
    "names no act": lambda one: first_dose(one).update(row=" "),
    "never too late": lambda one: first_dose(one).pop("max_age"),
    "is there twice": lambda one: one["series"].append(one["series"][0]),
    "not in order": lambda one: one["series"][0]["doses"].reverse(),
    "coverage or sex": lambda one: one["series"][0].update(coverage="some"),
    "first dose that is conditional": lambda one: first_dose(one).update(when={"after": ["BCG"]}),
    "builds on a series": lambda one: one["series"][0].update(primary="HPV"),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_an_unsound_file_is_refused(fault):
    broken = copy.deepcopy(content("vn-2026-07"))
    BREAKS[fault](broken)
    with pytest.raises(ValueError, match=fault):
        validated([*versions()[:-1], read(broken)])


@pytest.mark.parametrize("left", [[0, 1, 3], [1, 2, 3], [0, 1, 2], [0, 0, 1, 2, 3], []])
def test_versions_follow_each_other_without_a_gap(left):
    with pytest.raises(ValueError, match=r"does not begin on the day after|must hold for everything"):
        validated([versions()[at] for at in left])


def test_every_reason_and_outcome_has_words_in_both_languages():
    for reason in Reason:
        words = [reason_words(reason, language, day("2026-11-02"), day("2026-12-02")) for language in ("vi", "en")]
        assert all(words)
        assert words[0] != words[1]
        assert "{" not in "".join(words)
    for outcome in Outcome:
        assert outcome_words(outcome, "vi") != outcome_words(outcome, "en")
    assert "02/11/2026" in reason_words(Reason.TIME_HAS_COME, "vi", day("2026-11-02"), None)

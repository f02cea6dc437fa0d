"""Reading the schedule's versions from `vn-YYYY-MM.json` of this package, and refusing a file that is not sound.

A file names its version, act and days of force, and one row a dose with the act, the row of the act's table and
`basis`: which of its figures come from where. A row that nobody compared with the original says `verified: false`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from domain.immunization.periods import Period
from domain.immunization.schedules import NATIONAL, PARTIAL, Rule, Schedule, Series, When
from domain.reference import vaccines


@cache
def versions() -> tuple[Schedule, ...]:
    """All versions, oldest first."""
    found = sorted(one.name for one in files(__package__).iterdir() if one.name.startswith("vn-"))
    return validated(
        [read(json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))) for name in found]
    )


def read(content: Mapping[str, Any]) -> Schedule:
    """A version from its JSON. ValueError (or KeyError, TypeError) where the file is not of the form."""
    valid, live = content["valid"], content["live"]
    return Schedule(
        version=str(content["version"]),
        title=str(content["title"]),
        act=str(content["act"]),
        valid_from=_day(valid["from"]),
        valid_to=_day(valid["to"]),
        grace_days=int(content["grace_days"]),
        live_interval=Period.read(live["interval"]),
        live_antigens=frozenset(live["antigens"]),
        live_vaccines=frozenset(live["vaccines"]),
        repeat_after=Period.read(content["repeat_after"]),
        series=tuple(_series(one, content) for one in content["series"]),
    )


def _series(content: Mapping[str, Any], of: Mapping[str, Any]) -> Series:
    _known(content, Series.__slots__, "doses")
    return Series(
        code=content["code"],
        antigen=content["antigen"],
        vi=content["vi"],
        en=content["en"],
        coverage=content.get("coverage", NATIONAL),
        sex=content.get("sex"),
        accepts=tuple(content.get("accepts", ())),
        in_pregnancy=content.get("in_pregnancy", False),
        not_in_pregnancy=content.get("not_in_pregnancy", False),
        counts_from=_period(content, "counts_from"),
        primary=content.get("primary"),
        rules=tuple(_rule(one, of) for one in content["doses"]),
    )


def _rule(content: Mapping[str, Any], of: Mapping[str, Any]) -> Rule:
    _known(content, Rule.__slots__, "dose", "age", "optional", "verified")
    interval = _period(content, "interval") or Period()
    return Rule(
        version=str(of["version"]),
        number=int(content["dose"]),
        min_age=_period(content, "min_age") or Period(),
        recommended_age=Period.read(content["age"]),
        max_age=_period(content, "max_age"),
        interval=interval,
        recommended_interval=_period(content, "recommended_interval") or interval,
        overdue_after=_period(content, "overdue_after") or Period.read(of["overdue_after"]),
        is_optional=content.get("optional", False),
        when=_when(content.get("when", {})),
        vaccines=tuple(content["vaccines"]),
        act=content.get("act") or str(of["act"]),
        row=content["row"],
        basis=content["basis"],
        is_verified=content["verified"],
    )


def _when(content: Mapping[str, Any]) -> When:
    _known(content, When.__slots__)
    return When(
        after=tuple(content.get("after", ())),
        not_after=tuple(content.get("not_after", ())),
        started_before=_period(content, "started_before"),
        started_from=_period(content, "started_from"),
        primary_from=content.get("primary_from"),
        primary_below=content.get("primary_below"),
    )


def _known(content: Mapping[str, Any], *names: object) -> None:
    """A misspelt key would silently be no rule at all."""
    known = {name for one in names for name in ((one,) if isinstance(one, str) else one)}  # type: ignore[attr-defined]
    if unknown := content.keys() - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")


def _period(content: Mapping[str, Any], name: str) -> Period | None:
    text = content.get(name)
    return None if text is None else Period.read(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def validated(schedules: Sequence[Schedule]) -> tuple[Schedule, ...]:
    """The same, oldest first. ValueError names the version, the series and what is wrong with it."""
    ordered = tuple(sorted(schedules, key=lambda one: one.valid_from or date.min))
    for before, after in pairwise(ordered):
        if before.valid_to is None or after.valid_from is None or (after.valid_from - before.valid_to).days != 1:
            raise ValueError(f"{after.version}: does not begin on the day after {before.version} ends")
    if not ordered or ordered[0].valid_from is not None or ordered[-1].valid_to is not None:
        raise ValueError("the first version must hold for everything before, and the last for everything after")
    for schedule in ordered:
        for series in schedule.series:
            if faults := list(_faults(schedule, series)):
                raise ValueError(f"{schedule.version} {series.code}: {'; '.join(faults)}")
    return ordered


def _faults(schedule: Schedule, series: Series) -> list[str]:
    codes = [one.code for one in schedule.series]
    named = {*series.accepts, *(code for rule in series.rules for code in rule.vaccines)}
    found = [f"vaccine {code} does not carry {series.antigen}" for code in sorted(named) if not _carries(code, series)]
    if codes.count(series.code) > 1:
        found.append("is there twice")
    if series.coverage not in (NATIONAL, PARTIAL) or series.sex not in (None, "female", "male"):
        found.append("coverage or sex is none we know")
    if series.primary is not None and series.primary not in codes[: codes.index(series.code)]:
        found.append("builds on a series that does not stand before it")
    if not series.rules or [one.number for one in series.rules] != sorted(one.number for one in series.rules):
        found.append("doses are missing or not in order")
    return found + [f"dose {rule.number} {fault}" for rule in series.rules for fault in _rule_faults(rule, series)]


def _carries(code: str, series: Series) -> bool:
    known = vaccines.by_code("own", code)
    return bool(known) and series.takes(frozenset(known[0].antigens), code)


def _rule_faults(rule: Rule, series: Series) -> list[str]:
    low, high = rule.min_age.rough_days, float("inf") if rule.max_age is None else rule.max_age.rough_days
    found = []
    if not low <= rule.recommended_age.rough_days < high:
        found.append("is recommended outside its ages")
    if rule.interval.rough_days > rule.recommended_interval.rough_days:
        found.append("is recommended before its interval")
    if not (rule.act.strip() and rule.row.strip() and rule.basis.strip() and rule.vaccines):
        found.append("names no act, row, basis or vaccine")
    if rule.is_optional and rule.max_age is None:
        found.append("is optional, but never too late")
    if series.rules[0].when != When():
        found.append("follows a first dose that is conditional")
    return found

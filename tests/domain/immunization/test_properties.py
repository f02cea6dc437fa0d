"""Rules that hold for every history."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.immunization import forecasting
from domain.immunization.history import Dose, Given, Person
from domain.immunization.periods import Span
from domain.immunization.reasons import Outcome, Status
from domain.immunization.schedule_files import versions
from domain.reference import vaccines
from domain.reference.tables import table

BORN, TODAY = date(2018, 3, 31), date(2026, 11, 21)
NOW = versions()[-1:]
CODES = [row["code"] for row in table("vaccines")["rows"]]
ORDER = [Status.UPCOMING, Status.DUE, Status.OVERDUE, Status.AGED_OUT]
DUE = {Status.DUE, Status.OVERDUE}


def made(code: str, first: date, last: date, number: int, given: Given = Given.GIVEN) -> Dose:
    known = vaccines.by_code("own", code)[0]
    return Dose(f"{number:04}", Span(first, last), frozenset(known.antigens), code, given)


@st.composite
def doses(draw, *, exact=False, most=9):
    """Of any vaccine, on days close together more often than chance would have it."""
    found = []
    for number in range(draw(st.integers(0, most))):
        day = BORN + timedelta(days=draw(st.one_of(st.integers(-5, 700), st.integers(0, 3150))))
        until = day if exact or draw(st.booleans()) else date(day.year, 12, 31)
        status = Given.GIVEN if exact else draw(st.sampled_from([Given.GIVEN] * 6 + list(Given)))
        found.append(made(draw(st.sampled_from(CODES)), day, until, number, status))
    return found


PEOPLE = st.builds(
    Person,
    born=st.sampled_from([Span(BORN, BORN), Span(date(2018, 3, 1), BORN), Span(date(2018, 1, 1), date(2018, 12, 31))]),
    sex=st.sampled_from(["female", "male", None]),
)


def standing(person, history, today):
    found = forecasting.forecast(person, history, today, NOW)
    return {one.series.code: one for one in found.series}


def worth(found):
    """What a forecast says, apart from which report of a dose stands for it."""
    return {
        code: (one.status, one.reason, one.next, sorted(judged.outcome for judged in one.doses if judged.counts))
        for code, one in found.items()
    }


@given(PEOPLE, doses(), st.randoms(use_true_random=False))
def test_the_order_of_the_history_does_not_matter(person, history, chance):
    shuffled = list(history)
    chance.shuffle(shuffled)
    one, other = (forecasting.forecast(person, told, TODAY, versions()) for told in (history, shuffled))
    assert one == other


@given(PEOPLE, doses())
def test_a_dose_reported_twice_is_one_dose(person, history):
    twice = [*history, *(Dose(f"again {one.id}", *_rest(one)) for one in history)]
    assert worth(standing(person, twice, TODAY)) == worth(standing(person, history, TODAY))


def _rest(one):
    return one.given_on, one.antigens, one.vaccine, one.given, one.is_subpotent


@settings(max_examples=100)
@given(doses(exact=True), st.sampled_from(CODES), st.integers(0, 60))
def test_one_more_valid_dose_never_makes_more_doses_due(history, code, ago):
    person = Person(Span(BORN, BORN), "female")
    last = TODAY - timedelta(days=ago)
    history = [one for one in history if one.given_on.latest < last]
    before, added = standing(person, history, TODAY), made(code, last, last, 99)
    after = standing(person, [*history, added], TODAY)
    for name, found in after.items():
        judged = next((one for one in found.doses if one.dose.id == added.id), None)
        if judged is None or judged.outcome is Outcome.COUNTED:
            assert found.status not in DUE or before[name].status in DUE, name
            assert found.next is None or found.next.rule.number >= _number(before[name]), name


def _number(found):
    return found.next.rule.number if found.next else 0


@settings(max_examples=100)
@given(PEOPLE, doses(), st.integers(0, 4000), st.integers(0, 4000))
def test_as_days_pass_a_series_only_moves_on(person, history, first, second):
    """Once all its doses are past: upcoming, due, late, too old; or on to a later dose."""
    start = max([BORN, *(one.given_on.latest for one in history)])
    sooner, later = sorted((start + timedelta(days=first), start + timedelta(days=second)))
    before, after = standing(person, history, sooner), standing(person, history, later)
    for name, one in before.items():
        if one.status in ORDER and after[name].status in ORDER:
            assert _place(one) <= _place(after[name]), name
        elif one.status is not Status.NOT_YET_KNOWN:
            assert after[name].status in (one.status, Status.AGED_OUT, Status.COMPLETE, Status.NOT_YET_KNOWN), name


def _place(one):
    number = one.next.rule.number if one.next else 99
    return number, ORDER.index(one.status)


@given(PEOPLE, doses())
def test_the_days_of_a_dose_are_in_order_and_its_number_is_the_next(person, history):
    for one in standing(person, history, TODAY).values():
        if one.next is None:
            continue
        due, counted = one.next, [judged for judged in one.doses if judged.counts]
        assert due.earliest_on <= due.recommended_on <= due.overdue_after
        assert due.latest_on is None or due.overdue_after <= due.latest_on
        assert all(judged.number < due.rule.number for judged in counted)
        assert due.earliest_on >= due.rule.min_age.after(person.born.latest)
        if counted:
            assert due.earliest_on >= due.rule.interval.after(counted[-1].day.latest)


@given(PEOPLE, doses())
def test_every_dose_is_judged_by_some_series_or_shown_apart(person, history):
    found = forecasting.forecast(person, history, TODAY, versions())
    judged = {one.dose.id for series in found.series for one in series.doses}
    apart = {one.dose.id for one in found.uncounted}
    assert judged | apart == {one.id for one in history}
    assert not judged & apart

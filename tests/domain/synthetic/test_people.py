import re
import unicodedata
from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.synthetic import identifiers
from domain.synthetic.facilities import OLD_CODES, areas
from domain.synthetic.people import Builder, Family, Home, size_on
from domain.synthetic.population import families
from tests.domain.synthetic.conftest import SEED, TODAY


@pytest.fixture(scope="module")
def crowd():
    return [member for family in families(6_000, SEED, TODAY, areas(SEED, 6_000)) for member in family.members]


def _share(crowd, fits):
    return sum(map(fits, crowd)) / len(crowd)


def test_ages_follow_the_pyramid(crowd):
    assert _share(crowd, lambda person: person.age(TODAY) < 15) == pytest.approx(0.228, abs=0.035)
    assert _share(crowd, lambda person: person.age(TODAY) >= 60) == pytest.approx(0.145, abs=0.025)
    assert _share(crowd, lambda person: person.sex == "female") == pytest.approx(0.5, abs=0.03)
    assert all(0 <= person.age(TODAY) < 110 for person in crowd)


def test_a_third_are_called_nguyen(crowd):
    families = Counter(person.name.split()[0] for person in crowd)
    assert families["Nguyễn"] / len(crowd) == pytest.approx(0.32, abs=0.05)
    assert [name for name, _ in families.most_common(3)] == ["Nguyễn", "Trần", "Lê"]


def test_names_are_composed(crowd):
    assert all(unicodedata.is_normalized("NFC", person.name) for person in crowd)
    assert all(person.name == " ".join(person.name.split()) for person in crowd)


def test_personal_numbers_are_unique_and_follow_the_rules(crowd):
    numbers = [person.cccd for person in crowd if person.cccd]
    assert len(set(numbers)) == len(numbers) > 0.97 * len(crowd)
    for person in crowd:
        if person.cccd:
            assert re.fullmatch(r"\d{12}", person.cccd)
            assert person.cccd[:3] in OLD_CODES
            assert (int(person.cccd[3]) % 2 == 1) == (person.sex == "female")
            assert int(person.cccd[3]) // 2 + 19 == person.born.year // 100
            assert person.cccd[4:6] == f"{person.born.year % 100:02d}"


def test_cards_end_with_the_social_insurance_number(crowd):
    insured = [person for person in crowd if person.card]
    assert len(insured) / len(crowd) == pytest.approx(0.952, abs=0.02)
    assert len({person.bhxh for person in crowd}) == len(crowd)
    for person in insured:
        assert re.fullmatch(r"[A-Z]{2}[1-5]\d{2}\d{10}", person.card)
        assert person.card.endswith(person.bhxh)
        assert (person.card[:2] == "TE") == (person.age(TODAY) < 6)


def test_children_are_younger_than_their_mothers(crowd):
    for person in crowd:
        if person.mother is not None:
            assert 16 * 365 < (person.born - person.mother.born).days < 42 * 366
            assert person.mother.sex == "female"


def test_some_elders_know_their_birth_year_only(crowd):
    vague = [person for person in crowd if not person.knows_day]
    assert 0 < len(vague) < 0.08 * len(crowd)
    assert all(person.age(TODAY) >= 50 for person in vague)


def test_phones_are_shared_in_families_and_dialable(crowd):
    assert all(re.fullmatch(r"0(3|5|7|8|9)\d{8}", person.phone) for person in crowd)
    assert len({person.phone for person in crowd}) < len(crowd)


@given(st.integers(0, identifiers.MAX_FAMILIES - 1), st.integers(0, identifiers.MEMBERS - 1), st.integers(0, 10**6 - 1))
def test_numbers_differ_for_different_people(family, member, other):
    person = identifiers.serial(family, member)
    if person != other:
        assert identifiers.cccd("001", "male", 1990, person) != identifiers.cccd("001", "male", 1990, other)
        assert identifiers.bhxh(person) != identifiers.bhxh(other)
        assert identifiers.cmnd(person) != identifiers.cmnd(other)


@given(st.integers(0, 10**6), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_prescription_codes_have_the_national_form(person, on):
    code = identifiers.prescription("79900", person, on)
    assert re.fullmatch(r"[0-9A-Za-z]{5}[0-9A-Za-z]{7}-[CNHYcnhy]", code)
    assert code.startswith("79900")


def test_refuses_more_families_than_numbers():
    with pytest.raises(ValueError, match="at most"):
        identifiers.serial(identifiers.MAX_FAMILIES, 0)


@given(st.integers(0, 17 * 365), st.integers(1, 400))
def test_children_never_shrink(days, more):
    area = areas(1, 10)[0]
    builder = Builder(Family(9, Home(area, area.communes[0], "Thôn 1")), Random(2), TODAY)
    child = builder.person("child", "male", 1)
    before, after = (size_on(child, child.born.date() + timedelta(days=shift)) for shift in (days, days + more))
    assert before[0] <= after[0]
    assert before[1] <= after[1]


def test_addresses_lose_the_district_in_july_2025(crowd):
    person = crowd[0]
    before, after = date(2025, 6, 30), date(2025, 7, 1)
    assert person.home.address(before).count(",") == person.home.address(after).count(",") + 1
    assert person.home.codes(before)[1]
    assert person.home.codes(after)[1] == ""
    assert person.home.codes(before)[2] != person.home.codes(after)[2]

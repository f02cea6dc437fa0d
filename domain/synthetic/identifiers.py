"""Numbers that follow the state's rules and belong to nobody.

A person's serial (an integer unique in the population) is spread over each number's range by a step coprime
with it, so numbers look random, never repeat, and need no table of those given out.
"""

from datetime import date
from random import Random

MEMBERS = 10  # serial numbers kept for each family
MAX_FAMILIES = 100_000
_MILLION = 10**6
_POOR = 0.06  # share on the lists of poor and near-poor households
_ADULT, _SCHOOL, _PENSION_MALE, _PENSION_FEMALE = 18, 6, 61, 57


def serial(family_number: int, member: int) -> int:
    """The number of one member in the whole population; ValueError past what six digits keep apart."""
    if not (0 <= family_number < MAX_FAMILIES and 0 <= member < MEMBERS):
        raise ValueError(f"at most {MAX_FAMILIES} families of {MEMBERS} members")
    return family_number * MEMBERS + member


def cccd(province: str, sex: str, born: int, person: int) -> str:
    """Personal ID number: birth province, century and sex, year, six digits (NĐ 137/2015 article 13)."""
    century = (born // 100 - 19) * 2 + (sex == "female")
    return f"{province}{century}{born % 100:02d}{(person * 387_421 + 104_729) % _MILLION:06d}"


def cmnd(person: int) -> str:
    """The nine-digit identity card number before 2021."""
    return f"{(person * 28_657_241 + 182_500_019) % 10**9:09d}"


def bhxh(person: int) -> str:
    """The ten-digit social insurance number."""
    return f"{(person * 2_654_435_761 + 3_141_592_653) % 10**10:010d}"


def card(group: str, benefit: int, province: str, bhxh_number: str) -> str:
    """Health-insurance card: object group, benefit level, old province code, BHXH number: 15 characters."""
    return f"{group}{benefit}{province[-2:]}{bhxh_number}"


def card_group(rng: Random, age: int, sex: str) -> tuple[str, int]:
    """Object group and benefit level by age and work (level digits: 1, 2 and 5 full, 3 = 95 %, 4 = 80 %)."""
    if age < _SCHOOL:
        return "TE", 1
    if rng.random() < _POOR:
        return rng.choice((("HN", 2), ("CN", 3)))
    if age < _ADULT:
        return "HS", 4
    if age >= (_PENSION_MALE if sex == "male" else _PENSION_FEMALE):
        return rng.choice((("HT", 3), ("HT", 3), ("GD", 4), ("CC", 1)))
    if age < 23 and rng.random() < 0.5:  # noqa: PLR2004 - the usual age of graduation
        return "SV", 4
    return rng.choice((("DN", 4), ("DN", 4), ("GD", 4), ("GD", 4), ("HC", 4)))


def phone(rng: Random) -> str:
    """A mobile number of ten digits in a block that looks invented (0900 ...)."""
    return f"0900{rng.randrange(_MILLION):06d}"


def prescription(facility: str, person: int, issued: date, kind: str = "c") -> str:
    """The national prescription code: facility (5), seven of 0-9a-z, dash, type (QĐ 808/QĐ-BYT)."""
    number = (person * 40_503 + issued.toordinal() * 2_654_435_761) % 36**7
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return f"{facility}{text}-{kind}"

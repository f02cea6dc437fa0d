from datetime import date

import pytest

from domain.identity.identifiers import Identifier, IdentifierKind
from domain.identity.newborns import is_newborn
from domain.values import PartialDate

BORN = PartialDate("2025-03-01T07:30:00+07:00")
VISIT = date(2025, 3, 10)
MOTHERS = Identifier(IdentifierKind.CCCD, "001195000123")
OWN = Identifier(IdentifierKind.CCCD, "001325000123")
CHILD_CARD = Identifier(IdentifierKind.BHYT, "TE1010112345678")


@pytest.mark.parametrize(
    ("held", "answer"),
    [((), True), ((MOTHERS,), True), ((OWN,), False), ((OWN, CHILD_CARD), True), ((CHILD_CARD,), True)],
)
def test_in_the_first_days_only_a_number_of_ones_own_makes_a_name_ones_own(held, answer):
    assert is_newborn("Nguyễn Thị Hoa", held, BORN, "female", VISIT) is answer


@pytest.mark.parametrize(
    ("visit", "answer"),
    [(date(2025, 2, 28), False), (date(2025, 3, 1), True), (date(2025, 3, 29), True), (date(2025, 3, 30), False)],
)
def test_counts_twenty_eight_days_from_birth(visit, answer):
    assert is_newborn("Nguyễn Thị Hoa", (), BORN, None, visit) is answer


@pytest.mark.parametrize("born", [None, PartialDate("2025"), PartialDate("2025-03")])
def test_an_unknown_day_of_birth_makes_nobody_a_newborn(born):
    assert not is_newborn("Nguyễn Thị Hoa", (), born, None, VISIT)


def test_a_placeholder_is_enough():
    assert is_newborn("CON BÀ NGUYỄN THỊ HOA", (OWN,), PartialDate("2020-05-05"), None, VISIT)

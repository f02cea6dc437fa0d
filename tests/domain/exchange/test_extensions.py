from decimal import Decimal

from domain.exchange.extensions import BASE
from domain.exchange.fhir import Node
from domain.sections.encounters.fhir import EXTENSIONS
from domain.sections.encounters.table import Encounter


def read(*extensions):
    return EXTENSIONS.read(Node({"extension": list(extensions)}, "Encounter", 1, []))


def test_writes_only_what_is_there_and_lists_one_by_one():
    row = Encounter(total_cost=Decimal("10.50"), newborn_weights_g=["3100", "2900"])
    assert EXTENSIONS.write(row) == [
        {"url": f"{BASE}encounter-newborn-weights-g", "valueString": "3100"},
        {"url": f"{BASE}encounter-newborn-weights-g", "valueString": "2900"},
        {"url": f"{BASE}encounter-total-cost", "valueDecimal": 10.5},
    ]
    assert EXTENSIONS.write(Encounter()) is None


def test_reads_what_it_knows_in_its_own_type():
    assert read(
        {"url": f"{BASE}encounter-total-cost", "valueDecimal": 10.5},
        {"url": f"{BASE}encounter-advice", "valueDecimal": 3},
        {"url": f"{BASE}encounter-treatment-days", "valueInteger": 2},
        {"url": f"{BASE}encounter-admitted-at", "valueDateTime": "2025-13-01"},
        {"url": "http://example.org/other", "valueString": "x"},
        {"valueString": "x"},
    ) == {"total_cost": Decimal("10.5"), "treatment_days": 2}


def test_the_first_of_two_counts():
    first = {"url": f"{BASE}encounter-advice", "valueString": "một"}
    assert read(first, {**first, "valueString": "hai"}) == {"advice": "một"}

import gc
import weakref

from domain.exchange import backlinks
from domain.exchange.backlinks import LONGEST, pointing_to
from tests.domain.sections.bundles import resource, resources

VISIT = {"resourceType": "Encounter", "id": "e1"}


def noted(id_, visit="e1", type_="Condition"):
    return {"resourceType": type_, "id": id_, "encounter": {"reference": f"Encounter/{visit}"}}


def test_finds_those_that_point_to_it():
    target = resource(VISIT, noted("c1"), noted("c2", "e2"), noted("p1", type_="Procedure"), noted("c3"))
    assert [one.id for one in pointing_to(target, "Condition", "encounter")] == ["c1", "c3"]


def test_reads_lists_of_references_too():
    report = {"resourceType": "DiagnosticReport", "id": "r1", "imagingStudy": [{"reference": "ImagingStudy/s1"}] * 2}
    target = resource({"resourceType": "ImagingStudy", "id": "s1"}, report)
    assert [one.id for one in pointing_to(target, "DiagnosticReport", "imagingStudy")] == ["r1"]


def test_is_bounded():
    bodies = [noted(f"c{index}") for index in range(LONGEST + 10)]
    assert len(pointing_to(resource(VISIT, *bodies), "Condition", "encounter")) == LONGEST


def test_makes_the_index_once_and_forgets_it_with_the_bundle():
    target, _ = resources(VISIT, noted("c1"))
    pointing_to(target, "Condition", "encounter")
    assert target.bundle in backlinks._indexes
    gone = weakref.ref(target.bundle)
    del target, _
    gc.collect()
    assert gone() is None

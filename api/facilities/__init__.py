"""Facilities at work with citizens: asking to read, finding who stands at the desk, checking in and out."""

import strawberry

from api.facilities.answering import AnsweringMutations, AnsweringQueries
from api.facilities.asking import AskingMutations, AskingQueries
from api.facilities.desk import DeskMutations
from api.facilities.finding import FindingMutations
from api.facilities.visits import VisitMutations, VisitQueries

__all__ = ["FacilityMutations", "FacilityQueries"]


@strawberry.type
class FacilityMutations(AskingMutations, AnsweringMutations, FindingMutations, VisitMutations, DeskMutations):
    pass


@strawberry.type
class FacilityQueries(AskingQueries, AnsweringQueries, VisitQueries):
    pass

"""Whose record is this? The strict rules: an identifier and a second, independent field, or nothing.

A wrong merge can hurt, a split is a nuisance, so whatever is not plain becomes a new patient with a question for
a person (`matching.md` 4 and 7). Sources of the rules: `matching.md` 4 step 3, `domain.md` 9.2, 9.3, 9.6.

Pure: the caller finds the candidates (everybody who shares an identifier, or name, birthday and phone) and
writes what is decided. The answer does not depend on their order.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from domain.identity import evidence as e
from domain.identity.evidence import Candidate, Claim
from domain.identity.identifiers import IdentifierKind

__all__ = ["NEWBORN_RULES", "RULES", "Candidate", "Claim", "Decision", "Outcome", "Rule", "decide"]

Outcome = Literal["linked", "new", "new_with_review"]


@dataclass(frozen=True, slots=True)
class Decision:
    """`linked` names the patient and the rule. `new_with_review` names whom to compare with, and only it does.

    `rule`: a code of RULES; or `none`, `newborn`, `ambiguous`, `conflict`, `insufficient`.
    `reasons`: sorted codes without personal data: the parts of the rule; or `ambiguous`, `cccd-conflict`,
    `year-conflict`, `sex-conflict`, `known-twin`, `birth-time-differs`, `no-second-evidence`, `never-link`.
    """

    outcome: Outcome
    patient_id: UUID | None
    rule: str
    reasons: tuple[str, ...] = ()
    review_candidates: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds when claim and candidate share a sound identifier of the kind, if one is named, and every test agrees."""

    code: str
    kind: IdentifierKind | None
    tests: tuple[Callable[[Claim, Candidate], bool], ...]

    def holds(self, claim: Claim, candidate: Candidate) -> bool:
        shares = self.kind is None or bool(e.sound(claim, self.kind) & e.sound(candidate, self.kind))
        return shares and all(test(claim, candidate) for test in self.tests)


RULES = (
    Rule("cccd+name+year", IdentifierKind.CCCD, (e.same_name, e.same_year)),
    Rule("cccd+birthday+given", IdentifierKind.CCCD, (e.same_birthday, e.same_given)),
    Rule("bhxh+name+year", IdentifierKind.BHXH, (e.same_name, e.same_year)),
    Rule("bhxh+birthday+given", IdentifierKind.BHXH, (e.same_birthday, e.same_given)),
    Rule("bhyt+name+year", IdentifierKind.BHYT, (e.same_name, e.same_year)),
    Rule("bhyt+birthday+given", IdentifierKind.BHYT, (e.same_birthday, e.same_given)),
    Rule("cmnd+name+year", IdentifierKind.CMND, (e.same_name, e.same_year)),
    Rule("passport+name+year", IdentifierKind.PASSPORT, (e.same_name, e.same_year)),
    Rule("facility+name+year", IdentifierKind.FACILITY_PATIENT_ID, (e.same_name, e.same_year)),
    Rule("facility+birthday", IdentifierKind.FACILITY_PATIENT_ID, (e.was_nameless, e.same_day)),
    Rule("name+birthday+phone", None, (e.same_spelling, e.same_birthday, e.same_phone, e.no_number_differs)),
)
NEWBORN_RULES = (Rule("facility+birthday", IdentifierKind.FACILITY_PATIENT_ID, (e.same_day, e.no_birth_time_differs)),)


@dataclass(frozen=True, slots=True)
class _Verdict:
    patient_id: UUID
    rule: str | None
    problems: tuple[str, ...]


def decide(claim: Claim, candidates: Sequence[Candidate], never: Collection[UUID] = ()) -> Decision:
    """Link to one patient, or make a new one, with or without a question; `never` lists asserted strangers."""
    allowed = [candidate for candidate in candidates if candidate.patient_id not in never]
    judge = _judge_newborn if e.is_nameless(claim) else _judge
    judged = (judge(claim, candidate, candidates) for candidate in allowed)
    verdicts = sorted((v for v in judged if v), key=lambda v: v.patient_id)
    linkable = [v for v in verdicts if v.rule]
    if len(linkable) == 1:
        (found,) = linkable
        return Decision("linked", found.patient_id, str(found.rule), tuple(sorted(str(found.rule).split("+"))))
    if linkable:
        return _ask("ambiguous", ["ambiguous"], linkable)
    if verdicts:
        problems = [problem for v in verdicts for problem in v.problems]
        return _ask("insufficient" if set(problems) == {"no-second-evidence"} else "conflict", problems, verdicts)
    refused = ("never-link",) if len(allowed) < len(candidates) else ()
    return Decision("new", None, "newborn" if e.is_nameless(claim) else "none", refused)


def _ask(rule: str, problems: Collection[str], verdicts: Collection[_Verdict]) -> Decision:
    whom = tuple(v.patient_id for v in verdicts)
    return Decision("new_with_review", None, rule, tuple(sorted(set(problems))), whom)


def _judge(claim: Claim, candidate: Candidate, others: Sequence[Candidate]) -> _Verdict | None:
    """None: nothing in common that would be worth a person's time."""
    alike = e.same_phone(claim, candidate) and e.same_birthday(claim, candidate) and e.same_spelling(claim, candidate)
    if not alike and not e.share_an_identifier(claim, candidate):
        return None
    if problems := e.conflicts(claim, candidate):
        return _Verdict(candidate.patient_id, None, problems)
    rule = next((rule for rule in RULES if rule.holds(claim, candidate)), None)
    if rule is None:
        return _Verdict(candidate.patient_id, None, ("no-second-evidence",))
    if rule.kind is None and e.has_known_twin(claim, candidate, others):
        return _Verdict(candidate.patient_id, None, ("known-twin",))
    return _Verdict(candidate.patient_id, rule.code, ())


def _judge_newborn(claim: Claim, candidate: Candidate, _others: Sequence[Candidate]) -> _Verdict | None:
    """A name or number may be a parent's; only this facility's own number for this birthday says anything."""
    shared = e.sound(claim, IdentifierKind.FACILITY_PATIENT_ID) & e.sound(candidate, IdentifierKind.FACILITY_PATIENT_ID)
    if not shared or not e.same_day(claim, candidate):
        return None
    if problems := e.conflicts(claim, candidate):
        return _Verdict(candidate.patient_id, None, problems)
    rule = next((rule for rule in NEWBORN_RULES if rule.holds(claim, candidate)), None)
    return _Verdict(candidate.patient_id, rule.code if rule else None, () if rule else ("birth-time-differs",))

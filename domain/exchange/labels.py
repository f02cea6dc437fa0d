"""Which sensitivity label a received item bears: by its own codes and words, by what its sender said, by its visit.

The rules themselves are `domain.reference.sensitivity`; where several labels apply, the strictest is kept.
"""

from functools import lru_cache

from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_out import SECURITY_LABELS
from domain.exchange.fhir_systems import ATC, LOINC
from domain.exchange.histories import is_icd10
from domain.exchange.qd4750 import Visit
from domain.reference.sensitivity import label, labels

LONGEST_REMEMBERED = 200
_LABELS = {code: name for name, code in SECURITY_LABELS.items()}
_known = lru_cache(maxsize=10_000)(label)


def of_resource(resource: Resource, *nodes: Node) -> str:
    """By the sender's meta.security and by the CodeableConcept `code` of the resource or of the nodes given."""
    named = [concept for node in nodes or (resource,) if (concept := node.child("code"))]
    return strictest(_said_by_sender(resource), *(of_concept(concept) for concept in named))


def of_concept(concept: Node) -> str:
    """By every coding of a CodeableConcept, and by all its words: the text may hide what a coding says."""
    codings = list(concept.children("coding"))
    codes = [(coding.string("system"), coding.string("code") or "") for coding in codings]
    return _label(
        icd10=tuple(code for system, code in codes if is_icd10(system)),
        atc=tuple(code for system, code in codes if system == ATC),
        loinc=tuple(code for system, code in codes if system == LOINC),
        texts=_words(concept.string("text"), *(coding.string("display") for coding in codings)),
    )


def of_words(*texts: str | None, icd10: tuple[str, ...] = ()) -> str:
    """By all that is said of one item together, for one part may explain another (tenofovir for hepatitis B)."""
    return _label(icd10=icd10, texts=_words(*texts))


def of_visit(visit: Visit) -> str:
    """By the main diagnosis, which every paper and result of the visit would tell."""
    main = visit.summary.main_icd10 if visit.summary else None
    return _label(icd10=(main,)) if main else ""


def strictest(*given: str) -> str:
    return next((name for name in labels() if name in given), "")


def _words(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _label(
    *,
    icd10: tuple[str, ...] = (),
    atc: tuple[str, ...] = (),
    loinc: tuple[str, ...] = (),
    texts: tuple[str, ...] = (),
) -> str:
    """The rules cost half a millisecond and most items repeat; long texts do not, and are not kept."""
    given = _known if sum(map(len, texts)) <= LONGEST_REMEMBERED else label
    return given(icd10=icd10, atc=atc, loinc=loinc, texts=texts)


def _said_by_sender(resource: Resource) -> str:
    meta = resource.child("meta")
    codings = meta.children("security") if meta else ()
    return strictest(*(_LABELS.get(coding.string("code") or "", "") for coding in codings))

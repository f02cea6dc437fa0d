"""The sensitivity label of what an item says in codes and in words, whichever code systems they come from."""

from collections.abc import Iterable

from domain.exchange import labels
from domain.exchange.histories import is_icd10

Coding = tuple[str | None, str | None]


def label_of(codings: Iterable[Coding] = (), *texts: str | None) -> str:
    """By the ICD-10 codes among (system, code) pairs and by words; other codes have words beside them."""
    return labels.of_words(*texts, icd10=tuple(code for system, code in codings if code and is_icd10(system)))

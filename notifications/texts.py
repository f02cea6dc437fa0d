"""Words for people, from the Babel catalogues of locale/: by kind for the app's own screen, neutral for all else."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from notifications.wishes import LANGUAGE

LOCALE = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    body: str


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The texts of a language by key; LookupError for one without a catalogue, or with a text missing."""
    path = LOCALE / language / "notices.po"
    if not path.is_file():
        raise LookupError(f"no catalogue for {language}")
    with path.open("rb") as file:
        texts = {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}
    if not all(texts.values()):
        raise LookupError(f"a text is missing in {language}")
    return texts


def words_of(kind: str, language: str) -> Words:
    """Title and body of an item of the inbox. No health word, no name."""
    texts = catalogue(language)
    return Words(texts[f"{kind}.title"], texts[f"{kind}.body"])


def hint(what: str, language: str) -> str:
    """What a channel may say outside the app (`push`, `digest`, `sms`, `email.subject`, `email.body`)."""
    return catalogue(language if (LOCALE / language).is_dir() else LANGUAGE)[f"hint.{what}"]

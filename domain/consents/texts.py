"""The whole text that a citizen is shown before a consent, and by whose SHA-256 the consent remembers it.

Luật 91/2025/QH15 Đ9: which data, what for, to whom, with which rights; NĐ 356/2025 Đ6: that the data are sensitive.
Equal terms for an equal reader give equal bytes, so what was shown can be compared with what is decided. No person is
named in it: one text serves everybody who is shown it, and it is kept for ever (`access.consent_text`).
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.consents import words
from domain.consents.tables import CATEGORIES, ConsentText
from domain.consents.terms import Reader, Terms
from domain.errors import Conflict
from domain.sections import SECTIONS
from domain.values import VIETNAM

Language = Literal["vi", "en"]
TEMPLATE_VERSION = 1
_SECTIONS: Mapping[str, Mapping[str, str]] = {one.name: {"vi": one.vi, "en": one.en} for one in SECTIONS}


@dataclass(frozen=True, slots=True)
class Text:
    """`hash` is the SHA-256 of `body` in UTF-8; `template` says for which kind of reader it was written."""

    body: str
    hash: bytes
    language: str
    template: str
    version: int


def document(reader: Reader, terms: Terms, language: Language) -> Text:
    """The text for these very terms. `terms` should be checked, so that equal ones are in equal order."""
    body = "\n".join(_lines(reader, terms, language)) + "\n"
    digest = hashlib.sha256(body.encode()).digest()
    return Text(body=body, hash=digest, language=language, template=reader.kind, version=TEMPLATE_VERSION)


class TextChanged(Conflict):
    """The hash is not that of the text for these terms: what was shown is not what would be decided."""


def agreed(reader: Reader, terms: Terms, language: Language, shown_hash: str) -> Text:
    """The text for these checked terms, if its hash (base64url) is the one that came back. TextChanged if not."""
    text = document(reader, terms, language)
    if base64url(text.hash) != shown_hash:
        raise TextChanged("The text that was shown is not the one for these terms.")
    return text


def base64url(data: bytes) -> str:
    """RFC 7515 2, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def kept(db: Session, text: Text) -> None:
    """Kept for ever under its hash; it may have been shown before."""
    values = {
        "text_hash": text.hash,
        "template": text.template,
        "version": text.version,
        "language": text.language,
        "marks_sensitive": words.TEXT[text.language]["law"] in text.body,
        "body": text.body,
    }
    db.execute(insert(ConsentText).values(values).on_conflict_do_nothing())


def shown(db: Session, text_hash: bytes) -> Text | None:
    """The text of a hash, as it was shown."""
    row = db.scalar(select(ConsentText).where(ConsentText.text_hash == text_hash))
    if row is None:
        return None
    return Text(body=row.body, hash=row.text_hash, language=row.language, template=row.template, version=row.version)


def _lines(reader: Reader, terms: Terms, lang: Language) -> Iterable[str]:
    say = words.TEXT[lang]
    yield words.KINDS[reader.kind][lang]
    yield ""
    yield say["who"].format(name=_one_line(reader.name)) + _code(reader, say)
    yield from _listed(say["purposes"], terms.purposes, words.PURPOSES, lang)
    yield from _listed(say["sections"], terms.sections, _SECTIONS, lang)
    yield from _labels(terms, lang)
    yield _days(terms, say)
    yield say["until"].format(moment=moment(terms.valid_until))
    yield say["erase"].format(moment=moment(terms.erase_by)) if terms.erase_by else say["no_erase"]
    yield ""
    yield say["law"]
    if reader.kind != "app":
        yield say["written"]
    yield say["withdraw"]
    yield say["copies"]


def _one_line(name: str) -> str:
    """A name that brings line breaks or invisible characters along could write lines of its own into the text."""
    return " ".join("".join(char if char.isprintable() else " " for char in name).split())


def _code(reader: Reader, say: Mapping[str, str]) -> str:
    """Names repeat; what follows does not. A facility without a known code is told by its id."""
    if reader.client_id is not None:
        return say["client"].format(code=reader.client_id)
    return say["code"].format(code=reader.code or reader.id)


def _labels(terms: Terms, lang: Language) -> Iterable[str]:
    say = words.TEXT[lang]
    hidden = [label for label in CATEGORIES if label not in terms.sensitive]
    if terms.sensitive:
        yield from _listed(say["sensitive"], terms.sensitive, words.CATEGORIES, lang)
    if hidden:
        title = "still_hidden" if terms.sensitive else "none_sensitive"
        yield from _listed(say[title], hidden, words.CATEGORIES, lang)


def _listed(title: str, names: Iterable[str], known: Mapping[str, Mapping[str, str]], lang: Language) -> Iterable[str]:
    yield title
    for name in names:
        yield f"- {known[name][lang]}"


def _days(terms: Terms, say: Mapping[str, str]) -> str:
    if terms.data_from is None and terms.data_to is None:
        return say["all_days"]
    first = say["first"].format(day=_day(terms.data_from)) if terms.data_from else say["no_first"]
    last = say["last"].format(day=_day(terms.data_to)) if terms.data_to else say["no_last"]
    return say["days"].format(first=first, last=last)


def _day(text: str) -> str:
    year, month, day = text.split("-")
    return f"{day}/{month}/{year}"


def moment(at: datetime) -> str:
    """Day and time in Vietnam; seconds only where they are not nought."""
    local = at.astimezone(VIETNAM)
    return local.strftime("%H:%M:%S %d/%m/%Y" if local.second else "%H:%M %d/%m/%Y")

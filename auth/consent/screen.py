"""What the pages show, made of the request and the choice: plain values for the templates, no decision in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from auth.consent import choice as chosen
from auth.consent.asking import Asked, section_of
from auth.consent.choice import Choice
from auth.consent.words import CONTENTS, WORDS
from auth.scopes import ALWAYS, Localised
from domain.consents import words as domain_words
from domain.consents.texts import Text
from domain.consents.words import CATEGORIES


@dataclass(frozen=True, slots=True)
class Option:
    """A box to tick or a button to choose: `id` within the page, `note` may be empty."""

    id: str
    value: str
    name: str
    note: str
    is_chosen: bool


def who(asked: Asked, lang: str) -> dict[str, Any]:
    """Who asks, and what for: the head of every page of this flow."""
    say = WORDS[lang]
    asks = "asks_work" if asked.is_for_work else "asks_own" if asked.kind == "first_party" else "asks"
    return {
        "say": say,
        "client_name": asked.client_name,
        "asks": say[asks if asked.sections or asked.is_for_work else "asks_name"],
        "kind": say[asked.kind],
        "is_unreviewed": asked.is_unreviewed,
        "organization": asked.organization.get(lang) or "",
        "goes_to": _place(asked.redirect_uri, say),
        "purpose": domain_words.PURPOSES[asked.purpose][lang] if asked.needs_consent else "",
        "needs_consent": asked.needs_consent,
        "is_own": asked.kind == "first_party",
    }


def choosing(
    asked: Asked,
    choice: Choice,
    lang: str,
    today: date,
    scopes: Mapping[str, Localised],
    problems: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The page on which sections, dates and the end are chosen."""
    say = WORDS[lang]
    return {
        **who(asked, lang),
        "sections": [_section(number, name, choice, lang, scopes) for number, name in enumerate(asked.sections, 1)],
        "all_chosen": choice.ticked == frozenset(asked.sections),
        "others": _others(asked, lang, scopes),
        "problems": {field_name: say[word].format(deny=say["deny"]) for field_name, word in problems},
        **(_terms(choice, lang, today) if asked.needs_consent else {}),
    }


def working(asked: Asked, lang: str, scopes: Mapping[str, Localised]) -> dict[str, Any]:
    """The page of a clinicians' application: what it may do at work, nothing to tick."""
    return {
        **who(asked, lang),
        "sections": [scopes[name][lang] for name in asked.sections],
        "others": _others(asked, lang, scopes),
    }


def reviewing(asked: Asked, choice: Choice, text: Text, lang: str, *, is_new: bool) -> dict[str, Any]:
    """The page that has the consent's text on it, whole, and carries the choice on."""
    return {
        **who(asked, lang),
        "title": text.body.partition("\n")[0],
        "blocks": blocks(text.body.partition("\n")[2]),
        "is_new": is_new,
        "fields": [*choice.fields(asked), ("shown", text.hash.hex())],
    }


@dataclass(slots=True)
class Block:
    """A line of the text and the list under it, if it has one. `label` is the part that says what the line is about."""

    label: str
    line: str
    items: list[str] = field(default_factory=list)


def blocks(body: str) -> list[Block]:
    """The lines of a consent text, `- ` lines as the list of the line before. Nothing is left out but the dashes."""
    found: list[Block] = []
    for line in body.splitlines():
        if line.startswith("- ") and found:
            found[-1].items.append(line.removeprefix("- "))
        elif line:
            label, colon, rest = line.partition(":")
            found.append(Block(label + colon, rest) if colon else Block("", line))
    return found


def shown_day(day: date) -> str:
    """As people in Vietnam write it, in both languages: the text of the consent does too."""
    return day.strftime("%d/%m/%Y")


def _section(number: int, scope: str, choice: Choice, lang: str, scopes: Mapping[str, Localised]) -> Option:
    note = CONTENTS.get(section_of(scope), {}).get(lang, "")
    return Option(f"section-{number}", scope, scopes[scope][lang], note, scope in choice.ticked)


def _others(asked: Asked, lang: str, scopes: Mapping[str, Localised]) -> list[str]:
    return [scopes[name][lang] for name in asked.scopes if name in ALWAYS]


def _terms(choice: Choice, lang: str, today: date) -> dict[str, Any]:
    return {
        "periods": list(_periods(choice, lang, today)),
        "dates": chosen.DATES,
        "first": _for_input(choice.first),
        "last": _for_input(choice.last),
        "untils": list(_untils(choice, lang, today)),
        "labels": [
            Option(f"label-{number}", label, names[lang], "", label in choice.sensitive)
            for number, (label, names) in enumerate(CATEGORIES.items(), 1)
        ],
        "any_label": bool(choice.sensitive),
    }


def _periods(choice: Choice, lang: str, today: date) -> Iterable[Option]:
    say = WORDS[lang]
    for name in chosen.PERIODS:
        note = say["since"].format(day=shown_day(chosen.first_day(name, today))) if name in chosen.YEARS else ""
        yield Option(f"period-{name}", name, say[name], note, name == choice.period)


def _untils(choice: Choice, lang: str, today: date) -> Iterable[Option]:
    say = WORDS[lang]
    for name in chosen.UNTIL:
        note = say["until_day"].format(day=shown_day(chosen.last_day(name, today)))
        yield Option(f"until-{name}", name, say[name], note, name == choice.until)


def _for_input(typed: str) -> str:
    """As a date field takes it (`2025-01-31`); what is no day stays as it was typed."""
    day = chosen.read_day(typed)
    return day.isoformat() if day else typed


def _place(redirect_uri: str, say: Mapping[str, str]) -> str:
    """Where the answer goes, for a reader: a host, or this device; empty where it goes nowhere."""
    if not redirect_uri:
        return ""
    parts = urlsplit(redirect_uri)
    return (parts.hostname or "") if parts.scheme == "https" else say["goes_to_app"]

"""An entry of the log in one or two plain sentences; Vietnamese is the language that is shown first.

Whoever adds an action to the API (`context.act(..., "grantConsent", ...)`) gives it its words in
`domain/audit/actions.py`; a test compares. Names of facilities, apps and clinicians come from their registration, one
line each.
"""

from collections.abc import Iterable, Mapping

from domain.audit.actions import ACTIONS
from domain.audit.reading import Entry
from domain.consents.texts import Language
from domain.consents.words import PURPOSES
from domain.sections import SECTIONS

_SECTIONS: Mapping[str, Mapping[str, str]] = {one.name: {"vi": one.vi, "en": one.en} for one in SECTIONS}
_WHY: Mapping[str, Mapping[str, str]] = {**PURPOSES, "BTG": {"vi": "Cấp cứu", "en": "An emergency"}}

_KIN: Mapping[str, Mapping[str, str]] = {
    "parent": {"vi": "cha hoặc mẹ", "en": "parent"},
    "guardian": {"vi": "người giám hộ", "en": "guardian"},
    "legal_representative": {"vi": "người đại diện theo pháp luật", "en": "legal representative"},
    "delegate": {"vi": "người được ủy quyền", "en": "delegate"},
}

_WHO: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "YOU": "Bạn",
        "PERSON": "Chủ sổ sức khỏe",
        "REPRESENTATIVE": "Một người khác là {kin}",
        "PRACTITIONER": "{practitioner} ({organization})",
        "ORGANIZATION": "{organization}",
        "APP": "Ứng dụng {client}",
        "STRANGER": "Một người dùng ứng dụng {client}",
        "NOBODY_KNOWN": "Một ứng dụng không còn đăng nhập",
    },
    "en": {
        "YOU": "You",
        "PERSON": "The person whose book it is",
        "REPRESENTATIVE": "Somebody else who is the {kin}",
        "PRACTITIONER": "{practitioner} ({organization})",
        "ORGANIZATION": "{organization}",
        "APP": "The app {client}",
        "STRANGER": "Somebody with the app {client}",
        "NOBODY_KNOWN": "An app that was no longer signed in",
    },
}

_READ: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "all": "{who} đã xem: {opened}.",
        "part": "{who} đã xem: {opened}; không được xem: {shut}.",
        "none": "{who} đã hỏi xem: {sections}; không xem được gì.",
        "REFUSED": "{who} đã hỏi xem: {sections}; không có quyền nên không xem được gì.",
        "SCOPE": "{who} đã hỏi xem: {sections}; ngoài phạm vi của ứng dụng nên không xem được gì.",
        "DEAD": "{who} đã hỏi xem: {sections}; phiên đăng nhập đã kết thúc nên không xem được gì.",
        "why": "Mục đích: {why}.",
    },
    "en": {
        "all": "{who} read: {opened}.",
        "part": "{who} read: {opened}; was not shown: {shut}.",
        "none": "{who} asked for: {sections}; was shown nothing.",
        "REFUSED": "{who} asked for: {sections}; had no right and was shown nothing.",
        "SCOPE": "{who} asked for: {sections}; the app may not ask for it and was shown nothing.",
        "DEAD": "{who} asked for: {sections}; the sign-in had ended and nothing was shown.",
        "why": "Purpose: {why}.",
    },
}

_RIGHT: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "kin": "Với tư cách {kin}.",
        "consent": "Theo sự cho phép đã có.",
        "emergency": "Mở khẩn cấp, không có sự cho phép trước.",
    },
    "en": {"kin": "As {kin}.", "consent": "Under a permission that was given.", "emergency": "Opened in an emergency."},
}

_ACT: Mapping[Language, Mapping[str, str]] = {
    "vi": {"ALLOWED": "{who} đã {did}.", "refused": "{who} đã định {tried}, nhưng bị từ chối."},
    "en": {"ALLOWED": "{who} {did}.", "refused": "{who} tried to {tried} and was refused."},
}

"""In Vietnamese after "đã", in English as done and as tried."""
UNKNOWN_ACTION = (
    "dùng một chức năng khác của sổ sức khỏe",
    "used another function of the book",
    "use another function",
)


def summary(entry: Entry, language: Language) -> str:
    """Who did what, why, by which right, and what came of it."""
    who = _who(entry, language)
    if not entry.is_reading:
        return " ".join([_acted(entry, who, language), *_right(entry, language)])
    sentences = [_read(entry, who, language)]
    if entry.reader not in {"YOU", "PERSON"} and entry.purpose in _WHY:
        sentences.append(_READ[language]["why"].format(why=_WHY[entry.purpose][language]))
    return " ".join([*sentences, *_right(entry, language)])


def _who(entry: Entry, language: Language) -> str:
    is_stranger = entry.reader == "APP" and entry.basis == "none" and not entry.is_you
    return _WHO[language]["STRANGER" if is_stranger else entry.reader].format(
        kin=_KIN.get(entry.basis, {}).get(language, ""),
        practitioner=_one_line(entry.practitioner_name),
        organization=_one_line(_organization(entry, language)),
        client=_one_line(entry.client_name),
    )


def _organization(entry: Entry, language: Language) -> str | None:
    return (entry.organization_name_en if language == "en" else None) or entry.organization_name


def _read(entry: Entry, who: str, language: Language) -> str:
    shut = [name for name in entry.sections if name not in entry.opened]
    shown = "none" if not entry.opened else "part" if shut else "all"
    form = shown if entry.outcome == "ALLOWED" else entry.outcome
    return _READ[language][form].format(
        who=who,
        sections=_listed(entry.sections, language),
        opened=_listed(entry.opened, language),
        shut=_listed(shut, language),
    )


def _acted(entry: Entry, who: str, language: Language) -> str:
    vietnamese, done, tried = ACTIONS.get(entry.purpose, UNKNOWN_ACTION)
    form = _ACT[language]["ALLOWED" if entry.outcome == "ALLOWED" else "refused"]
    if language == "vi":
        return form.format(who=who, did=vietnamese, tried=vietnamese)
    return form.format(who=who, did=done, tried=tried)


def _right(entry: Entry, language: Language) -> Iterable[str]:
    """Nothing of one's own right, nor where there was none, nor where it is said already who it was."""
    if entry.outcome != "ALLOWED":
        return
    if entry.basis in _KIN and entry.reader == "YOU":
        yield _RIGHT[language]["kin"].format(kin=_KIN[entry.basis][language])
    elif entry.basis in {"consent", "emergency"}:
        yield _RIGHT[language][entry.basis]


def _listed(names: Iterable[str], language: Language) -> str:
    return ", ".join(_SECTIONS[name][language] if name in _SECTIONS else name for name in names)


def _one_line(name: str | None) -> str:
    """A registered name may bring invisible characters along, but writes no sentence of its own."""
    return " ".join("".join(char if char.isprintable() else " " for char in name or "").split())

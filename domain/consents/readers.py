"""Who can see a section of a book and why, and what a change would take away: `access.begin`, told beforehand.

The same rules as migrations/versions/0006_decision.py, over what stands at a moment; a test plays random histories
against both. What a token reaches (its scopes) is not asked here: a consent is what a reader may get at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.consents.denials import Denied
from domain.consents.tables import CATEGORIES
from domain.consents.terms import SECTION_NAMES, Reader, Terms
from domain.emergencies import FIRST_SECTIONS

READING = "PATRQT"
"""Why people who act for the patient read."""
EMERGENCY = "BTG"


@dataclass(frozen=True, slots=True)
class Given:
    """A consent as far as the decision looks at it."""

    id: UUID
    reader: Reader
    terms: Terms


@dataclass(frozen=True, slots=True)
class Related:
    """A right to act for the patient. `sections`: None for all; `sensitive`: those that are shown at the moment."""

    id: UUID
    kind: str
    sections: frozenset[str] | None
    sensitive: frozenset[str]
    can_manage: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A book that is open in an emergency, to one facility."""

    organization_id: UUID
    name: str
    sections: frozenset[str]
    sensitive: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides at a moment; only what has force (see `domain/consents/standing.py`)."""

    given: tuple[Given, ...] = ()
    denied: tuple[Denied, ...] = ()
    related: tuple[Related, ...] = ()
    opened: tuple[Opened, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """`kind`: facility, app, related_person or emergency (any clinician, with a reason). `name`: of facility or app."""

    kind: str
    id: str = ""
    name: str = field(default="", compare=False)
    relation: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class View:
    """How much of a section somebody sees: some days, the labels shown, and the right it rests on."""

    labels: frozenset[str]
    data_from: str | None = None
    data_to: str | None = None
    until: datetime | None = field(default=None, compare=False)
    right_id: UUID | None = field(default=None, compare=False)

    def holds(self, other: "View") -> bool:
        """Shows at least as much."""
        undated = self.data_from is None and self.data_to is None
        if not undated and other.data_from is None and other.data_to is None:
            return False  # rows without a date are outside every period
        return (
            other.labels <= self.labels
            and (self.data_from or "") <= (other.data_from or "")
            and (other.data_to or "9999") <= (self.data_to or "9999")
        )


Views = Mapping[tuple[str, str], View]
"""By purpose and section."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Somebody's view of one section, and what he may look at it for."""

    who: Who
    purposes: tuple[str, ...]
    view: View


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change means to one reader: sections he no longer sees, sees less of, and sees more of."""

    who: Who
    loses: tuple[str, ...]
    sees_less: tuple[str, ...]
    gains: tuple[str, ...]


def of_section(standing: Standing, section: str) -> list[Sight]:
    """Everybody but the patient himself; one entry for each right that somebody reads by."""
    sights = []
    for who, views in seen(standing).items():
        purposes: dict[UUID | None, list[str]] = {}
        chosen = {purpose: view for (purpose, name), view in views.items() if name == section}
        for purpose, view in chosen.items():
            purposes.setdefault(view.right_id, []).append(purpose)
        sights += [Sight(who, tuple(named), chosen[named[0]]) for named in purposes.values()]
    return [*sights, *_open_in_emergency(standing, section)]


def differences(before: Standing, after: Standing) -> list[Difference]:
    """Readers to whom the change makes a difference."""
    old, new = seen(before), seen(after)
    everybody = {**{who: who for who in new}, **{who: who for who in old}}
    told = [_difference(who, old.get(who, {}), new.get(who, {})) for who in everybody]
    return [one for one in told if one.loses or one.sees_less or one.gains]


def seen(standing: Standing) -> dict[Who, Views]:
    """What everybody but the patient himself may see; who sees nothing is not in it."""
    views: dict[Who, Views] = {}
    for reader in dict.fromkeys(_reader(one.reader) for one in standing.given):
        mine = [one for one in standing.given if _reader(one.reader) == reader]
        views[Who(*reader, name=mine[-1].reader.name)] = by_consent(mine, standing.denied)
    for right in standing.related:
        views[Who("related_person", str(right.id), relation=right.kind)] = _by_relation(right, standing.denied)
    views[Who("emergency")] = _in_emergency(standing.denied)
    return {who: view for who, view in views.items() if view}


def by_consent(given: Sequence[Given], denied: Iterable[Denied]) -> Views:
    """The views of one facility or app. Of several consents for a section that with the widest dates is used, whole."""
    organization_id = given[0].reader.organization_id
    everything, sections, labels = _denied(denied, organization_id)
    if everything:
        return {}
    views: dict[tuple[str, str], View] = {}
    for purpose in dict.fromkeys(purpose for one in given for purpose in one.terms.purposes):
        able = sorted((one for one in given if purpose in one.terms.purposes), key=_widest)
        if purpose not in given[0].reader.purposes:
            continue
        for section in SECTION_NAMES:
            first = next((one for one in able if section in one.terms.sections), None)
            if first is not None and section not in sections:
                views[purpose, section] = _view(first, labels)
    return views


def _view(given: Given, denied_labels: frozenset[str]) -> View:
    terms = given.terms
    shown = frozenset(terms.sensitive) - denied_labels
    return View(shown, terms.data_from, terms.data_to, terms.valid_until, given.id)


def _widest(given: Given) -> tuple[bool, bool, str, int, UUID]:
    """The order in which `access.begin` looks at several consents."""
    terms = given.terms
    dated = terms.data_from is not None or terms.data_to is not None
    return (dated, terms.data_from is not None, terms.data_from or "", -len(terms.sensitive), given.id)


def _by_relation(right: Related, denied: Iterable[Denied]) -> Views:
    """Who manages the book is not bound by its denials; a delegate is."""
    everything, sections, labels = _denied(denied, None)
    if right.can_manage:
        everything, sections, labels = False, frozenset(), frozenset()
    open_sections = () if everything else SECTION_NAMES
    view = View(right.sensitive - labels, until=right.until, right_id=right.id)
    return {
        (READING, name): view
        for name in open_sections
        if name not in sections and (right.sections is None or name in right.sections)
    }


def _in_emergency(denied: Iterable[Denied]) -> Views:
    """What a clinician can open to save a life: the first sections at once, the others for a second reason."""
    everything, sections, labels = _denied((one for one in denied if one.in_emergency), None)
    if everything:
        return {}
    view = View(frozenset(CATEGORIES) - labels)
    return {(EMERGENCY, name): view for name in SECTION_NAMES if name not in sections}


def is_opened_first(section: str) -> bool:
    """In an emergency, without a second reason."""
    return section in FIRST_SECTIONS


def _open_in_emergency(standing: Standing, section: str) -> list[Sight]:
    """Books that are open at this moment."""
    sights = []
    for one in standing.opened:
        holding = [denied for denied in standing.denied if denied.in_emergency]
        everything, sections, labels = _denied(holding, one.organization_id)
        if section in one.sections and not everything and section not in sections:
            shown = frozenset(CATEGORIES) - labels if one.sensitive else frozenset()
            who = Who("facility", str(one.organization_id), one.name)
            sights.append(Sight(who, (EMERGENCY,), View(shown, until=one.until)))
    return sights


def _denied(denied: Iterable[Denied], organization_id: UUID | None) -> tuple[bool, frozenset[str], frozenset[str]]:
    """Whether everything is, which sections and which labels are."""
    standing = list(denied)
    everything = any(
        one.scope == "all" or (one.organization_id is not None and one.organization_id == organization_id)
        for one in standing
    )
    sections = frozenset(one.section for one in standing if one.section is not None)
    return everything, sections, frozenset(one.category for one in standing if one.category is not None)


def _difference(who: Who, old: Views, new: Views) -> Difference:
    had = {section for _, section in old}
    has = {section for _, section in new}
    less = {section for key, view in old.items() if key not in new or not new[key].holds(view) for section in [key[1]]}
    more = {section for key, view in new.items() if key not in old or not old[key].holds(view) for section in [key[1]]}
    return Difference(who, _in_order(had - has), _in_order(less & has), _in_order(more))


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(name for name in SECTION_NAMES if name in wanted)


def _reader(reader: Reader) -> tuple[str, str]:
    return ("app" if reader.client_id is not None else "facility", reader.id)

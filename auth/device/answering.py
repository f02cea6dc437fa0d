"""What comes next on the page of a device whose code was typed: decided in the transaction that holds the device.

The citizen's own app gets what he ticks. Somebody else's app gets a consent, chosen, read and said yes to as on the
consent page (`auth.consent`): consent, grant and approval come together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from auth.consent.asking import Asked, asked_by
from auth.consent.choice import ALLOW, DENY, GO_ON, Choice, decision_of, problems
from auth.consent.deciding import Unread, Yes, agreement, approval, record
from auth.device import approvals
from auth.flow_tables import DeviceAuthorization
from auth.grants.grant_types import Approval
from auth.provider import Citizens
from auth.requests import Pairs
from auth.scopes import split
from auth.tables import OAuthClient
from auth.web_sessions import SignedIn
from domain.consents.events import Sign
from domain.consents.texts import Language


@dataclass(frozen=True, slots=True)
class Turn:
    db: Session
    citizens: Citizens
    now: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """The form that came with the code: from whom, in which language."""

    signed_in: SignedIn
    language: Language
    form: Pairs
    sign: Sign

    @property
    def decisions(self) -> list[str]:
        return [value for name, value in self.form if name == "decision"]


@dataclass(frozen=True, slots=True)
class Tick:
    """The one page of an app that needs no consent."""


@dataclass(frozen=True, slots=True)
class Choose:
    choice: Choice = field(default_factory=Choice)
    wrong: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """The text of the choice, to be said yes to."""

    choice: Choice
    unread: Unread


@dataclass(frozen=True, slots=True)
class Stop:
    """He can open no book: `auth.consent.book.obstacle`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Answered: `allowed`, `connected` (by a consent) or `denied`."""

    outcome: str


Page = Tick | Choose | Read | Stop | Done


@dataclass(frozen=True, slots=True)
class Next:
    """The page, who asks for what, and the network address of the device."""

    asked: Asked
    place: str
    page: Page


def step(turn: Turn, device: DeviceAuthorization, client: OAuthClient, said: Said) -> Next:
    """Malformed if the form says what no page of ours says."""
    asked = asked_by(turn, client, tuple(split(device.scope)), said.signed_in)
    page = _by_consent if asked.needs_consent else _by_ticks
    return Next(asked, device.place or "", page(turn, device, asked, said))


def _by_ticks(turn: Turn, device: DeviceAuthorization, _asked: Asked, said: Said) -> Page:
    """A decision that is not one plain yes is a no."""
    if not said.decisions:
        return Tick()
    who, ticked = said.signed_in, frozenset(value for name, value in said.form if name == "scope")
    yes = Approval(who.citizen_id, who.acr, who.auth_time, ticked) if said.decisions == [ALLOW] else None
    return Done("allowed" if approvals.answer(turn.db, device, yes, turn.now) else "denied")


def _by_consent(turn: Turn, device: DeviceAuthorization, asked: Asked, said: Said) -> Page:
    decision = decision_of(said.form) if said.decisions else ""
    if decision == DENY:
        approvals.answer(turn.db, device, None, turn.now)
        return Done("denied")
    if asked.obstacle:
        return Stop(asked.obstacle)
    choice = Choice.of(said.form, asked) if decision else Choice()
    if decision not in {ALLOW, GO_ON}:
        return Choose(choice.after(decision, asked))
    wrong = problems(choice, asked)
    if wrong:
        return Choose(choice, wrong)
    shown = dict(said.form).get("shown", "") if decision == ALLOW else ""
    return _agreed(turn, device, asked, Yes(said.signed_in, choice, said.language, shown, said.sign))


def _agreed(turn: Turn, device: DeviceAuthorization, asked: Asked, yes: Yes) -> Page:
    agreed = agreement(asked, yes, turn.now)
    if isinstance(agreed, Unread):
        return Read(yes.choice, agreed)
    approvals.answer(turn.db, device, approval(asked, yes, agreed), turn.now)
    record(turn, asked, yes, agreed)
    return Done("connected")

"""Finding who stands at the desk: by a number, a name and a birth date that all agree; never by a number alone.

Nothing known, something else known, and two whom it fits are one answer. Every try is counted, so that nobody can go
through numbers (Luật 91/2025/QH15 Đ26; abuse 27 of the threat table). What is compared never leaves this module.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain import attempts
from domain.errors import Invalid
from domain.identity.evidence import Candidate, Claim, same_name
from domain.identity.identifiers import Identifier, IdentifierKind, card, classify, lookup_key
from domain.identity.names import clean
from domain.identity.placeholders import is_placeholder
from domain.values import PartialDate, partial_date

WINDOW = timedelta(hours=1)
TRIES = {"client": 3_000, "practitioner": 200, "number": 10}
"""How often an hour: a hospital's desks together, one clinician, and anybody after one number."""
MISSES = {"client": 300, "practitioner": 20}
"""So many misses an hour, and every so many more, are worth an alarm."""

Outcome = Literal["FOUND", "NOT_FOUND", "TOO_MANY_TRIES"]
IDENTIFY = text("select patient_id, name, birth_date from access.identify(:grant, :keys)")
_LONGEST_NAME, _LONGEST_NUMBER, _LONGEST_DATE = 255, 64, 10
_CARDS = (IdentifierKind.BHYT, IdentifierKind.BHXH)


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk was told. `numbers` are one: a card's is also the social-insurance number in it."""

    numbers: tuple[Identifier, ...]
    name: str
    birth_date: PartialDate


@dataclass(frozen=True, slots=True)
class Seeker:
    grant_id: UUID
    client_id: str
    practitioner_id: UUID | None

    @property
    def counted(self) -> dict[str, str]:
        """Who is counted, by kind, in the order in which everybody counts."""
        person = {} if self.practitioner_id is None else {"practitioner": str(self.practitioner_id)}
        return {"client": self.client_id} | person


@dataclass(frozen=True, slots=True)
class Finding:
    """`alarms` names the counters (client, practitioner) that this very miss made worth a look."""

    outcome: Outcome
    patient_id: UUID | None = None
    alarms: tuple[str, ...] = ()


class Known(NamedTuple):
    """What a patient's record shows of him."""

    patient_id: UUID
    name: str | None
    birth_date: str | None


def told(number: str, name: str, birth_date: str) -> Told:
    """Read what was typed or scanned. Invalid says what it cannot be; it says nothing of what is known."""
    return Told(_numbers(number), _name(name), _birth_date(birth_date))


async def find(session: AsyncSession, asked: Told, seeker: Seeker, *, secret: bytes, now: datetime) -> Finding:
    """Who it is. `secret` keys the hashes of identifiers. The caller's transaction must commit: it holds the counts."""
    keys = [lookup_key(secret, number) for number in asked.numbers]
    if await _tried_too_often(session, seeker, keys[-1], now):
        return Finding("TOO_MANY_TRIES")
    rows = await session.execute(IDENTIFY, {"grant": seeker.grant_id, "keys": keys})
    found = agreeing(asked, (Known(*row) for row in rows))
    if found is None:
        return Finding("NOT_FOUND", alarms=await _missed(session, seeker, now))
    return Finding("FOUND", found)


def agreeing(asked: Told, known: Iterable[Known]) -> UUID | None:
    """The one patient of whom name and birth date agree; None where there is none, or more than one."""
    fitting = {one.patient_id for one in known if _agrees(asked, one)}
    return fitting.pop() if len(fitting) == 1 else None


def _agrees(asked: Told, known: Known) -> bool:
    """Names as identity matching compares them, without tones; dates in all that the record knows."""
    if not known.name or not known.birth_date:
        return False
    born = known.birth_date[:_LONGEST_DATE]
    claim = Claim(identifiers=(), name=asked.name)
    has_name = same_name(claim, Candidate(known.patient_id, names=(known.name,)))
    return asked.birth_date[: len(born)] == born and has_name


async def _tried_too_often(session: AsyncSession, seeker: Seeker, key: bytes, now: datetime) -> bool:
    """Counts one try for each; they are locked in one order until the end of the transaction."""
    over = False
    for kind, value in {**seeker.counted, "number": key.hex()}.items():
        tries = await attempts.count(session, f"find_patient.{kind}", value, window=WINDOW, now=now)
        over = over or tries > TRIES[kind]
    return over


async def _missed(session: AsyncSession, seeker: Seeker, now: datetime) -> tuple[str, ...]:
    alarms = []
    for kind, value in seeker.counted.items():
        misses = await attempts.count(session, f"find_patient.missed.{kind}", value, window=WINDOW, now=now)
        if misses % MISSES[kind] == 0:
            alarms.append(kind)
    return tuple(alarms)


def _numbers(raw: str) -> tuple[Identifier, ...]:
    one, _ = classify(raw) if len(raw) <= _LONGEST_NUMBER else (None, [])
    if one is not None and one.kind is IdentifierKind.CCCD:
        return (one,)
    on_card = tuple(number for number in card(raw)[0] if number.kind in _CARDS)
    if not on_card:
        raise Invalid(
            "number", "The number of a citizen card has 12 digits, a health-insurance card's 10 or 15 characters."
        )
    return on_card


def _name(raw: str) -> str:
    name = clean(raw) if len(raw) <= _LONGEST_NAME else ""
    if is_placeholder(name):
        raise Invalid("name", f"A name has letters, and at most {_LONGEST_NAME} characters.")
    return name


def _birth_date(raw: str) -> PartialDate:
    try:
        born = partial_date(raw) if len(raw) <= _LONGEST_DATE else None
    except ValueError:
        born = None
    if born is None:
        raise Invalid("birthDate", "A birth date is 1955-03-14, or as much of it as the card shows: 1955-03, 1955.")
    return born

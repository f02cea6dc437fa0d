"""An appointment of today, the pass that a phone makes for it, and the clinic that it is shown to."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jwt

from domain.values import utc_now
from tests.api.appointments.test_desk import today
from tests.api.appointments.world import DESK, Bookable
from tests.api.clinic import Voice

DOCS = Path(__file__).parents[3] / "docs" / "appointments.md"
TEXT = "query ($sections: [String!]!) { visitText(sections: $sections, way: PASS) { body hash } }"
MAKE = """mutation ($id: ID!, $sections: [String!]!, $hash: String!, $agrees: Boolean! = false) {
  makeCheckInPass(appointmentId: $id, sections: $sections, textHash: $hash, childAgrees: $agrees) { __typename
    ... on CheckInPass { token svg appointmentId sections validFrom expiresAt }
    ... on ConsentRefused { code } ... on AppointmentRefused { refusal: code } } }"""
HAND_IN = """mutation ($pass: String, $at: Instant, $offer: String) {
  checkIn(pass: $pass, arrivedAt: $at, offer: $offer) { outcome
    visit { id patientId sections validUntil endedAt }
    appointment { id status queueNumber arrivedAt passName } } }"""
SECTIONS = ["labs", "vitals"]
READ = f"{DESK} record:labs:read record:vitals:read"
"""What the desk that a pass is shown to may do."""


async def booked_today(world: Bookable) -> dict[str, Any]:
    mine = await world.book()
    await noon(world)
    await today(world)
    return mine


async def noon(world: Bookable) -> ZoneInfo:
    """The clinic's clock stands past twelve, so that no test of a day meets its midnight."""
    behind = utc_now().hour - 12
    zone = f"Etc/GMT{behind:+d}" if behind else "Etc/GMT"
    await world.clinic.book.sql("update booking.policy set time_zone = $1", zone)
    return ZoneInfo(zone)


async def make(phone: Voice, appointment: str, sections: list[str] = SECTIONS, *, agrees: bool = False) -> Any:
    text = await phone.get(TEXT, sections=sections)
    return await phone.get(MAKE, id=appointment, sections=sections, hash=text["hash"], agrees=agrees)


async def made_earlier(world: Bookable, by: timedelta) -> datetime:
    """Every pass was made, and every appointment began, this much earlier. The hour at which they were made."""
    sql = world.clinic.book.sql
    await sql("update booking.booking set starts_at = starts_at - $1::interval, ends_at = ends_at - $1::interval", by)
    (row, *_) = await sql(
        """update booking.check_in_pass
              set starts_at = starts_at - $1::interval, made_at = made_at - $1::interval,
                  valid_from = valid_from - $1::interval, expires_at = expires_at - $1::interval
           returning made_at""",
        by,
    )
    made_at: datetime = row["made_at"]
    return made_at


async def visits(world: Bookable) -> int:
    return len(await world.clinic.book.sql("select from access.consent"))


def documented() -> Any:
    """`verify`, as docs/appointments.md tells a clinic to write it."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    named: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), named)
    return named["verify"]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def refusal(desk: Voice, token: str, at: str | None = None) -> str:
    """The outcome of a hand-in that opens nothing."""
    answer = await desk.get(HAND_IN, **{"pass": token, "at": at})
    assert (answer["visit"], answer["appointment"]) == (None, None)
    outcome: str = answer["outcome"]
    return outcome


async def hand_in(desk: Voice, token: str, at: datetime | None = None) -> Any:
    answer = await desk.get(HAND_IN, **{"pass": token, "at": at and at.isoformat()})
    assert answer["outcome"] == "CHECKED_IN", answer
    return answer

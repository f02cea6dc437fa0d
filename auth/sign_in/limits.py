"""How often a way to sign in may be tried, by whom and from where; counted in the database.

A subnet, not an address: a household's phones share a /24 or /56 and so does one attacker's machine. The figures leave
room for the thousands of phones behind a mobile network's one address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from auth.network import address_of, network_of
from domain import attempts


@dataclass(frozen=True, slots=True)
class Limit:
    kind: str
    most: int
    window: timedelta

    async def allows(self, session: AsyncSession, key: str, now: datetime) -> bool:
        """Counts this try too, so one that is refused keeps counting."""
        return await attempts.count(session, self.kind, key, window=self.window, now=now) <= self.most


def subnet(request: Request) -> str:
    """The /24 (IPv4) or /56 (IPv6) that the request comes from; where none is known, that is one subnet too."""
    return network_of(address_of(request)) or "unknown"

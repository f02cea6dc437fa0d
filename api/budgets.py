"""What callers may spend a minute, in units of cost, however many workers and machines serve them.

PostgreSQL holds how much of each budget was handed out (`access.lease`). A worker takes leases, larger as a caller
spends faster, and spends them without asking; so the sum never exceeds the limit, and a worker that dies takes no more
than its leases with it. Without an answer of the database nothing new is spent (Busy): a limit that opens when the
database is at its end would be none, and there is nothing to read without it anyway.
"""

import asyncio
import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.cost import MOST_COST
from api.ledger import Ask, Lease, Ledger
from auth.tokens.bearer import Caller
from domain.errors import Busy, RateLimited

MOST_ACCOUNTS = 50_000  # that one worker remembers; of too many the longest unused are forgotten, with their leases
MOST_PROFILES = 5_000
PROFILE_S = 300.0  # how long a client's kind is believed; what the client may do is decided at every request
AHEAD = 4  # leases for so many operations at first, then twice the last one
MOST_LEASES = 100  # that one request waits for, where others spend them before it
UNKNOWN = ("third_party", None)

_LIMITS = re.compile(r"[1-9][0-9]{4,11}(?:/[1-9][0-9]{4,11}){3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """Units of cost a minute. `citizen`: at apps of ours; `app_citizen`: at another app; `app`: all citizens of such an
    app together; `facility`: all systems and clinicians of one organization together.
    """

    citizen: int = 400_000
    app_citizen: int = 160_000
    app: int = 8_000_000
    facility: int = 4_000_000

    def __post_init__(self) -> None:
        if min(self.citizen, self.app_citizen, self.app, self.facility) < MOST_COST:
            raise ValueError(f"HEALTHBOOK_BUDGETS must be at least {MOST_COST} each, the cost of one large query")

    @classmethod
    def of(cls, text: str) -> "Limits":
        """`citizen/app_citizen/app/facility`, such as 400000/160000/8000000/4000000."""
        if not _LIMITS.fullmatch(text):
            raise ValueError("HEALTHBOOK_BUDGETS must be four numbers such as 400000/160000/8000000/4000000")
        return cls(*(int(number) for number in text.split("/")))


@dataclass(slots=True)
class Account:
    """One budget as this worker sees it. `left` is leased and not spent, `rest` what nobody held at the last lease."""

    name: str
    key: bytes
    limit: int
    left: int = 0
    rest: int = 0
    last: int = 0
    ends_at: float = 0.0
    coming: asyncio.Task[Lease | None] | None = None

    @property
    def remaining(self) -> int:
        return self.left + self.rest

    def reset(self) -> None:
        self.left = self.rest = self.last = 0
        self.ends_at = 0.0

    def lend(self, lease: Lease) -> None:
        if lease.ends_at > self.ends_at + 1:  # of a new minute: what was left of the last one is gone
            self.left = 0
        self.left += lease.granted
        self.rest, self.last, self.ends_at = lease.remaining, lease.granted, lease.ends_at


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of each budget after an operation: name, limit, remaining, seconds until it is whole again."""

    name: str
    limit: int
    remaining: int
    resets_in_s: int


class Exceeded(RateLimited):
    """A budget is spent; `budgets` is how all of the caller's stand."""

    def __init__(self, budgets: Sequence[Spent], retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.budgets = budgets


Profile = tuple[str, str | None]
"""Kind and organization of a client."""


class Budgets:
    """The budgets of one worker. `profile_of` looks a client up; its answers are kept for some minutes."""

    def __init__(self, ledger: Ledger, profile_of: Callable[[str], Awaitable[Profile | None]], limits: Limits) -> None:
        self._ledger, self._profile_of, self._limits = ledger, profile_of, limits
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._profiles: OrderedDict[str, tuple[float, Profile]] = OrderedDict()

    async def spend(self, caller: Caller, cost: int) -> list[Spent]:
        """Take the cost from each budget of the caller. Exceeded: from none. Busy: the database does not answer."""
        accounts = self._accounts_of(caller, await self._profile(caller.client_id))
        paid: list[tuple[Account, float]] = []
        try:
            for account in accounts:
                await self._take(account, cost)
                paid.append((account, account.ends_at))
        except BaseException as refused:
            for account, ends_at in paid:
                if abs(account.ends_at - ends_at) < 1:  # still the same minute
                    account.left += cost
            if isinstance(refused, RateLimited):
                raise Exceeded([_spent(account) for account in accounts], refused.retry_after_s) from None
            raise
        return [_spent(account) for account in accounts]

    async def _take(self, account: Account, cost: int) -> None:
        for _ in range(MOST_LEASES):
            if account.ends_at <= time.monotonic():
                account.reset()
            if account.left >= cost:
                account.left -= cost
                return
            if account.ends_at and account.remaining < cost:
                raise RateLimited(_seconds(account))
            if await self._lease(account, cost) is None:
                break
        raise Busy("The book is busy. Try again shortly.")

    async def _lease(self, account: Account, cost: int) -> Lease | None:
        """One more lease. Requests of one account wait for the same answer; each then sees what there is for it."""
        if account.coming is None:
            wanted = max(AHEAD * cost, 2 * account.last)
            ask = Ask(account.key, cost - account.left, wanted, account.limit)
            account.coming = asyncio.create_task(self._lent(account, ask), name="lease")
        return await asyncio.shield(account.coming)

    async def _lent(self, account: Account, ask: Ask) -> Lease | None:
        """Ends in the same step in which the account has the lease: who comes later finds it, or asks for another."""
        try:
            lease = await self._ledger.ask(ask)
            if lease is not None:
                account.lend(lease)
            return lease
        finally:
            account.coming = None

    async def _profile(self, client_id: str) -> Profile:
        known = self._profiles.get(client_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        profile = await self._profile_of(client_id) or UNKNOWN
        self._profiles[client_id] = (time.monotonic() + PROFILE_S, profile)
        self._profiles.move_to_end(client_id)
        if len(self._profiles) > MOST_PROFILES:
            self._profiles.popitem(last=False)
        return profile

    def _accounts_of(self, caller: Caller, profile: Profile) -> list[Account]:
        kind, organization = profile
        who, limits = caller.subject, self._limits
        if kind in ("facility", "clinician"):
            facility = self._account("facility", limits.facility, organization or caller.client_id)
            return [facility] if who is None else [self._account("practitioner", limits.citizen, who), facility]
        if kind == "first_party" and who is not None:
            return [self._account("citizen", limits.citizen, who)]
        app = self._account("app", limits.app, caller.client_id)
        if who is None:
            return [app]
        return [self._account("citizen_of_app", limits.app_citizen, caller.client_id, who), app]

    def _account(self, name: str, limit: int, *who: str | UUID) -> Account:
        text = "\0".join((name, *map(str, who)))
        account = self._accounts.get(text)
        if account is None:
            account = self._accounts[text] = Account(name, hashlib.sha256(text.encode()).digest(), limit)
            if len(self._accounts) > MOST_ACCOUNTS:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(text)
        return account


def _spent(account: Account) -> Spent:
    return Spent(account.name, account.limit, account.remaining, _seconds(account))


def _seconds(account: Account) -> int:
    return max(1, math.ceil(account.ends_at - time.monotonic()))

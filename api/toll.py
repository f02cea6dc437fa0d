"""The gate before execution: an operation's cost is worked out, compared with what one may cost, and paid.

`enter` is called once an operation is known to be valid, before it runs, on either exit; `read` before a document that
nobody sent lately is parsed (api/http/toll.py).
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from graphql.execution.values import VariableValues

from api.budgets import Budgets, Exceeded, Spent
from api.cost import MOST_COST, cost_of
from api.errors import graphql_error
from api.http.refusals import Refused
from api.http.toll import Charge
from api.metrics import REFUSALS
from api.planner.documents import Document
from auth.tokens.bearer import Caller
from domain.budgets import WINDOW
from domain.errors import Busy, HealthbookError, RateLimited, TooExpensive
from domain.values import utc_now

READING_MOST = 10_000
"""Parsing and validating costs a worker about as much as a value for each character, and no more than this."""
AGAIN_S = 5


class Gate:
    """`allowed` is what one operation may cost at most, whatever its caller has left."""

    def __init__(self, budgets: Budgets, allowed: int = MOST_COST) -> None:
        self._budgets, self._allowed = budgets, allowed

    async def enter(self, caller: Caller, document: Document, variables: VariableValues) -> Charge:
        """Before execution. Refused: too expensive, nothing left this minute, or the database does not answer."""
        cost = cost_of(document, variables)
        if cost > self._allowed:
            REFUSALS.labels("cost").inc()
            raise refused(TooExpensive(cost, self._allowed))
        return _charge(cost, self._allowed, await self._spend(caller, cost))

    async def read(self, caller: Caller, text: str) -> None:
        """Before a document is parsed for the first time. Refused as above."""
        await self._spend(caller, min(len(text), READING_MOST))

    async def _spend(self, caller: Caller, cost: int) -> Sequence[Spent]:
        try:
            return await self._budgets.spend(caller, cost)
        except RateLimited as over:
            REFUSALS.labels("rate").inc()
            raise refused(over) from None
        except Busy as busy:
            raise refused(busy) from None


def _charge(cost: int, allowed: int, budgets: Sequence[Spent]) -> Charge:
    tightest = min(budgets, key=lambda one: one.remaining)
    reset_at = (utc_now() + timedelta(seconds=tightest.resets_in_s)).isoformat(timespec="seconds")
    told = {"requested": cost, "allowed": allowed, "remaining": tightest.remaining, "resetAt": reset_at}
    return Charge({"cost": told}, _headers(budgets))


def _headers(budgets: Sequence[Spent]) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers-10: the policies, and how each stands for this caller."""
    window = math.ceil(WINDOW.total_seconds())
    return {
        "RateLimit-Policy": ", ".join(f'"{one.name}";q={one.limit};w={window};qu="cost-units"' for one in budgets),
        "RateLimit": ", ".join(f'"{one.name}";r={one.remaining};t={one.resets_in_s}' for one in budgets),
    }


def refusal_headers(refused: HealthbookError) -> dict[str, str]:
    """What goes with a refusal: when to come back (RFC 9110 10.2.3), and how the budgets stand."""
    if isinstance(refused, Busy):
        return {"Retry-After": str(AGAIN_S)}
    if isinstance(refused, RateLimited):
        stand = _headers(refused.budgets) if isinstance(refused, Exceeded) else {}
        return {"Retry-After": str(refused.retry_after_s), **stand}
    return {}


def refused(why: HealthbookError) -> Refused:
    """429 (RFC 6585 4) and 503 whatever the media type; what is too expensive is a request error like any other."""
    error = graphql_error(why).formatted
    match why:
        case RateLimited():
            return Refused([dict(error)], 429, headers=refusal_headers(why))
        case Busy():
            return Refused([dict(error)], 503, headers=refusal_headers(why))
        case _:
            return Refused([dict(error)], json_status=200)

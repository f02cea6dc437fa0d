"""How strongly somebody signed in: the `acr` of OpenID Connect Core 2, in three values.

A code by phone or e-mail is level 1: numbers are taken over. A passkey and the national provider are level 2. The
demo's list proves nothing, so it has a value of its own; it counts as strong where it alone can exist, on loopback.
"""

from collections.abc import Mapping
from datetime import timedelta

CODE_ACR = "urn:healthbook:acr:1"
STRONG_ACR = "urn:healthbook:acr:2"
DEMO_ACR = "demo"
WEAK, STRONG = 1, 2
CLOCK_SKEW = timedelta(seconds=30)

_LEVELS: Mapping[str, int] = {CODE_ACR: WEAK, STRONG_ACR: STRONG, DEMO_ACR: STRONG}
_ASKED: Mapping[str, int] = {"1": WEAK, "2": STRONG, CODE_ACR: WEAK, STRONG_ACR: STRONG}


def level_of(acr: str | None, *, demo: bool) -> int:
    """0 for an unknown value, and for the demo's outside a demo."""
    if acr is None or (acr == DEMO_ACR and not demo):
        return 0
    return _LEVELS.get(acr, 0)


def asked_level(acr_values: str) -> int | None:
    """The level that `acr_values` (space-separated, in order of preference) asks for: the lowest; None if unknown."""
    levels = [_ASKED.get(value) for value in acr_values.split(" ") if value]
    known = [level for level in levels if level is not None]
    return min(known) if known and len(known) == len(levels) else None

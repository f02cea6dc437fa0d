"""How slow the machine is just now: a promise of two seconds is one of two seconds at the usual speed."""

from time import perf_counter

USUAL_S = 0.1  # for the loop below


def seconds(promised: float) -> float:
    """The time to allow: what was promised, longer by as much as the machine is slower than usual at this moment."""
    started = perf_counter()
    for _ in range(1_000_000):
        pass
    return promised * max(1.0, (perf_counter() - started) / USUAL_S)

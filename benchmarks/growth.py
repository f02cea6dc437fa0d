"""Whether a book is read as fast among many people as among few: the same server on two databases, in turns."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from benchmarks.data import Cluster, World
from benchmarks.patients import readers
from benchmarks.reading import HEAD, figures, rounds_of, told
from benchmarks.report import table
from benchmarks.screens import SCREENS, requests
from benchmarks.servers import running


def run(cluster: Cluster, worlds: Sequence[World], screen: str, *, rounds: int, seconds: int) -> str:
    """One screen on each of the databases, the smallest first."""
    with ExitStack() as stack:
        asked = {}
        for world in worlds:
            people = asyncio.run(readers(world))
            server = stack.enter_context(running("healthbook", world, cluster.folder))
            asked[f"{world.people:,} people"] = (server, requests(server, screen, people))
        measured = rounds_of(cluster, asked, screen, rounds, seconds)
    few, *_, many = (median(one.p50_ms for one in found) for found in measured.values())
    rows = [(name, *figures(found)) for name, found in measured.items()]
    growth = f"p50 among the most is {many / few:.2f} x that among the fewest; "
    return table(f"{SCREENS[screen].title}, growth", HEAD, rows) + growth + told(screen, measured, rounds, seconds)

"""`python -m benchmarks`: prints tables in Markdown, with the versions and the machine."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import again, breakdown, clinics, growth, importing, reading
from benchmarks.data import MOST_IMPORTED, Cluster
from benchmarks.load import ToolMissing, need_wrk
from benchmarks.report import surroundings
from benchmarks.screens import SCREENS

PARTS = ("import", *SCREENS, "growth", "again", "clinic", "token")
GROWN = ("record", "home", "section")
PEOPLE = (
    f"size of the population whose records are read; above {MOST_IMPORTED:,} a multiple of them, and growth is measured"
)
SIZES, FULL_SIZE = [1_000, 10_000], 100_000


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--people", type=int, default=2_000, help=PEOPLE)
    parser.add_argument("--data", type=Path, default=Path(".healthbook/bench"), help="folder kept between runs")
    parser.add_argument("--only", choices=PARTS, help="one of the measurements")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each server")
    parser.add_argument("--seconds", type=int, default=3, help="length of a round")
    parser.add_argument("--full", action="store_true", help="import 100,000 visits too")
    parser.add_argument("--profile", action="store_true", help="only where the time of a read goes, step by step")
    return parser.parse_args(arguments)


def main() -> int:
    options = parsed(sys.argv[1:])
    try:
        if options.only != "import" and not options.profile:
            need_wrk()
        with Cluster(options.data) as cluster:
            print(surroundings(cluster.buffers), flush=True)
            for part in parts(cluster, options):
                print(part(), flush=True)
    except (ToolMissing, reading.Different) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def parts(cluster: Cluster, options: argparse.Namespace) -> list[Callable[[], str]]:
    """What was asked for, in order."""
    chosen = (options.only,) if options.only else PARTS
    if options.profile:
        return [lambda: breakdown.run(cluster.world(options.people))]
    made: list[Callable[[], str]] = []
    if "import" in chosen:
        sizes = [*SIZES, FULL_SIZE] if options.full else SIZES
        made.append(lambda: importing.run(cluster, sizes))
    made.extend(partial(_screen, cluster, options, screen) for screen in SCREENS if screen in chosen)
    if "growth" in chosen and options.people > MOST_IMPORTED:
        made.extend(partial(_growth, cluster, options, screen) for screen in GROWN)
    for name, measure in (("again", again.run), ("clinic", clinics.run), ("token", clinics.tokens)):
        if name in chosen:
            made.append(partial(_on_world, cluster, options, measure))
    return made


def _screen(cluster: Cluster, options: argparse.Namespace, screen: str) -> str:
    world = cluster.world(options.people)
    return reading.run(cluster, world, screen, rounds=options.rounds, seconds=options.seconds)


def _growth(cluster: Cluster, options: argparse.Namespace, screen: str) -> str:
    worlds = [cluster.world(people) for people in (MOST_IMPORTED, options.people)]
    return growth.run(cluster, worlds, screen, rounds=options.rounds, seconds=options.seconds)


def _on_world(cluster: Cluster, options: argparse.Namespace, measure: Callable[..., str]) -> str:
    return measure(cluster, cluster.world(options.people), rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    sys.exit(main())

"""Reading over HTTP: healthbook with all its protection beside the hand-written limit and the idiomatic ORM.

The servers run at once; rounds of load take turns in shuffled order and the medians are told, so that what disturbs
the machine disturbs everybody. Before that, all must give equal JSON.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

import httpx

from benchmarks.data import Cluster, World
from benchmarks.load import Round, load, need_wrk
from benchmarks.patients import readers, written
from benchmarks.report import table
from benchmarks.screens import SCREENS, Request, page_of, requests
from benchmarks.servers import Server, running

WARM_S = 2
VERIFIED = 5
WORDS = {
    "healthbook": "**healthbook**, all protection on",
    "handwritten": "(a) one hand-written SQL, unprotected",
    "handwritten_few": "(a) with as few connections as healthbook",
    "postgraphile": "(c) PostGraphile 5, unprotected",
    "orm": "(b) Strawberry + ORM + DataLoaders, unprotected",
}
FIGURES = ("requests_s", "p50_ms", "p99_ms", "app_ms", "postgres_ms")
HEAD = ("", "req/s", "p50 ms", "p99 ms", "app CPU ms/req", "PostgreSQL CPU ms/req")
OTHERS = (*HEAD, "healthbook's req/s by this")


class Different(Exception):
    """Two servers gave different JSON; the message says where first."""


def run(cluster: Cluster, world: World, screen: str, *, rounds: int, seconds: int) -> str:
    """The table of one screen."""
    need_wrk()
    people = asyncio.run(readers(world))
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name, world, cluster.folder)) for name in SCREENS[screen].servers]
        asked = {one.name: requests(one, screen, people) for one in servers}
        size = verify(servers, screen, asked)
        measured = rounds_of(cluster, {one.name: (one, asked[one.name]) for one in servers}, screen, rounds, seconds)
    words = f"{size:,} bytes a body (mean of {len(people)} patients in turn)"
    return _report(screen, measured) + f"{words}, {told(screen, measured, rounds, seconds)}"


def rounds_of(
    cluster: Cluster, asked: Mapping[str, tuple[Server, Sequence[Request]]], screen: str, rounds: int, seconds: int
) -> dict[str, list[Round]]:
    """What each of the named measured, in turns of shuffled order after a warm-up."""
    files = {
        name: written(cluster.folder / f"{screen}-{name}.tsv", [one.line for one in lines])
        for name, (_, lines) in asked.items()
    }

    def one_round(name: str, length: int) -> Round:
        server, postgres = asked[name][0], cluster.server.process or 0
        clients = {"connections": SCREENS[screen].connections, "seconds": length}
        return load(server.origin, files[name], **clients, app=server.pid, postgres=postgres)

    for name in asked:
        one_round(name, WARM_S)
    measured: dict[str, list[Round]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name in random.sample(list(asked), len(asked)):
            measured[name].append(one_round(name, seconds))
    return measured


def verify(servers: Sequence[Server], screen: str, asked: Mapping[str, Sequence[Request]]) -> int:
    """Equal JSON from all for some patients, else Different; the mean size of healthbook's bodies in bytes."""
    with httpx.Client(timeout=60) as client:
        for place in range(min(VERIFIED, len(asked["healthbook"]))):
            answers = {one.name: asked[one.name][place].send(client, one.origin).json() for one in servers}
            _same_items(screen, answers)
            expected = _comparable(screen, answers["healthbook"])
            for name, answer in answers.items():
                where = difference(expected, _comparable(screen, answer))
                if where is not None:
                    raise Different(f"{screen}: {name} differs from healthbook at {where}")
        bodies = [len(one.send(client, servers[0].origin).content) for one in asked["healthbook"]]
    return round(sum(bodies) / len(bodies))


def _comparable(screen: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Without the cursor, which every server writes in its own way."""
    match screen:
        case "section" | "deep":
            page_of(answer)["pageInfo"].pop("endCursor", None)
        case "sync":
            answer["data"]["changes"].pop("cursor", None)
    return answer


def _same_items(screen: str, answers: dict[str, Any]) -> None:
    """PostGraphile's shape is its own: it is taken out here, once its lists are as long as ours, in our order."""
    other = answers.pop("postgraphile", None)
    if other is None:
        return
    ours, theirs = (
        _lengths(one) for one in (answers["healthbook"]["data"]["healthRecord"], other["data"]["patientByPatientId"])
    )
    if ours != theirs:
        raise Different(f"{screen}: postgraphile has lists of {theirs} items, healthbook of {ours}")


def _lengths(record: dict[str, Any]) -> list[int]:
    """How many items each section shows; a single one counts as a list of one."""
    found = [value.get("nodes", [value]) if isinstance(value, dict) else value for value in record.values()]
    return [len(one) for one in found if isinstance(one, list)]


def difference(one: Any, other: Any, path: str = "$") -> str | None:
    """Where two JSON values first differ; None where they are equal. Numbers are compared as numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{path}: fields {sorted(one.keys() ^ other.keys())}"
        found = (difference(one[key], other[key], f"{path}.{key}") for key in one)
        return next((where for where in found if where), None)
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{path}: {len(one)} and {len(other)} items"
        found = (difference(a, b, f"{path}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True)))
        return next((where for where in found if where), None)
    return None if one == other else f"{path}: {one!r} and {other!r}"


def _report(screen: str, measured: Mapping[str, Sequence[Round]]) -> str:
    speed = {name: median(one.requests_s for one in found) for name, found in measured.items()}
    rows = [
        (WORDS[name], *figures(found), f"{speed['healthbook'] / speed[name]:.2f} x") for name, found in measured.items()
    ]
    return table(SCREENS[screen].title, OTHERS, rows)


def figures(found: Sequence[Round]) -> list[float]:
    """The medians of `HEAD`."""
    return [median(getattr(one, figure) for one in found) for figure in FIGURES]


def told(screen: str, measured: Mapping[str, Sequence[Round]], rounds: int, seconds: int) -> str:
    """How it was measured, in words."""
    failed = sum(one.failed for found in measured.values() for one in found)
    return (
        f"{SCREENS[screen].connections} connections, medians of {rounds} rounds of {seconds} s in shuffled order; "
        f"{failed} failed requests.\n"
    )

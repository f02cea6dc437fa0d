"""Reading over HTTP: healthbook with all its protection beside the hand-written limit and the idiomatic ORM.

The servers run at once; rounds of load take turns in shuffled order and the medians are told, so that what disturbs
the machine disturbs everybody. Before that, all must give equal JSON.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import postgraphile
from benchmarks.data import Cluster, World
from benchmarks.load import Round, load, need_wrk
from benchmarks.patients import Reader, readers, write_requests
from benchmarks.report import table
from benchmarks.servers import Server, running

HERE = Path(__file__).parent
WARM_S = 2
VERIFIED = 5
COMPARED = {
    "record": ("healthbook", "handwritten", "postgraphile", "orm"),
    "home": ("healthbook", "handwritten", "postgraphile"),
}
CONNECTIONS = {"record": 16, "home": 32}
WORDS = {
    "healthbook": "**healthbook**, all protection on",
    "handwritten": "(a) one hand-written SQL, unprotected",
    "postgraphile": "(c) PostGraphile 5, unprotected",
    "orm": "(b) Strawberry + ORM + DataLoaders, unprotected",
}
HEAD = ("", "req/s", "p50 ms", "p99 ms", "app CPU ms/req", "PostgreSQL CPU ms/req", "healthbook's req/s by this")


class Different(Exception):
    """Two servers gave different JSON; the message says where first."""


def query(screen: str) -> str:
    return (HERE / f"{screen}.graphql").read_text()


def run(cluster: Cluster, world: World, screen: str, *, rounds: int, seconds: int) -> str:
    """The table of one screen."""
    need_wrk()
    people = asyncio.run(readers(world))
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name, world, cluster.folder)) for name in COMPARED[screen]]
        size = verify(servers, screen, people)
        folder, text = cluster.folder, query(screen)
        files = {
            one.name: write_requests(folder / f"{screen}-{one.name}.tsv", one.name, screen, text, people)
            for one in servers
        }
        measured = _rounds(cluster, servers, files, CONNECTIONS[screen], rounds, seconds)
    return _report(screen, measured, size, len(people), rounds, seconds)


def _rounds(
    cluster: Cluster, servers: Sequence[Server], files: dict[str, Path], connections: int, rounds: int, seconds: int
) -> dict[str, list[Round]]:
    def one_round(server: Server, length: int) -> Round:
        postgres = cluster.server.process or 0
        clients = {"connections": connections, "seconds": length}
        return load(server.origin, files[server.name], **clients, app=server.pid, postgres=postgres)

    for server in servers:
        one_round(server, WARM_S)
    measured: dict[str, list[Round]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in random.sample(servers, len(servers)):
            measured[server.name].append(one_round(server, seconds))
    return measured


def verify(servers: Sequence[Server], screen: str, people: Sequence[Reader]) -> int:
    """Equal JSON from all for some patients, else Different; the mean size of healthbook's bodies in bytes."""
    with httpx.Client(timeout=60) as client:
        for one in people[:VERIFIED]:
            answers = {server.name: _ask(client, server, screen, one).json() for server in servers}
            _same_items(screen, answers)
            expected = answers[servers[0].name]
            for name, answer in answers.items():
                where = difference(expected, answer)
                if where is not None:
                    raise Different(f"{screen}: {name} differs from {servers[0].name} at {where}")
        bodies = [len(_ask(client, servers[0], screen, one).content) for one in people]
    return round(sum(bodies) / len(bodies))


def _ask(client: httpx.Client, server: Server, screen: str, one: Reader) -> httpx.Response:
    if server.name == "handwritten":
        return client.get(f"{server.origin}/{screen}", params={"patient": str(one.patient)}).raise_for_status()
    headers = {"Authorization": f"Bearer {one.token}", "Accept-Encoding": "identity"}
    text = postgraphile.query(screen) if server.name == "postgraphile" else query(screen)
    body = {"query": text, "variables": {"patientId": str(one.patient)}}
    return client.post(f"{server.origin}/graphql", json=body, headers=headers).raise_for_status()


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


def _report(screen: str, measured: dict[str, list[Round]], size: int, people: int, rounds: int, seconds: int) -> str:
    speed = {name: median(one.requests_s for one in found) for name, found in measured.items()}
    rows = [
        (
            WORDS[name],
            speed[name],
            median(one.p50_ms for one in found),
            median(one.p99_ms for one in found),
            median(one.app_ms for one in found),
            median(one.postgres_ms for one in found),
            f"{speed['healthbook'] / speed[name]:.2f} x",
        )
        for name, found in measured.items()
    ]
    failed = sum(one.failed for found in measured.values() for one in found)
    words = (
        f"{size:,} bytes a body (mean of {people} patients in turn), {CONNECTIONS[screen]} connections, "
        f"medians of {rounds} rounds of {seconds} s in shuffled order; {failed} failed requests.\n"
    )
    return table({"record": "Whole record", "home": "Home screen"}[screen], HEAD, rows) + words

"""What a phone asks again: the record by GET, and with the tag of the copy it has.

One healthbook server; the requests take turns, and each is compared with the whole record by POST in the same run.
"""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from statistics import median
from urllib.parse import urlencode

import httpx

from benchmarks.data import Cluster, World
from benchmarks.load import Round, load
from benchmarks.patients import Reader, readers, written
from benchmarks.report import table
from benchmarks.screens import Request, query, requests
from benchmarks.servers import Server, running

CONNECTIONS = 16
WORDS = {
    "record": "record, POST",
    "get": "record, GET, 200",
    "tag": "record, GET with its tag, 304",
}
FIGURES = ("requests_s", "p50_ms", "p99_ms", "app_ms", "postgres_ms")
HEAD = ("", "bytes", "req/s", "p50 ms", "p99 ms", "app CPU ms/req", "PostgreSQL CPU ms/req", "CPU by the record's")


def run(cluster: Cluster, world: World, *, rounds: int, seconds: int) -> str:
    people = asyncio.run(readers(world))
    with running("healthbook", world, cluster.folder) as server:
        asked, sizes = _requests(server, people)
        files = {name: written(cluster.folder / f"again-{name}.tsv", lines) for name, lines in asked.items()}
        measured: dict[str, list[Round]] = {name: [] for name in files}
        for turn in range(rounds + 1):
            for name in random.sample(list(files), len(files)):
                told = load(
                    server.origin, files[name], connections=CONNECTIONS, seconds=seconds, app=server.pid,
                    postgres=cluster.server.process or 0,
                )  # fmt: skip
                measured[name] += [told] if turn else []
    return _report(measured, sizes)


def _report(measured: Mapping[str, Sequence[Round]], sizes: Mapping[str, int]) -> str:
    base = _cpu(measured["record"])
    rows = [
        (
            WORDS[name],
            sizes[name],
            *(median(getattr(one, figure) for one in found) for figure in FIGURES),
            f"{_cpu(found) / base:.2f} x",
        )
        for name, found in measured.items()
    ]  # fmt: skip
    failed = sum(one.failed for found in measured.values() for one in found)
    return table("What is asked again", HEAD, rows) + f"{failed} failed requests.\n"


def _cpu(found: Sequence[Round]) -> float:
    return median(one.app_ms + one.postgres_ms for one in found)


def _requests(server: Server, people: Sequence[Reader]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The lines for wrk by kind, and the mean size of the answers in bytes."""
    lines: dict[str, list[str]] = {name: [] for name in WORDS}
    sizes: dict[str, list[int]] = {name: [] for name in WORDS}
    with httpx.Client(timeout=60) as client:
        for one, posted in zip(people, requests(server, "record", people), strict=True):
            for name, line, size in _of(client, server.origin, one, posted):
                lines[name].append(line)
                sizes[name].append(size)
    return lines, {name: round(sum(found) / len(found)) for name, found in sizes.items()}


def _of(client: httpx.Client, origin: str, one: Reader, posted: Request) -> list[tuple[str, str, int]]:
    own = json.dumps({"patientId": str(one.patient)})
    got = Request("GET", f"/graphql?{urlencode({'query': query('record'), 'variables': own})}", one.token)
    answer = got.send(client, origin)
    return [
        ("record", posted.line, len(posted.send(client, origin).content)),
        ("get", got.line, len(answer.content)),
        ("tag", f"{got.line}\t{answer.headers['etag']}", 0),
    ]

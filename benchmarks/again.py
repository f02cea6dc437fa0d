"""What a phone asks again: the record by GET, with its tag, a sync where nothing is new, one section, deep pages.

One healthbook server; the requests take turns, and each is compared with the whole record by POST in the same run.
"""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.data import Cluster, World
from benchmarks.load import Round, load
from benchmarks.patients import Reader, readers
from benchmarks.reading import query
from benchmarks.report import table
from benchmarks.servers import Server, running

CONNECTIONS = 16
WORDS = {
    "record": "record, POST",
    "get": "record, GET, 200",
    "tag": "record, GET with its tag, 304",
    "section": "one section, 20 items",
    "deep": "the same, items 61 to 80",
    "sync": "`changes` of four sections, nothing new",
}
FIGURES = ("requests_s", "p50_ms", "p99_ms", "app_ms", "postgres_ms")
HEAD = ("", "bytes", "req/s", "p50 ms", "p99 ms", "app CPU ms/req", "PostgreSQL CPU ms/req", "CPU by the record's")


def run(cluster: Cluster, world: World, *, rounds: int, seconds: int) -> str:
    people = asyncio.run(readers(world))
    with running("healthbook", world, cluster.folder) as server:
        asked, sizes = _requests(server, people)
        files = {name: _file(cluster.folder / f"again-{name}.tsv", lines) for name, lines in asked.items()}
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
    with httpx.Client(base_url=server.origin, timeout=60) as client:
        for one in people:
            for name, line, size in _of(client, one):
                lines[name].append(line)
                sizes[name].append(size)
    return lines, {name: round(sum(found) / len(found)) for name, found in sizes.items()}


def _of(client: httpx.Client, one: Reader) -> list[tuple[str, str, int]]:
    headers = {"Authorization": f"Bearer {one.token}", "Accept-Encoding": "identity"}
    own = {"patientId": str(one.patient)}

    def post(text: str, **more: Any) -> tuple[dict[str, Any], str, int]:
        body = json.dumps({"query": text, "variables": own | more})
        answer = client.post("/graphql", content=body, headers=headers | {"Content-Type": "application/json"})
        return answer.raise_for_status().json()["data"], f"POST\t/graphql\t{one.token}\t{body}", len(answer.content)

    path = f"/graphql?{urlencode({'query': query('record'), 'variables': json.dumps(own)})}"
    got = client.get(path, headers=headers).raise_for_status()
    page, section, section_size = post(query("section"))
    for _ in range(2):
        page, deep, deep_size = post(query("section"), after=page["healthRecord"]["labs"]["pageInfo"]["endCursor"])
    page, deep, deep_size = post(query("section"), after=page["healthRecord"]["labs"]["pageInfo"]["endCursor"])
    cursor, waits = None, True
    while waits:
        told, _, _ = post(query("sync"), since=cursor)
        cursor, waits = told["changes"]["cursor"], told["changes"]["hasMore"]
    _, sync, sync_size = post(query("sync"), since=cursor)
    _, record, record_size = post(query("record"))
    return [
        ("record", record, record_size),
        ("get", f"GET\t{path}\t{one.token}\t-", len(got.content)),
        ("tag", f"GET\t{path}\t{one.token}\t-\t{got.headers['etag']}", 0),
        ("section", section, section_size),
        ("deep", deep, deep_size),
        ("sync", sync, sync_size),
    ]


def _file(path: Path, lines: Sequence[str]) -> Path:
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path

"""Load on a server with wrk, and the processor time that its process and PostgreSQL spent meanwhile."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "requests.lua"
TICKS = os.sysconf("SC_CLK_TCK")
MISSING = "wrk is missing. On Debian: apt-get install wrk; elsewhere: https://github.com/wg/wrk"


class ToolMissing(Exception):
    """A program that the measurement needs is not installed; the message says how to install it."""


@dataclass(frozen=True, slots=True)
class Round:
    """One stretch of load. CPU in ms for each request, of the application and of all of PostgreSQL."""

    requests_s: float
    p50_ms: float
    p99_ms: float
    app_ms: float
    postgres_ms: float
    failed: int


def need_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise ToolMissing(MISSING)
    return found


def load(origin: str, requests: Path, *, connections: int, seconds: int, app: int, postgres: int) -> Round:
    """Send the requests of a file in turn for some seconds. `app` and `postgres` are process ids."""
    command = [need_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), origin]
    before = tree_seconds(app), tree_seconds(postgres)
    ended = subprocess.run([*command, "--", str(requests)], check=True, capture_output=True, text=True)
    app_s, postgres_s = tree_seconds(app) - before[0], tree_seconds(postgres) - before[1]
    line = next(line for line in ended.stdout.splitlines() if line.startswith("RESULT "))
    told = json.loads(line.removeprefix("RESULT "))
    count = max(told["requests"], 1)
    return Round(
        requests_s=told["requests"] / told["seconds"],
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
        app_ms=app_s / count * 1000,
        postgres_ms=postgres_s / count * 1000,
        failed=told["failed"],
    )


def tree_seconds(pid: int) -> float:
    """Processor time of a process, of its children and of those that have ended, in seconds."""
    times, parents = _processes()
    total, waiting = sum(times[pid]), [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        total += sum(sum(times[child]) for child in children)
        waiting += children
    return total / TICKS


def _processes() -> tuple[dict[int, tuple[int, int]], dict[int, list[int]]]:
    """Ticks of every process, its own and those of children it has waited for; and who is whose child."""
    times: dict[int, tuple[int, int]] = {}
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parent, own, waited = int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
        times[int(entry.name)] = (own, waited)
        children.setdefault(parent, []).append(int(entry.name))
    return times, children

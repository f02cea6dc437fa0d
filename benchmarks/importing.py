"""Import of QĐ 4750 files: visits a second and the memory it takes, in a process of its own.

`python -m benchmarks.importing DSN KEY PROCESSES FILE...` imports files and tells what it took as one JSON line.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Cluster, Visits, run_once
from benchmarks.load import tree_seconds
from benchmarks.report import table
from cli.importing import import_files
from domain.sections import SECTIONS

DATABASE = "bench_import"
KEY = "00" * 32
TABLES = [model.table().fullname for section in SECTIONS for model in section.models]
ROWS = f"select sum(n) from ({' union all '.join(f'select count(*) as n from {name}' for name in TABLES)}) t"


HEAD = (
    "visits",
    "MB",
    "processes",
    "visits/s",
    "rows sent a visit",
    "rows kept a visit",
    "importer CPU ms/visit",
    "PostgreSQL CPU ms/visit",
    "peak RSS MB",
)


@dataclass(frozen=True, slots=True)
class Imported:
    file: Visits
    processes: int
    seconds: float
    kept_rows: int
    importer_s: float
    postgres_s: float
    peak_mb: float
    statuses: dict[str, int]

    def row(self) -> tuple[object, ...]:
        visits = self.file.visits
        return (
            f"{visits:,} in {'one file' if self.processes == 1 else f'{len(self.file.files)} files'}",
            self.file.path.stat().st_size / 1e6,
            self.processes,
            visits / self.seconds,
            self.file.rows / visits,
            self.kept_rows / visits,
            self.importer_s / visits * 1000,
            self.postgres_s / visits * 1000,
            self.peak_mb if self.processes == 1 else "",
        )


def run(cluster: Cluster, sizes: Sequence[int]) -> str:
    """Each size as one file by one process, then the last in its files by a process a core; fresh databases all."""
    alone = [measure(cluster, cluster.visits(size), 1) for size in sizes]
    shared = measure(cluster, cluster.visits(sizes[-1]), os.cpu_count() or 1)
    told = "; ".join(
        f"{count:,} {status}" for one in (*alone, shared) for status, count in sorted(one.statuses.items())
    )
    flat = alone[-1].peak_mb / alone[0].peak_mb
    words = f"Peak memory of the largest file is {flat:.2f} x that of the smallest. Outcomes: {told}.\n"
    return table("Import", HEAD, [one.row() for one in (*alone, shared)]) + words


def measure(cluster: Cluster, file: Visits, processes: int) -> Imported:
    addresses, postgres = cluster.fresh(DATABASE), cluster.server.process or 0
    files = [file.path] if processes == 1 else file.files
    command = [sys.executable, "-m", "benchmarks.importing", addresses.intake, KEY, str(processes), *map(str, files)]
    before = tree_seconds(postgres)
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(ended.stdout.splitlines()[-1])
    kept = run_once(addresses.owner, lambda connection: connection.fetchval(ROWS))
    return Imported(
        file=file,
        processes=processes,
        kept_rows=int(str(kept)),
        postgres_s=tree_seconds(postgres) - before,
        **told,
    )


def peak_mb() -> float:
    """The most memory this process ever held; VmHWM, because getrusage counts the parent before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def main() -> None:
    dsn, key, processes, *names = sys.argv[1:]
    started, spent = time.perf_counter(), tree_seconds(os.getpid())
    tally = import_files([Path(name) for name in names], dsn, bytes.fromhex(key), processes=int(processes))
    told = {
        "seconds": time.perf_counter() - started,
        "importer_s": tree_seconds(os.getpid()) - spent,
        "peak_mb": peak_mb(),
        "statuses": tally.statuses,
    }
    print(f"\n{json.dumps(told)}")


if __name__ == "__main__":
    main()

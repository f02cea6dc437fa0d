"""The database that is measured: an invented population, brought in by the real importer, kept between runs.

    with Cluster(folder) as cluster:
        world = cluster.world(people=2000)

One embedded PostgreSQL with the demo's settings (every commit reaches the disk) and more memory. A database is made
once for each size of population, seed and state of the schema.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg

from api.settings import identifier_key
from benchmarks.multiplying import multiply
from cli.demo import SEED, load
from cli.embedded_postgres import DEMO, EmbeddedPostgres
from cli.migrations import ROOT, upgrade
from cli.settings import LOGINS, Addresses, keys
from domain.database import REVISION
from domain.synthetic import write_population
from domain.synthetic.qd4750_files import COUNT_WIDTH, FOOTER, header
from domain.values import VIETNAM, utc_now

PEOPLE_A_VISIT = 0.2  # the population has a little more than five visits a person
LARGEST_BUFFERS_MB = 3072
MOST_IMPORTED = 20_000


@dataclass(frozen=True, slots=True)
class World:
    """A loaded database and the keys that belong to it."""

    people: int
    addresses: Addresses
    kek: str
    identifier_key: bytes


@dataclass(frozen=True, slots=True)
class Visits:
    """`visits` visits with `rows` rows in XML2 to XML5: as one QĐ 4750 file, and as the `files` it was made of."""

    path: Path
    files: tuple[Path, ...]
    visits: int
    rows: int


class Cluster:
    """The embedded server of the benchmarks and everything below their folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.buffers = f"{buffers_mb()}MB"
        profile = DEMO.override(shared_buffers=self.buffers, max_wal_size="4GB")
        self.server = EmbeddedPostgres(self.folder / "postgres", profile)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def world(self, people: int) -> World:
        """The population, made now or by an earlier run: imported, or a smaller one multiplied."""
        if people > MOST_IMPORTED and people % MOST_IMPORTED:
            raise ValueError(f"more than {MOST_IMPORTED} people are a multiple of them")
        name = f"book_{people}_{SEED}_{schema_digest()}"
        addresses, held = self.addresses(name), keys({}, self.folder)
        secret = identifier_key(held)
        done = self.folder / name / "demo.json"
        if not done.exists():
            self._forget(f"book_{people}_{SEED}_")
            if people > MOST_IMPORTED:
                self._multiplied(name, people // MOST_IMPORTED)
            else:
                self._imported(name, people, secret)
        return World(people, addresses, held["HEALTHBOOK_KEK"], secret)

    def _imported(self, name: str, people: int, secret: bytes) -> None:
        addresses, work = self.fresh(name), self.folder / name
        work.mkdir(exist_ok=True)
        load(work, addresses, secret, people, processes=os.cpu_count() or 1)
        shutil.rmtree(work / "population")
        asyncio.run(_settle(addresses.owner))

    def _multiplied(self, name: str, times: int) -> None:
        """The marker is written last, so that what was cut short starts again."""
        smaller = f"book_{MOST_IMPORTED}_{SEED}_{schema_digest()}"
        self.world(MOST_IMPORTED)
        asyncio.run(_drop(self.server.dsn(), name))
        run_once(
            self.server.dsn(), lambda db: db.execute(f"create database {name} template {smaller} strategy file_copy")
        )
        asyncio.run(multiply(self.addresses(name).owner, times))
        asyncio.run(_settle(self.addresses(name).owner))
        (self.folder / name).mkdir(exist_ok=True)
        shutil.copy(self.folder / smaller / "demo.json", self.folder / name / "demo.json")

    def _forget(self, prefix: str) -> None:
        """Drop the databases of earlier states of the schema."""
        for old in self.folder.glob(f"{prefix}*"):
            asyncio.run(_drop(self.server.dsn(), old.name))
            shutil.rmtree(old)

    def fresh(self, name: str) -> Addresses:
        """A new, migrated database of this name; an older one goes."""
        asyncio.run(_drop(self.server.dsn(), name))
        self.server.create_database(name)
        upgrade(self.addresses(name).owner)
        return self.addresses(name)

    def addresses(self, name: str) -> Addresses:
        return Addresses(self.server.dsn(name), **{key: self.server.dsn(name, role) for key, role in LOGINS.items()})

    def visits(self, wanted: int) -> Visits:
        """About as many visits as wanted, invented once."""
        path, work = self.folder / f"visits-{wanted}.xml", self.folder / f"visits-{wanted}"
        note = work / "counts.txt"
        if not note.exists():
            shutil.rmtree(work, ignore_errors=True)
            today = utc_now().astimezone(VIETNAM).date()
            made = write_population(work, people=max(200, int(wanted * PEOPLE_A_VISIT)), seed=SEED, today=today)
            note.write_text(f"{_one_file(work, path)} {made.rows / made.visits}")
            shutil.rmtree(work / "fhir")
        count, rows_a_visit = note.read_text().split()
        files = tuple(sorted((work / "qd4750").glob("*.xml")))
        return Visits(path, files, int(count), round(int(count) * float(rows_a_visit)))


def buffers_mb() -> int:
    """A quarter of the machine's memory, within bounds."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    total_kb = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal"))
    return max(512, min(LARGEST_BUFFERS_MB, total_kb // 1024 // 4))


def schema_digest() -> str:
    """What makes a database stale: the revision, and the text of the migrations while a revision is being written."""
    hashed = hashlib.sha256(REVISION.encode())
    for path in sorted((ROOT / "migrations").rglob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:8]


def run_once(dsn: str, work: Callable[[asyncpg.Connection], object]) -> object:
    """The answer of a coroutine function over one connection."""

    async def run() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)  # type: ignore[misc]
        finally:
            await connection.close()

    return asyncio.run(run())


async def _drop(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"drop database if exists {name} with (force)")
    finally:
        await connection.close()


async def _settle(dsn: str) -> None:
    """What autovacuum would do within the first minutes, so that every run starts alike."""
    connection = await asyncpg.connect(dsn, timeout=600)
    try:
        await connection.execute("vacuum (analyze)")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def _one_file(population: Path, path: Path) -> int:
    """All visits of a population as one envelope, as a central system would send them; how many there are."""
    start = header("79900", f"{utc_now():%Y%m%d}")
    count = 0
    with path.open("wb") as out:
        out.write(start + b" " * 9 + b"</SOLUONGHOSO>\n<DANHSACHHOSO>\n")
        for source in sorted((population / "qd4750").glob("*.xml")):
            content = source.read_bytes()
            begins = len(start) + COUNT_WIDTH
            count += int(content[len(start) : begins])
            out.write(content[content.index(b"<DANHSACHHOSO>") + 15 : -len(FOOTER)])
        out.write(FOOTER)
        out.seek(len(start))
        out.write(b"%9d" % count)
    return count

"""`healthbook import FILES...` and `healthbook replay`: a progress bar, one summary, and an exit code."""

import asyncio
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import typer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.settings import identifier_key
from auth.tables import OAuthClient
from cli.database import database
from cli.embedded_postgres_child import die_with_parent
from cli.progress import counting
from cli.sessions import owner_session
from cli.settings import Addresses, data_folder, environment, keys
from domain.database import open_engine
from domain.intake import fhir, qd4750
from domain.intake.importing import Importer
from domain.intake.submissions import Outcome, Rejected, Submission
from domain.intake.tables import Refusal
from domain.organizations import Organization
from domain.values import VIETNAM, utc_now

Found = Iterable[Submission | Rejected]
SHOWN = 20
SHARE_BYTES = 2 * 1024 * 1024
NOBODYS = ""  # a MA_CSKCB that no visit has, for a client that is gone


class Tally:
    """What became of everything, and the first refusals in words."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.warnings = 0
        self.refused: list[str] = []
        self.kept: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        self.statuses[outcome.status] += 1
        self.kept.update(outcome.kept)
        for issue in outcome.issues:
            if issue.severity == "warning":
                self.warnings += 1
            elif len(self.refused) < SHOWN:
                place = " ".join(str(part) for part in (issue.table, issue.row, issue.field) if part is not None)
                self.refused.append(f"{outcome.origin} #{outcome.position}: {place}: {issue.message}")

    def merge(self, other: "Tally") -> None:
        self.statuses += other.statuses
        self.kept += other.kept
        self.warnings += other.warnings
        self.refused = [*self.refused, *other.refused][:SHOWN]

    def show(self) -> None:
        told = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items())) or "nothing found"
        typer.echo(f"{told}; {self.warnings} warnings")
        if self.kept:
            names = ", ".join(f"{name} ({count})" for name, count in self.kept.most_common())
            typer.echo(f"kept as source only: {names}")
        for line in self.refused:
            typer.echo(f"refused: {line}", err=True)

    @property
    def exit_code(self) -> int:
        return 1 if self.statuses["refused"] else 0


def run(files: Sequence[Path], *, facility: str | None, processes: int) -> int:
    environ = environment()
    secret = identifier_key(keys(environ, data_folder(environ)))
    with database(environ) as addresses:
        tally = import_files(files, addresses.intake, secret, facility=facility, processes=processes)
    tally.show()
    return tally.exit_code


def import_files(
    files: Sequence[Path], dsn: str, secret: bytes, *, facility: str | None = None, processes: int = 1
) -> Tally:
    """Import files with a bar over their bytes: in order by one process, in any order by several."""
    with counting("Importing (bytes)", _size(files)) as progress:
        if processes == 1:
            return asyncio.run(import_stream(read_files(files, facility, progress), dsn, secret))
        return _share(files, dsn, secret, facility, processes, progress)


async def import_stream(found: Found, dsn: str, secret: bytes) -> Tally:
    tally, engine = Tally(), open_engine(dsn)
    importer = Importer(engine=engine, secret=secret, clock=utc_now)
    try:
        async for outcome in importer.take(found):
            tally.add(outcome)
    finally:
        await engine.dispose()
    return tally


def _share(
    files: Sequence[Path],
    dsn: str,
    secret: bytes,
    facility: str | None,
    processes: int,
    progress: Callable[[int], None],
) -> Tally:
    """The database keeps apart what two processes write about one person, so shares need no order among them."""
    tally, done = Tally(), 0
    context = get_context("forkserver")
    context.set_forkserver_preload(["cli.importing"])
    with ProcessPoolExecutor(processes, context, initializer=die_with_parent) as pool:
        shares = {pool.submit(_import_share, share, dsn, secret, facility): share for share in _shares(files)}
        for finished in as_completed(shares):
            tally.merge(finished.result())
            done += _size(shares[finished])
            progress(done)
    return tally


def _import_share(files: Sequence[Path], dsn: str, secret: bytes, facility: str | None) -> Tally:
    return asyncio.run(import_stream(read_files(files, facility, lambda _done: None), dsn, secret))


def _shares(files: Sequence[Path]) -> list[list[Path]]:
    """Files in shares of about SHARE_BYTES, so that many small ones are worth a transaction."""
    shares: list[list[Path]] = [[]]
    for path in files:
        if _size(shares[-1]) >= SHARE_BYTES:
            shares.append([])
        shares[-1].append(path)
    return shares


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def read_files(files: Sequence[Path], facility: str | None, progress: Callable[[int], None]) -> Found:
    """Everything in the files, each entry with the name of its file; `progress` gets the bytes read so far."""
    done, today = 0, utc_now().astimezone(VIETNAM).date()
    for path in files:
        with path.open("rb") as stream:
            for one in found_in(stream, path.suffix, today, facility):
                one.origin = path.name
                progress(done + stream.tell())
                yield one
            done += path.stat().st_size
    progress(done)


def found_in(stream: io.BufferedReader, suffix: str, today: date, facility: str | None) -> Found:
    """Submissions of one file, by its ending: .json and .ndjson are FHIR, everything else QĐ 4750."""
    match suffix.lower():
        case ".json":
            return fhir.submissions(stream.read(fhir.LARGEST_BUNDLE + 1), facility=facility, today=today)
        case ".ndjson":
            return fhir.submissions_of_lines(stream, facility=facility, today=today)
        case _:
            return qd4750.submissions(stream, today=today)


def run_replay() -> int:
    environ = environment()
    secret = identifier_key(keys(environ, data_folder(environ)))
    with database(environ) as addresses:
        tally = asyncio.run(_replay(addresses, secret))
    tally.show()
    return tally.exit_code


async def _replay(addresses: Addresses, secret: bytes) -> Tally:
    """Every open refusal once more, as the facility and client it came from: what a client may not send stays out."""
    tally, engine = Tally(), open_engine(addresses.intake)
    today = utc_now().astimezone(VIETNAM).date()
    facilities = await _facilities(addresses)
    open_ones = select(Refusal.id, Refusal.client_id).where(Refusal.replayed_at.is_(None)).order_by(Refusal.received_at)
    try:
        async with engine.connect() as connection:
            waiting = (await connection.execute(open_ones)).all()
        for row in waiting:
            only = facilities.get(row.client_id, NOBODYS) if row.client_id else None
            importer = Importer(
                engine=engine, secret=secret, clock=utc_now, client_id=row.client_id, only_facility=only
            )
            async for outcome in importer.take(await _refused(engine, row.id, today)):
                tally.add(outcome)
                if outcome.status != "refused":
                    await _replayed(engine, row.id)
    finally:
        await engine.dispose()
    return tally


async def _facilities(addresses: Addresses) -> dict[str, str]:
    """The MA_CSKCB that each client sends for, by its client_id."""
    statement = select(OAuthClient.client_id, Organization.code).join(
        Organization, Organization.id == OAuthClient.organization_id
    )
    async with owner_session(addresses) as session:
        return {row.client_id: row.code for row in await session.execute(statement)}


async def _refused(engine: AsyncEngine, id_: object, today: date) -> Found:
    columns = (Refusal.format, Refusal.content, Refusal.organization_code)
    async with engine.connect() as connection:
        row = (await connection.execute(select(*columns).where(Refusal.id == id_))).one()
    if row.format == "fhir":
        return fhir.submissions(row.content, facility=row.organization_code, today=today)
    return qd4750.submissions(io.BytesIO(qd4750.envelope(row.content, row.organization_code)), today=today)


async def _replayed(engine: AsyncEngine, id_: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(Refusal).where(Refusal.id == id_).values(replayed_at=utc_now()))

"""PostgreSQL as a child process, for the demo, for one machine and for the tests.

    with EmbeddedPostgres(Path("data")) as postgres:
        await asyncpg.connect(postgres.dsn())

It listens on a Unix socket in a private directory only, never shares its data directory and never outlives the process
that started it (`cli/embedded_postgres_child.py`). Whoever reaches the socket is the superuser, so the directory's mode
0700 is the lock on the door. No mode or owner of a folder above the data directory is changed.
"""

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

from cli.embedded_postgres_account import Account, give, initdb_account, server_account
from cli.embedded_postgres_binaries import major_version, reachable, wheel_binaries
from cli.embedded_postgres_child import Watchdog, end, launch, watchdog
from cli.embedded_postgres_errors import AlreadyRunning, EmbeddedPostgresError, StartFailed, WrongVersion
from cli.embedded_postgres_home import PATIENCE, PAUSE, Home
from cli.embedded_postgres_profile import ALWAYS, DEMO, TEST, Profile

__all__ = [
    "DEMO",
    "TEST",
    "AlreadyRunning",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "Profile",
    "StartFailed",
    "WrongVersion",
]

START_BOUND = 120.0  # seconds; recovery after a crash reads the log since the last checkpoint
STOP_BOUND = 60.0  # seconds for a fast shutdown, which writes everything still in memory
QUIT_BOUND = 10.0  # seconds for an immediate shutdown
INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
ORPHANS = "still in use"  # PostgreSQL's words while backends of a killed server are ending


class EmbeddedPostgres:
    """One server over one data directory: cluster, log and lock, see `cli/embedded_postgres_home.py`.

    Keep it in the process that made it: a forked copy must not be used.
    """

    port = 5432  # only a part of the socket's name: two servers have two directories

    def __init__(self, data: Path, profile: Profile = DEMO, *, binaries: Path | None = None) -> None:
        self.data = data.absolute()
        self._profile = profile
        self._wanted_binaries = binaries
        self._home = Home(self.data)
        self._socket_directory: Path | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None

    @property
    def socket_directory(self) -> Path:
        if self._socket_directory is None:
            raise RuntimeError("The embedded PostgreSQL has not been started.")
        return self._socket_directory

    @property
    def process(self) -> int | None:
        """The id of the running server."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={host}&port={self.port}"

    def create_database(self, name: str) -> str:
        """The DSN of the database, made if missing. Not for callers inside an event loop."""
        asyncio.run(self._create_database(name))
        return self.dsn(name)

    async def _create_database(self, name: str) -> None:
        import asyncpg

        connection = await asyncpg.connect(self.dsn())
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                await connection.execute('CREATE DATABASE "{}"'.format(name.replace('"', '""')))
        finally:
            await connection.close()

    def start(self) -> None:
        """Make the cluster if it is new, start the server, return when it answers; nothing happens if it runs.

        Raises AlreadyRunning, WrongVersion, StartFailed.
        """
        if self.process is not None:
            return
        self.stop()
        try:
            self._home.create()
            self._home.lock()
            self._start_locked()
        except BaseException as error:
            self.stop()
            if isinstance(error, (OSError, subprocess.SubprocessError)):
                raise StartFailed(f"PostgreSQL cannot be started in {self.data}: {error}") from error
            raise

    def _start_locked(self) -> None:
        account = server_account(self._home.cluster, self.data)
        wanted = self._wanted_binaries or wheel_binaries()
        self._check_version(major_version(wanted))
        binaries = reachable(wanted, account)
        if not self._home.cluster.exists():
            self._initialise(binaries, account)
        elif account is not None and self._home.cluster.lstat().st_uid != account.uid:
            give(self._home.cluster, account)
        self._socket_directory = self._home.socket_directory(account)
        self._serve(binaries, account)

    def _check_version(self, ours: str) -> None:
        written_by = self._home.version()
        if written_by not in {None, ours}:
            raise WrongVersion(
                f"{self.data} was written by PostgreSQL {written_by}, this is {ours}: dump it with the old version "
                "and restore the dump into a new data directory."
            )

    def _initialise(self, binaries: Path, account: Account | None) -> None:
        """Beside the final name, then renamed: what a power cut leaves is never taken for a cluster."""
        for abandoned in self.data.glob("initdb-*"):
            shutil.rmtree(abandoned)
        staging = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.data))
        maker = initdb_account(account)
        give(staging, maker)
        options = INITDB if self._profile.sync else [*INITDB, "--no-sync"]
        with self._home.new_log() as log:
            self._child = launch(binaries / "initdb", [*options, "-D", staging], maker, log)
        if self._child.wait(START_BOUND) != 0:
            raise StartFailed(f"initdb failed.\n{self._home.last_lines()}")
        give(staging, account)
        self._home.adopt(staging)

    def _serve(self, binaries: Path, account: Account | None) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            self._launch(binaries, account)
            try:
                return self._await_ready()
            except StartFailed as failure:
                if ORPHANS not in str(failure) or time.monotonic() > deadline:
                    raise
                self._end_child()
                time.sleep(PAUSE)

    def _launch(self, binaries: Path, account: Account | None) -> None:
        former = self._home.await_predecessor()
        arguments: list[str | Path] = ["-D", self._home.cluster, "-k", self.socket_directory, "-p", str(self.port)]
        for name, value in {**ALWAYS, **self._profile.settings}.items():
            arguments += ["-c", f"{name}={value}"]
        # Our lock and /proc have shown that no server has this id: PostgreSQL must not mistake a stranger for one.
        # Deleting postmaster.pid instead would blind its check for backends that still write to the cluster.
        ignored = {"PG_GRANDPARENT_PID": str(former)} if former else {}
        with self._home.new_log() as log:
            self._child = launch(binaries / "postgres", arguments, account, log, ignored)
        self._watchdog = watchdog(self._child.pid)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_BOUND
        while (process := self.process) is not None and time.monotonic() < deadline:
            if self._home.postmaster() == (process, "ready"):
                return
            time.sleep(PAUSE)
        ended = "ended" if process is None else f"was not ready after {START_BOUND:.0f} s"
        raise StartFailed(f"PostgreSQL {ended}.\n{self._home.last_lines()}")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, all that was committed is on disk. May be called twice."""
        self._home.announce("stopping")
        try:
            self._end_child()
        finally:
            if self._socket_directory is not None:
                self._home.forget_socket(self._socket_directory)
            self._home.unlock()

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            end(child, ((signal.SIGINT, STOP_BOUND), (signal.SIGQUIT, QUIT_BOUND)))
        if self._watchdog is not None:
            self._watchdog.dismiss()
            self._watchdog = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

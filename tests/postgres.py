"""A real PostgreSQL for the tests: one server per pytest process, one fresh database per test that wants it.

Databases are copied from templates: a template is built (migrated, seeded) once per key and process; a copy of it takes
some 25 ms in memory.
"""

import asyncio
import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import tempfile
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from cli.embedded_postgres import TEST, EmbeddedPostgres

PREFIX = "healthbook-tests-"
MEMORY = Path("/dev/shm")


def fast_folder() -> Path:
    """A folder in memory where the system has one: 20 to 100 times faster than a disk for this work."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


@functools.cache
def test_server() -> EmbeddedPostgres:
    """The server of this process, started at the first call, removed at exit. Call it from the main thread."""
    _remove_abandoned()
    data = Path(tempfile.mkdtemp(prefix=PREFIX, dir=fast_folder()))
    server = EmbeddedPostgres(data, TEST)
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    return server


test_server.__test__ = False  # type: ignore[attr-defined]  # a server, not a test, wherever it is imported


def _remove_abandoned() -> None:
    """What killed test runs left in memory: directories of ours whose lock nobody holds."""
    for data in fast_folder().glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (data / "lock").open("rb") as lock:
            if data.lstat().st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(data, ignore_errors=True)


class Databases:
    """Templates and their copies on one server. Names are made here; everything is addressed by DSN."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._building: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._built: set[str] = set()

    async def template(self, key: str, build: Callable[[str], Awaitable[None]]) -> str:
        """The name of this key's template, built by `build(dsn)` if there is none; what fails half-way is dropped."""
        name = "template_" + hashlib.sha256(key.encode()).hexdigest()[:32]
        async with self._building[name]:
            if name not in self._built:
                await self._build(name, build)
                self._built.add(name)
        return name

    async def _build(self, name: str, build: Callable[[str], Awaitable[None]]) -> None:
        async with self._administrator() as admin:
            if await admin.fetchval("SELECT datistemplate FROM pg_database WHERE datname = $1", name):
                return
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY')
            try:
                await build(self._server.dsn(name))
                await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                await admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
                )
            except BaseException:
                await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
                raise
            await admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')

    async def clone(self, template: str) -> str:
        """The DSN of a new database equal to the template."""
        name = f"clone_{uuid.uuid4().hex}"
        async with self._administrator() as admin:
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self._server.dsn(name)

    async def drop(self, dsn: str) -> None:
        """Drop a clone, whoever is still connected to it."""
        name = unquote(urlsplit(dsn).path.removeprefix("/"))
        if not name.startswith("clone_"):
            raise ValueError(f"{name} is not a clone")
        async with self._administrator() as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextlib.asynccontextmanager
    async def _administrator(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._server.dsn())
        try:
            yield connection
        finally:
            await connection.close()

"""What the tests of the embedded PostgreSQL share: small servers, and processes that supervise one."""

import asyncio
import os
import select
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from cli.embedded_postgres import TEST, EmbeddedPostgres
from tests.postgres import fast_folder

PROJECT = Path(__file__).parents[2]
NOBODY = 65534
SMALL = TEST.override(shared_buffers="8MB", max_connections="10")

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# Everything is imported before the change of user: the interpreter itself may lie where only root can read.
PARENT = """
import asyncio, asyncpg, os, signal, sys, threading, encodings.ascii, encodings.idna
from pathlib import Path
from cli.embedded_postgres import AlreadyRunning, EmbeddedPostgres, TEST
data, mode, user = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
server = EmbeddedPostgres(data, TEST.override(shared_buffers="8MB", max_connections="10"))
if mode == "thread":
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
with server:
    async def ask():
        connection = await asyncpg.connect(server.dsn())
        answer = await connection.fetchval("select 20 + 18")
        await connection.close()
        return answer
    print(server.process, asyncio.run(ask()), flush=True)
    sys.stdin.read()
"""


class Parent:
    """A Python process that supervises a server and waits until its standard input ends."""

    def __init__(self, data, *, mode="main", user=0):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(data), mode, str(user)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=os.environ | {"HOME": str(data)},
        )
        self.server = self.answer = None

    def wait(self):
        words = self.process.stdout.readline().split()
        assert len(words) == 2, "the parent did not start its server"
        self.server, self.answer = map(int, words)
        return self

    def send(self, number):
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self):
        """Its server ends a moment after it, and writes into its folder until then."""
        self.process.kill()
        self.process.communicate()
        assert self.server is None or ended(self.server, 30)


@pytest.fixture
def parents():
    """Starts parents, ends them after the test."""
    started = []

    def start(*arguments, **options):
        started.append(Parent(*arguments, **options))
        return started[-1].wait()

    yield start
    for parent in started:
        parent.close()


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """An empty folder, in memory where possible, that anybody may enter."""
    path = Path(tempfile.mkdtemp(prefix="hb-", dir=fast_folder()))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    with fresh_folder() as path:
        with EmbeddedPostgres(path / "data", SMALL):
            pass
        yield path / "data"


@pytest.fixture
def data(folder, seed) -> Path:
    """A data directory whose cluster is made already."""
    return shutil.copytree(seed, folder / "data")


def ask(server, query, *values):
    async def asked():
        connection = await asyncpg.connect(server.dsn())
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    return asyncio.run(asked())


def ended(process, seconds):
    """Whether the process, not necessarily our child, ends within the time; without polling."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def modes_above(path):
    return {str(folder): folder.stat()[:6] for folder in path.parents}


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def raises_at_start(data, error, match):
    with pytest.raises(error, match=match):
        EmbeddedPostgres(data, SMALL).start()

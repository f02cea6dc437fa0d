"""A demo as a newcomer starts it: a process of its own, a folder of its own, and what it prints."""

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import httpx

from tests.cli.servers import PROJECT

PEOPLE = 12
PATIENCE = 600.0  # seconds until a demo must have said all it has to say
LAST_WORDS = "demo.env"
# Everything is imported before the change of user: the interpreter itself may lie where only root can read.
AS_USER = """
import os, sys, encodings.ascii, encodings.idna, uvicorn.lifespan.on, uvicorn.loops.auto, uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.websockets_sansio_impl
import cli.demo
from cli.main import main
user = int(sys.argv.pop(1))
os.setgroups([]); os.setgid(user); os.setuid(user)
main()
"""
BEARER = re.compile(r"Authorization: Bearer (ey[\w.-]+)")
ORIGIN = re.compile(r"Sign in +(http://127\.0\.0\.1:\d+)/login")


class Demo:
    """`healthbook demo` over a folder. Read its words with `ready()`; `close()` leaves nothing behind."""

    def __init__(self, folder: Path, port: int, *, user: int | None = None) -> None:
        self.folder = folder
        self.words = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- as long as the process
        plain = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHBOOK_")}
        started_by = ["-c", AS_USER, str(user)] if user else ["-m", "cli.main"]
        self.process = subprocess.Popen(
            [sys.executable, *started_by, "demo", "--people", str(PEOPLE), "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=PROJECT,
            env=plain | {"HEALTHBOOK_DATA": str(folder), "COLUMNS": "200"},
        )

    def ready(self) -> "Demo":
        """Waits until it has said where to look, which it says once it answers."""
        deadline = time.monotonic() + PATIENCE
        while LAST_WORDS not in self.words:
            left = deadline - time.monotonic()
            assert left > 0, f"not ready after {PATIENCE} s: {self.words}"
            if select.select([self.process.stdout], [], [], left)[0]:
                read = os.read(self.process.stdout.fileno(), 65536)
                assert read, f"it ended: {self.words}{self.errors}"
                self.words += read.decode()
        return self

    @property
    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode()

    @property
    def origin(self) -> str:
        return ORIGIN.search(self.words)[1]

    @property
    def token(self) -> str:
        return BEARER.search(self.words)[1]

    @property
    def postgres(self) -> int:
        """The id of its PostgreSQL."""
        return int((self.folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])

    @property
    def has_database(self) -> bool:
        return (self.folder / "postgres" / "cluster" / "postmaster.pid").exists()

    def sql(self, statement: str) -> str:
        """One statement as the owner of its database; what it did, such as UPDATE 1."""

        async def run() -> str:
            inside, note = self.folder / "postgres" / "socket", self.folder / "postgres" / "socket.path"
            host = note.read_text().strip() if note.exists() else str(inside)
            connection = await asyncpg.connect(host=host, user="postgres", database="healthbook")
            try:
                return await connection.execute(statement)
            finally:
                await connection.close()

        return asyncio.run(run())

    def run(self, *script: str) -> str:
        """What one of the tours says, word for word as a newcomer runs it."""
        told = os.environ | {"HEALTHBOOK_DATA": str(self.folder)}
        done = subprocess.run([sys.executable, *script], capture_output=True, text=True, cwd=PROJECT, env=told)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.origin}{path}")

    def ask(self, query: str, token: str | None = None) -> dict:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.post(f"{self.origin}/graphql", json={"query": query}, headers=headers).json()

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def close(self) -> None:
        """End it, politely where it still runs: a database that was stopped starts sooner."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=300)
        finally:
            self.process.kill()
            self._errors.close()


def free_port() -> int:
    """A port that nobody listens on; the demo takes the next one should somebody be quicker."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]

"""A server ends with the process that started it, and only then."""

import asyncio
import os
import signal
import threading
from contextlib import suppress

import asyncpg
import pytest

from cli import embedded_postgres
from cli.embedded_postgres import EmbeddedPostgres, StartFailed
from tests.cli import servers
from tests.cli.servers import SMALL, ask, ended, linux, raises_at_start
from tests.pace import seconds

folder, seed, data, parents = servers.folder, servers.seed, servers.data, servers.parents


@linux
@pytest.mark.parametrize("mode", ["main", "thread"])
def test_ends_within_two_seconds_when_its_parent_is_killed(data, parents, mode):
    parent = parents(data, mode=mode)
    assert not ended(parent.server, 0)
    parent.send(signal.SIGKILL)
    assert ended(parent.server, seconds(2))
    with EmbeddedPostgres(data, SMALL):
        assert "was shut down at" in (data / "server.log").read_text()


@linux
def test_starts_at_once_after_its_parent_was_killed(data, parents):
    parents(data).send(signal.SIGKILL)
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1


@linux
def test_recovers_when_parent_and_server_were_killed(data, parents):
    parent = parents(data)
    os.kill(parent.server, signal.SIGKILL)
    parent.send(signal.SIGKILL)
    with EmbeddedPostgres(data, SMALL) as server:
        assert "automatic recovery in progress" in (data / "server.log").read_text()
        assert ask(server, "SELECT 1") == 1


@linux
def test_ends_when_its_parent_is_asked_to(data, parents):
    parent = parents(data)
    assert parent.send(signal.SIGTERM) == 0
    assert ended(parent.server, 0)
    assert "database system is shut down" in (data / "server.log").read_text()


@pytest.fixture
def orphan(data):
    """A stopped backend of a server that was killed: it still has the cluster's memory."""

    async def backend_of(server):
        connection = await asyncpg.connect(server.dsn())
        process = connection.get_server_pid()
        os.kill(process, signal.SIGSTOP)
        os.kill(server.process, signal.SIGKILL)
        connection.terminate()
        return process

    server = EmbeddedPostgres(data, SMALL)
    server.start()
    process = asyncio.run(backend_of(server))
    server.stop()
    yield process
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    assert ended(process, 10)
    with EmbeddedPostgres(data, SMALL):
        pass  # removes what the killed server left in shared memory


@linux
def test_does_not_start_beside_the_backends_of_a_killed_server(data, orphan, monkeypatch):
    monkeypatch.setattr(embedded_postgres, "PATIENCE", 0.2)
    raises_at_start(data, StartFailed, "still in use")
    assert not ended(orphan, 0)


@linux
def test_waits_for_the_backends_of_a_killed_server(data, orphan):
    end = threading.Timer(0.3, os.kill, (orphan, signal.SIGKILL))
    end.start()
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1
    end.join()


def test_ctrl_c_in_the_terminal_does_not_reach_it(data):
    with EmbeddedPostgres(data, SMALL) as server:
        assert os.getpgid(server.process) != os.getpgrp()
        assert os.getsid(server.process) != os.getsid(0)

"""A data directory has one server, and its socket one user."""

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from cli import embedded_postgres_home
from cli.embedded_postgres import AlreadyRunning, EmbeddedPostgres, StartFailed
from cli.embedded_postgres_account import SERVER_ID
from cli.embedded_postgres_home import Home
from tests.cli import servers
from tests.cli.servers import SMALL, ask, linux, mode, modes_above, raises_at_start

folder, seed, data, parents = servers.folder, servers.seed, servers.data, servers.parents


def test_only_its_user_reaches_the_socket(data):
    with EmbeddedPostgres(data, SMALL) as server:
        assert server.socket_directory.parent == data
        assert mode(server.socket_directory) == 0o700
        (socket,) = (path for path in server.socket_directory.iterdir() if path.is_socket())
        assert mode(socket) == 0o700
        assert mode(data / "cluster") == 0o700


@pytest.mark.parametrize("name", ["with some spaces", "sổ sức khỏe", "comma,quote'\"?&%", "long" * 60])
def test_any_name_will_do(folder, seed, name):
    data = shutil.copytree(seed, folder / name)
    before = modes_above(data)
    with EmbeddedPostgres(data, SMALL) as server:
        directory = server.socket_directory
        assert len(os.fsencode(directory)) < 100
        assert mode(directory) == 0o700
        assert ask(server, "SELECT 1") == 1
    assert not directory.exists()
    assert {folder: seen[0] for folder, seen in modes_above(data).items()} == {f: seen[0] for f, seen in before.items()}


def test_changes_no_folder_above(folder):
    outer = folder / "outer"
    outer.mkdir(mode=0o711)
    data = outer / "data"
    before = {path: (seen[0], seen[4:6]) for path, seen in modes_above(data).items()}
    with EmbeddedPostgres(data, SMALL):
        pass
    assert {path: (seen[0], seen[4:6]) for path, seen in modes_above(data).items()} == before
    assert mode(data) == 0o700


@linux
def test_finds_its_temporary_socket_directory_again_after_a_crash(data, folder, parents):
    data = data.rename(folder / "with spaces")
    parent = parents(data)
    os.kill(parent.server, signal.SIGKILL)
    parent.send(signal.SIGKILL)
    left = Path((data / "socket.path").read_text())
    assert left.is_dir()
    with EmbeddedPostgres(data, SMALL) as server:
        assert server.socket_directory == left
        assert ask(server, "SELECT 1") == 1
    assert not left.exists()


@pytest.mark.parametrize("planted", ["open to all", "a file", "a link", "gone"])
def test_trusts_no_remembered_directory_that_is_not_private(data, folder, planted):
    data = data.rename(folder / "with spaces")
    known = folder / "healthbook-known"
    if planted == "open to all":
        known.mkdir(mode=0o755)
    elif planted == "a file":
        known.touch(mode=0o700)
    elif planted == "a link":
        (folder / "elsewhere").mkdir(mode=0o700)
        known.symlink_to(folder / "elsewhere")
    if os.geteuid() == 0 and planted != "gone":
        os.chown(known, SERVER_ID, SERVER_ID, follow_symlinks=False)
    (data / "socket.path").write_text(str(known))
    with EmbeddedPostgres(data, SMALL) as server:
        assert server.socket_directory != known
        assert mode(server.socket_directory) == 0o700


def test_makes_an_open_socket_directory_anew(data):
    (data / "socket").mkdir(mode=0o755)
    (data / "socket" / ".s.PGSQL.5432.lock").write_text("1\n")
    with EmbeddedPostgres(data, SMALL) as server:
        assert mode(server.socket_directory) == 0o700


def test_does_not_delete_what_is_not_a_socket(data):
    (data / "socket").mkdir(mode=0o755)
    (data / "socket" / "letter").write_text("dear")
    raises_at_start(data, StartFailed, "socket")
    assert (data / "socket" / "letter").read_text() == "dear"


def test_follows_no_link_in_place_of_the_socket_directory(data, folder):
    (folder / ".s.PGSQL.5432").write_text("")
    (data / "socket").symlink_to(folder)
    raises_at_start(data, StartFailed, "socket")
    assert (folder / ".s.PGSQL.5432").exists()


def test_does_not_join_a_server_of_this_process(data):
    with EmbeddedPostgres(data, SMALL) as server:
        raises_at_start(data, AlreadyRunning, f"in use by process {os.getpid()}")
        assert ask(server, "SELECT 1") == 1


def test_does_not_join_a_server_of_another_process(data, parents):
    parent = parents(data)
    raises_at_start(data, AlreadyRunning, f"in use by process {parent.process.pid}")
    assert parent.send(signal.SIGTERM) == 0
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1


def test_waits_for_one_that_is_stopping(folder):
    first, second = Home(folder), Home(folder)
    first.lock()
    first.announce("stopping")
    with ThreadPoolExecutor(1) as pool:
        locking = pool.submit(second.lock)
        assert not wait([locking], timeout=0.2).done
        first.unlock()
        locking.result(10)
    with pytest.raises(AlreadyRunning):
        first.lock()
    second.unlock()


@linux
def test_does_not_take_over_a_server_it_did_not_start(data, monkeypatch):
    monkeypatch.setattr(embedded_postgres_home, "PATIENCE", 0.2)
    with EmbeddedPostgres(data, SMALL) as server:
        server._home.unlock()
        raises_at_start(data, AlreadyRunning, f"served by process {server.process}")
        assert ask(server, "SELECT 1") == 1


@linux
def test_a_strangers_process_with_the_old_id_does_not_matter(data):
    owner = (data / "cluster").stat()
    stranger = subprocess.Popen(["sleep", "60"], user=SERVER_ID if os.geteuid() == 0 else None)
    try:
        note = data / "cluster" / "postmaster.pid"
        note.write_text(f"{stranger.pid}\n{data / 'cluster'}\n1\n5432\n\n\n0 0\nready   \n")
        os.chown(note, owner.st_uid, owner.st_gid)
        with EmbeddedPostgres(data, SMALL) as server:
            assert ask(server, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()

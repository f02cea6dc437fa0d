"""Root's server is not root; nobody's rights above the data directory change."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from cli import embedded_postgres_binaries
from cli.embedded_postgres import EmbeddedPostgres, StartFailed
from cli.embedded_postgres_account import SERVER_ID
from cli.embedded_postgres_binaries import wheel_binaries
from tests.cli import servers
from tests.cli.servers import NOBODY, SMALL, as_root, ask, ended, linux, mode
from tests.pace import seconds

folder, seed, data, parents = servers.folder, servers.seed, servers.data, servers.parents


@linux
@as_root
def test_the_server_of_root_is_nobody_at_all(data):
    with EmbeddedPostgres(data, SMALL) as server:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{server.process}/status").read_text().splitlines())
        assert {*status["Uid"].split(), *status["Gid"].split()} == {str(SERVER_ID)}
        assert status["Groups"].split() == []
        assert int(status["CapEff"], 16) == 0
        assert (data / "cluster").stat().st_uid == SERVER_ID
    assert all((data / name).lstat().st_uid == 0 for name in ("lock", "server.log"))
    owners = {path.lstat().st_uid for path in (data / "cluster").rglob("*")}
    assert owners == {SERVER_ID}


@linux
@as_root
def test_serves_below_a_folder_only_root_may_enter(folder):
    home = folder / "root"
    home.mkdir(mode=0o700)
    data = home / "data"
    with EmbeddedPostgres(data, SMALL) as server:
        ask(server, "CREATE TABLE many AS SELECT generate_series(1, 20000) AS i")
        ask(server, "CHECKPOINT")
        server.create_database("second")
        assert ask(server, "SELECT pg_reload_conf()")
        assert server.data == data
        assert server.socket_directory.parent == data
    assert mode(home) == 0o700
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT count(*) FROM many") == 20000


def hidden_wheel(hidden):
    package = wheel_binaries().parents[1]
    with suppress(FileNotFoundError):
        shutil.copytree(package.with_name(f"{package.name}.libs"), hidden / f"{package.name}.libs")
    return shutil.copytree(package / "pginstall18", hidden / package.name / "pginstall18")


@linux
@as_root
def test_runs_a_copy_of_binaries_only_root_may_reach(data, folder, monkeypatch):
    monkeypatch.setattr(embedded_postgres_binaries, "COPIES", folder / "copies")
    hidden = folder / "venv"
    hidden.mkdir(mode=0o700)
    installation = hidden_wheel(hidden)
    for _ in range(2):
        with EmbeddedPostgres(data, SMALL, binaries=installation / "bin") as server:
            program = Path(f"/proc/{server.process}/exe").readlink()
            assert ask(server, "SELECT count(*) FROM pg_timezone_names") > 100
    (copy,) = (folder / "copies").iterdir()
    assert program.is_relative_to(copy)
    assert mode(hidden) == 0o700
    assert {path.lstat().st_mode & 0o022 for path in copy.rglob("*")} == {0}
    with EmbeddedPostgres(folder / "fresh", SMALL, binaries=installation / "bin") as server:
        assert ask(server, "SELECT 1") == 1


@linux
@as_root
def test_does_not_run_a_copy_that_is_not_roots(data, folder, monkeypatch):
    monkeypatch.setattr(embedded_postgres_binaries, "COPIES", folder / "copies")
    hidden = folder / "venv"
    hidden.mkdir(mode=0o700)
    binaries = hidden_wheel(hidden) / "bin"
    with EmbeddedPostgres(data, SMALL, binaries=binaries):
        pass
    (copy,) = (folder / "copies").iterdir()
    os.chown(copy, NOBODY, NOBODY)
    with pytest.raises(StartFailed, match="ordinary user"):
        EmbeddedPostgres(data, SMALL, binaries=binaries).start()


@linux
@as_root
def test_takes_a_cluster_that_root_copied(data):
    for path in [data, *data.rglob("*")]:
        os.chown(path, 0, 0, follow_symlinks=False)
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1


@linux
@as_root
def test_works_for_an_ordinary_user(folder, parents):
    os.chown(folder, NOBODY, NOBODY)
    parent = parents(folder / "data", user=NOBODY)
    assert parent.answer == 38
    assert Path(f"/proc/{parent.server}").stat().st_uid == NOBODY
    parent.send(signal.SIGKILL)
    assert ended(parent.server, seconds(2))
    assert parents(folder / "data", user=NOBODY).answer == 38


@linux
@as_root
def test_root_leaves_an_ordinary_users_directory_to_that_user(folder, parents):
    os.chown(folder, NOBODY, NOBODY)
    data = folder / "data"
    data.mkdir(mode=0o700)
    os.chown(data, NOBODY, NOBODY)
    with EmbeddedPostgres(data, SMALL) as server:
        assert Path(f"/proc/{server.process}").stat().st_uid == NOBODY
    with suppress(FileNotFoundError):
        assert {path.stat().st_uid for path in (data / "cluster").rglob("*")} == {NOBODY}
    assert parents(data, user=NOBODY).answer == 38

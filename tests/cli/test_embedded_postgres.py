"""A PostgreSQL of our own: it serves, keeps what it was given, and says why when it cannot."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from cli.embedded_postgres import DEMO, TEST, EmbeddedPostgres, StartFailed, WrongVersion
from tests.cli import servers
from tests.cli.servers import SMALL, ask, linux, raises_at_start

folder, seed, data, parents = servers.folder, servers.seed, servers.data, servers.parents


def test_serves_a_new_directory_and_finds_its_data_again(folder, record_property):
    begun = time.monotonic()
    server = EmbeddedPostgres(folder / "new" / "data", SMALL)
    server.start()
    record_property("seconds of a first start", round(time.monotonic() - begun, 3))
    ask(server, "CREATE TABLE kept AS SELECT 'sổ' AS word")
    server.stop()
    with server:
        assert ask(server, "SELECT word FROM kept") == "sổ"
    assert time.monotonic() - begun < 60


def test_starting_and_stopping_twice_changes_nothing(data):
    server = EmbeddedPostgres(data, SMALL)
    server.stop()
    server.start()
    process = server.process
    server.start()
    assert server.process == process
    server.stop()
    server.stop()
    assert server.process is None


def test_stops_while_clients_are_connected(data):
    async def connected():
        with EmbeddedPostgres(data, SMALL) as server:
            connection = await asyncpg.connect(server.dsn())
        connection.terminate()

    asyncio.run(connected())
    assert "database system is shut down" in (data / "server.log").read_text()


def test_starts_again_after_the_server_was_killed(data):
    with EmbeddedPostgres(data, DEMO) as server:
        ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
        killed = server.process
        os.kill(killed, signal.SIGKILL)
        os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
        assert server.process is None
        server.start()
        assert ask(server, "SELECT one FROM kept") == 1


@linux
def test_leaves_no_descriptor_open(data):
    def count():
        return len(list(Path("/proc/self/fd").iterdir()))

    EmbeddedPostgres(data, SMALL).stop()
    before = count()
    with EmbeddedPostgres(data, SMALL):
        assert count() == before + 1  # the lock
    assert count() == before


def test_two_directories_have_two_servers(data, folder, seed):
    other = shutil.copytree(seed, folder / "other")
    with EmbeddedPostgres(data, SMALL) as one, EmbeddedPostgres(other, SMALL) as two:
        ask(one, "CREATE TABLE only_here (i int)")
        assert ask(two, "SELECT to_regclass('only_here')") is None


def test_makes_a_database_once(data):
    name = 'sổ "sức" khỏe/?&'
    with EmbeddedPostgres(data, SMALL) as server:
        assert server.create_database(name) == server.create_database(name) == server.dsn(name)
        assert ask(server, "SELECT count(*) FROM pg_database WHERE datname = $1", name) == 1
        connected = asyncio.run(database_of(server.dsn(name)))
    assert connected == name


async def database_of(dsn):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT current_database()")
    finally:
        await connection.close()


def test_has_no_socket_before_the_start(folder):
    with pytest.raises(RuntimeError):
        EmbeddedPostgres(folder / "data").dsn()


@pytest.mark.parametrize("profile", [DEMO, TEST], ids=["demo", "test"])
def test_has_the_settings_of_its_profile(data, profile):
    with EmbeddedPostgres(data, profile) as server:
        for name, value in profile.settings.items():
            assert ask(server, "SELECT current_setting($1)", name) == value


def test_an_override_changes_one_setting():
    changed = TEST.override(max_connections="7")
    assert changed.settings == {**TEST.settings, "max_connections": "7"}
    assert TEST.settings["max_connections"] == "40"


def test_keeps_the_demo_safe_on_disk():
    assert DEMO.sync
    assert (DEMO.settings["fsync"], DEMO.settings["synchronous_commit"]) == ("on", "on")
    assert "full_page_writes" not in DEMO.settings


def test_listens_nowhere_on_the_network_and_lives_in_utc(data):
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT current_setting('listen_addresses')") == ""
        assert ask(server, "SELECT current_setting('timezone') || current_setting('log_timezone')") == "UTCUTC"
        assert ask(server, "SELECT datlocprovider::text || datlocale FROM pg_database LIMIT 1") == "bC.UTF-8"
        assert ask(server, "SELECT upper('đặng thị ệ')") == "ĐẶNG THỊ Ệ"


def test_ignores_postgresql_variables_and_hides_ours(data, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGOPTIONS", "-c jit=on")
    monkeypatch.setenv("HEALTHBOOK_SIGNING_KEY", "secret-key")
    server = EmbeddedPostgres(data, SMALL)
    server.start()
    monkeypatch.undo()
    with server:
        environment = Path(f"/proc/{server.process}/environ")
        assert not environment.exists() or b"secret-key" not in environment.read_bytes()
        assert ask(server, "SELECT current_setting('port')") == "5432"


def test_writes_no_values_of_failed_statements_to_its_log(data):
    with EmbeddedPostgres(data, SMALL) as server:
        ask(server, "CREATE TABLE person (name text PRIMARY KEY)")
        ask(server, "INSERT INTO person VALUES ('Nguyễn Văn Xanh')")
        for statement in ("INSERT INTO person VALUES ('Nguyễn Văn Xanh')", "SELECT 'Nguyễn Văn Xanh'::int"):
            with pytest.raises(asyncpg.PostgresError):
                ask(server, statement)
    log = (data / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "Xanh" not in log


def test_writes_to_no_file_that_has_another_name(data, folder):
    (folder / "letter").write_text("dear")
    (data / "lock").unlink()
    (data / "lock").hardlink_to(folder / "letter")
    raises_at_start(data, StartFailed, "link")
    assert (folder / "letter").read_text() == "dear"


def test_names_the_version_that_wrote_the_data(data):
    (data / "cluster" / "PG_VERSION").write_text("17\n")
    raises_at_start(data, WrongVersion, "written by PostgreSQL 17, this is 18")


def test_does_not_touch_a_damaged_cluster(data):
    (data / "cluster" / "PG_VERSION").unlink()
    raises_at_start(data, StartFailed, "damaged")
    assert (data / "cluster" / "base").is_dir()


def test_does_not_start_inside_a_foreign_postgresql_directory(data):
    raises_at_start(data / "cluster", StartFailed, "bare PostgreSQL directory")


def test_shows_the_log_of_a_failed_start_and_can_be_started_later(data):
    with pytest.raises(StartFailed, match="max_connections"):
        EmbeddedPostgres(data, TEST.override(max_connections="none")).start()
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1
    assert "max_connections" in (data / "server.log.1").read_text()


def test_says_when_there_are_no_binaries(folder):
    with pytest.raises(StartFailed, match="No PostgreSQL that runs in"):
        EmbeddedPostgres(folder / "data", SMALL, binaries=folder).start()


def test_says_when_the_place_cannot_be_made(folder):
    (folder / "file").write_text("")
    raises_at_start(folder / "file" / "data", StartFailed, "cannot be started in")


def test_an_interrupted_first_start_is_begun_anew(folder):
    data = folder / "data"
    (data / "initdb-left").mkdir(parents=True)
    (data / "initdb-left" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(data, SMALL) as server:
        assert ask(server, "SELECT 1") == 1
    assert not (data / "initdb-left").exists()

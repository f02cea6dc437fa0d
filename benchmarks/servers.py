"""The servers that are compared, each in a process of its own on a free loopback port.

`python -m benchmarks.servers NAME` reads its configuration as one JSON line, tells its port and serves until its
standard input ends, and no longer than `LIFE_S` whatever happens.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks import postgraphile
from benchmarks.data import World
from cli.serve import ensure_keys, serve

HOST = "127.0.0.1"
ISSUER = "http://127.0.0.1"  # of the tokens; the port differs from run to run
CONNECTIONS = 10  # of those that healthbook is compared with
LIFE_S = 3600
NO_LIMIT = 10**12  # of each budget: they are leased and counted, and nobody runs out


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `pid` is the process that answers."""

    name: str
    pid: int
    port: int

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def running(name: str, world: World, folder: Path) -> Iterator[Server]:
    """One of `SERVERS`, or PostGraphile, for the length of the block. `folder`: of the benchmarks' data."""
    with _started(name, world, folder) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield Server(name, child.pid, int(child.stdout.readline()))
        finally:
            child.stdin.close()
            _end(child)


def _started(name: str, world: World, folder: Path) -> subprocess.Popen[str]:
    if name == "postgraphile":
        return postgraphile.start(folder, world.addresses.owner, CONNECTIONS)
    command = [sys.executable, "-m", "benchmarks.servers", name]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(json.dumps(configuration(world)) + "\n")
    child.stdin.flush()
    return child


def _end(child: subprocess.Popen[str]) -> None:
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()


def configuration(world: World) -> dict[str, str]:
    return {
        **asdict(world.addresses),
        "kek": world.kek,
        "identifier_key": world.identifier_key.hex(),
    }


def auth_settings(kek: str) -> Any:
    from auth.settings import AuthSettings

    return AuthSettings(issuer=ISSUER, audience=f"{ISSUER}/graphql", kek=b64decode(kek), demo_sign_in=True)


def healthbook(config: dict[str, str], listening: socket.socket) -> None:
    """What `healthbook serve` serves."""
    from api.budgets import Limits
    from api.settings import ApiSettings
    from cli.settings import LOGINS, Addresses

    addresses = Addresses(*(config[name] for name in ("owner", *LOGINS)))
    auth = auth_settings(config["kek"])
    asyncio.run(ensure_keys(addresses, auth))
    api = ApiSettings(
        web_dsn=addresses.web,
        intake_dsn=addresses.intake,
        auth_dsn=addresses.auth,
        consent_dsn=addresses.consent,
        identifier_key=bytes.fromhex(config["identifier_key"]),
        budgets=Limits(*[NO_LIMIT] * 4),
    )
    serve(api, auth, listening)


def handwritten(config: dict[str, str], listening: socket.socket) -> None:
    from benchmarks.handwritten import create_app

    _serve(create_app(config["owner"], CONNECTIONS), listening)


def handwritten_few(config: dict[str, str], listening: socket.socket) -> None:
    """The same with as few connections as healthbook takes."""
    from api.settings import CONNECTIONS as FEW
    from benchmarks.handwritten import create_app

    _serve(create_app(config["owner"], FEW), listening)


def orm(config: dict[str, str], listening: socket.socket) -> None:
    from benchmarks.orm import create_app

    _serve(create_app(config["owner"], CONNECTIONS), listening)


def _serve(app: Any, listening: socket.socket) -> None:
    """One uvicorn worker with what `uvicorn[standard]` brings: uvloop and httptools."""
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[listening]))


SERVERS: dict[str, Callable[[dict[str, str], socket.socket], None]] = {
    "healthbook": healthbook,
    "handwritten": handwritten,
    "handwritten_few": handwritten_few,
    "orm": orm,
}


def _until_input_ends() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    signal.alarm(LIFE_S)
    config = json.loads(sys.stdin.readline())
    threading.Thread(target=_until_input_ends, daemon=True).start()
    listening = socket.create_server((HOST, 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    SERVERS[sys.argv[1]](config, listening)


if __name__ == "__main__":
    main()

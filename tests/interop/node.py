"""Node programs of other people that the suite talks to: installed once from one committed lock, run for a while.

Without node the tests that need one are skipped, but never in CI.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = (".npmrc", "package.json", "package-lock.json")
OLDEST = 20
"""The first node whose WebCrypto is a global, which openid-client and jose build on."""
INSTALL_LIMIT_S, START_LIMIT_S, RUN_LIMIT_S = 300, 60, 120


def needs_node() -> None:
    reason = _missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; .ci/run installs it")
    pytest.skip(reason)


def _missing() -> str | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "node and npm are not installed here (Debian: apt-get install nodejs npm)"
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=START_LIMIT_S).stdout
    major = int(told.removeprefix("v").partition(".")[0])
    return None if major >= OLDEST else f"node is {told.strip()}, and older than {OLDEST}"


def installed(cache: Path) -> Path:
    """A folder with the locked packages, made once for each state of the lock, and our programs beside them."""
    needs_node()
    state = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PACKAGES)).hexdigest()[:16]
    folder = cache / state
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _install(folder)
            (folder / "installed").touch()
        for program in HERE.glob("*.mjs"):
            _put(program.read_bytes(), folder / program.name)
    return folder


def _install(folder: Path) -> None:
    for name in PACKAGES:
        shutil.copy(HERE / name, folder)
    done = subprocess.run(["npm", "ci"], cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    assert done.returncode == 0, done.stderr


def _put(program: bytes, at: Path) -> None:
    """In one step, for a process of another worker may be reading it; and only if it is another one."""
    if at.exists() and at.read_bytes() == program:
        return
    new = at.with_suffix(".new")
    new.write_bytes(program)
    new.replace(at)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def running(folder: Path, script: str, told: dict[str, Any]) -> Iterator[None]:
    """The program, from the moment it says `ready` until the block ends."""
    process = subprocess.Popen(
        ["node", script, json.dumps(told)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield
    finally:
        process.kill()
        process.communicate(timeout=START_LIMIT_S)


async def ran(folder: Path, script: str, flow: str, told: dict[str, Any]) -> Any:
    """What the flow of a program answers. Told on its standard input, for the arguments of a process are public."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "run.mjs",
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    asked = json.dumps({"script": script, "flow": flow, "told": told}).encode()
    try:
        out, err = await asyncio.wait_for(process.communicate(asked), RUN_LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return json.loads(out)

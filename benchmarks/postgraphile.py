"""PostGraphile 5 on the same tables, as a server that the others are compared with (benchmarks/postgraphile/).

It needs node 22 or newer in the PATH. Its packages are installed once into the folder of the benchmarks, from the lock.
"""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.load import ToolMissing

HERE = Path(__file__).parent / "postgraphile"
OLDEST_NODE = 22


def screens() -> frozenset[str]:
    """The screens that are written for it."""
    return frozenset(path.stem for path in HERE.glob("*.graphql"))


def query(screen: str) -> str:
    return (HERE / f"{screen}.graphql").read_text()


def installed(folder: Path) -> Path:
    """The folder with the server and its packages."""
    home = folder / "postgraphile"
    lock = (HERE / "package-lock.json").read_bytes()
    done = home / "node_modules" / ".lock"
    home.mkdir(parents=True, exist_ok=True)
    for name in ("server.mjs", "package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, home / name)
    if not done.exists() or done.read_bytes() != lock:
        npm = shutil.which("npm")
        if npm is None:
            raise ToolMissing("npm is missing: PostGraphile cannot be installed.")
        subprocess.run([npm, "ci", "--loglevel=error"], cwd=home, check=True)
        done.write_bytes(lock)
    return home


def start(folder: Path, owner: str, connections: int) -> subprocess.Popen[str]:
    """The running server; its first line of output is its port."""
    address = urlsplit(owner)
    parts = parse_qs(address.query)
    environment = {
        "PATH": os.environ["PATH"],
        "GRAPHILE_ENV": "production",
        "NODE_ENV": "production",
        "PGHOST": parts["host"][0],
        "PGPORT": parts["port"][0],
        "PGUSER": address.username or "postgres",
        "PGDATABASE": address.path.lstrip("/"),
        "CONNECTIONS": str(connections),
    }
    command = [_node(), "server.mjs"]
    home = installed(folder)
    return subprocess.Popen(
        command, cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _node() -> str:
    node = shutil.which("node")
    version = subprocess.run([node, "-v"], check=True, capture_output=True, text=True).stdout if node else "v0"
    if node is None or int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise ToolMissing(f"PostGraphile needs node {OLDEST_NODE} or newer in the PATH.")
    return node

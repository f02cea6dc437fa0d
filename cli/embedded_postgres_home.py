"""The data directory of the embedded PostgreSQL on disk.

    lock               held by the process that supervises; says its id and what it does
    cluster/           PostgreSQL's own directory (PG_VERSION, base, ...), mode 0700
    socket/            the private directory of the socket, mode 0700, where its path is short and plain enough
    socket.path        else: where in the system's temporary folder that directory is
    server.log         since the last start; server.log.1 is of the run before

When root supervises, the cluster and the socket's directory belong to the server's account, and the rest stays root's
(or whose the folder was): a superuser of the database cannot trick root through this folder.
"""

import contextlib
import fcntl
import os
import re
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from cli.embedded_postgres_account import Account, give
from cli.embedded_postgres_errors import AlreadyRunning, StartFailed

PATIENCE = 10.0  # seconds for a predecessor that is shutting down
PAUSE = 0.01
LONGEST_SOCKET_DIRECTORY = 85  # bytes; sun_path holds 104 on macOS, 108 on Linux, with "/.s.PGSQL.5432" and NUL
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")  # needs no quoting in a list of directories, a URL or a shell
TAIL = 4096


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.cluster = path / "cluster"
        self.log = path / "server.log"
        self._lock: int | None = None

    def create(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.path / "PG_VERSION").exists():
            raise StartFailed(f"{self.path} is a bare PostgreSQL directory; name an empty folder or one of healthbook.")

    def lock(self) -> None:
        """Become the only supervisor, or raise AlreadyRunning; waits only for one that is stopping."""
        descriptor = self._lock_file()
        try:
            self._wait_for(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._lock = descriptor
        self.announce("running")

    def _lock_file(self) -> int:
        try:
            return self._create("lock", os.O_RDWR)
        except FileExistsError:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_NOFOLLOW)
        if os.fstat(descriptor).st_nlink > 1:  # another name of a file that is none of ours to write
            os.close(descriptor)
            raise StartFailed(f"{self.path / 'lock'} is a link to another file.")
        return descriptor

    def _create(self, name: str, access: int) -> int:
        """A new private file of the directory's owner, who may start the server next time, where now root does."""
        descriptor = os.open(self.path / name, access | os.O_CREAT | os.O_EXCL, 0o600)
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    def _wait_for(self, descriptor: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder, _, doing = os.pread(descriptor, 64, 0).decode("ascii", "replace").partition(" ")
                if doing != "stopping" or time.monotonic() > deadline:
                    raise AlreadyRunning(f"{self.path} is in use by process {holder or '?'}.") from None
                time.sleep(PAUSE)

    def announce(self, doing: str) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()} {doing}".encode(), 0)

    def unlock(self) -> None:
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)  # also for a forked child that still has the descriptor
            os.close(self._lock)
            self._lock = None

    def adopt(self, staging: Path) -> None:
        """The finished cluster gets its name, for good."""
        staging.rename(self.cluster)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def new_log(self) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self.path / "server.log.1")
        return os.fdopen(self._create(self.log.name, os.O_WRONLY | os.O_APPEND), "wb")

    def last_lines(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-20:])

    def version(self) -> str | None:
        """The major version that wrote the cluster; None when there is no cluster yet."""
        if not self.cluster.exists():
            return None
        try:
            return (self.cluster / "PG_VERSION").read_text("ascii")[:10].strip()
        except (OSError, ValueError) as error:
            raise StartFailed(f"{self.cluster} is damaged: it has no readable PG_VERSION.") from error

    def postmaster(self) -> tuple[int | None, str]:
        """Process id and state in postmaster.pid (PostgreSQL's pidfile.h: lines 1 and 8)."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
            return abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else ""  # noqa: PLR2004
        except (OSError, ValueError, IndexError):
            return None, ""

    def await_predecessor(self) -> int | None:
        """Wait until the last server of this cluster, if it still lives, has ended.

        Answers the id it had. By now that may be a stranger's process, which PostgreSQL would take for a server.
        """
        deadline = time.monotonic() + PATIENCE
        while (process := self.postmaster()[0]) is not None and self._serves(process):
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"{self.path} is served by process {process}, which we did not start.")
            time.sleep(PAUSE)
        return process if sys.platform == "linux" else None

    def _serves(self, process: int) -> bool:
        """A server works in its cluster's directory. Without /proc PostgreSQL's own check has to do."""
        cluster = self.cluster.stat()
        running = Path(f"/proc/{process}")
        with contextlib.suppress(FileNotFoundError):
            try:
                return os.path.samestat((running / "cwd").stat(), cluster)
            except PermissionError:  # root in a container may lack CAP_SYS_PTRACE: then its account must tell
                return running.stat().st_uid == cluster.st_uid
        return False

    def socket_directory(self, account: Account | None) -> Path:
        """A private directory with a short, plain path; made if missing."""
        inside = self.path / "socket"
        if not _usable(inside):
            return self._remembered(account)
        if not _private(inside, account):
            _remove_sockets(inside)
            inside.mkdir(mode=0o700)
            give(inside, account)
        return inside

    def _remembered(self, account: Account | None) -> Path:
        note = self.path / "socket.path"
        known = Path(note.read_text().strip()) if note.is_file() and not note.is_symlink() else None
        if known and _usable(known) and known.name.startswith("healthbook-") and _private(known, account):
            return known
        fresh = Path(tempfile.mkdtemp(prefix="healthbook-", dir=_runtime_folder()))
        give(fresh, account)
        note.unlink(missing_ok=True)
        with os.fdopen(self._create(note.name, os.O_WRONLY), "w") as file:
            file.write(str(fresh))
        return fresh

    def forget_socket(self, directory: Path) -> None:
        """After a clean stop it is empty, and nothing of ours stays in the temporary folder."""
        with contextlib.suppress(OSError):
            directory.rmdir()
            (self.path / "socket.path").unlink(missing_ok=True)


def _usable(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_DIRECTORY and PLAIN_PATH.fullmatch(str(path)) is not None


def _remove_sockets(directory: Path) -> None:
    """Remove a directory that a copy or another account left, if it holds nothing but a dead server's socket."""
    if directory.is_dir() and not directory.is_symlink():
        for socket in directory.glob(".s.PGSQL.*"):
            socket.unlink()
        directory.rmdir()


def _private(path: Path, account: Account | None) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    owner = account.uid if account else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU and found.st_uid == owner


def _runtime_folder() -> str:
    """The user's own folder of the session, the system's temporary folder, or the short one every Unix has."""
    session = Path(f"/run/user/{os.geteuid()}")
    if _private(session, None):
        return str(session)
    named = tempfile.gettempdir()
    return named if _usable(Path(named, "healthbook-12345678")) else "/tmp"  # noqa: S108 - mkdtemp makes it private

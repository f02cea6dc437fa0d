"""Start a PostgreSQL program as a child that cannot outlive us.

On Linux the kernel sends the child SIGINT (PostgreSQL's fast shutdown) when the thread that started it ends:
PR_SET_PDEATHSIG, prctl(2). It is asked to when that is the main thread. From other threads, and on systems without this
call, a shell waits on a pipe that closes with us; a process forked from ours without exec would keep that pipe open.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

from cli.embedded_postgres_account import Account

PR_SET_PDEATHSIG = 1
KEPT_VARIABLES = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def launch(
    program: Path,
    arguments: Sequence[str | Path],
    account: Account | None,
    log: BinaryIO,
    variables: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own (Ctrl-C in the terminal is ours alone), writing to `log`.

    Arguments of type Path are directories. Another account gets them as open descriptors, `/proc/self/fd/N`, and needs
    no right on the folders above.
    """
    with ExitStack() as opened:
        descriptors = [_open(path, opened) for path in arguments if account and isinstance(path, Path)]
        names = iter(descriptors)
        words = [f"/proc/self/fd/{next(names)}" if account and isinstance(a, Path) else str(a) for a in arguments]
        return subprocess.Popen(
            [str(program), *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment() | (variables or {}),
            pass_fds=descriptors,
            start_new_session=True,
            preexec_fn=_dying_with(os.getpid()) if _kernel_watches() else None,  # noqa: PLW1509 - only system calls
            **_identity(account),
        )


def _open(directory: Path, opened: ExitStack) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    opened.callback(os.close, descriptor)
    return descriptor


def _environment() -> dict[str, str]:
    """No PG* variable, which PostgreSQL would obey, and no secret, which a superuser of the database could read."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"}


def _identity(account: Account | None) -> dict[str, Any]:
    """Popen sets groups, group and user in this order, then runs preexec_fn: setuid would clear the death signal."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def _kernel_watches() -> bool:
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


def _dying_with(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: only system calls are safe after it

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def die_with_parent() -> None:
    """Ask the kernel to end this process with the one that started it; for workers that would wait for ever."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end(child: subprocess.Popen[bytes], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal and wait so many seconds for the child to obey, then kill it."""
    for number, seconds in signals:
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return
    child.kill()
    child.wait()


class Watchdog:
    """SIGINT for a process when ours ends, where the kernel does not promise it."""

    def __init__(self, process: int) -> None:
        reading, self._writing = os.pipe()
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", 'read -r _; kill -INT "$1"', "sh", str(process)],
                stdin=reading,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(reading)

    def dismiss(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._writing)


def watchdog(process: int) -> Watchdog | None:
    """For a child just started by `launch` from this very thread."""
    return None if _kernel_watches() else Watchdog(process)

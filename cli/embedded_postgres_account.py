"""As whom the embedded PostgreSQL runs when healthbook is root: PostgreSQL refuses to be root.

The server gets a numeric user of its own that needs no entry in the password file. Nothing outside the data directory
changes owner or mode: the server reaches its directories through descriptors that root opened
(`cli/embedded_postgres_child.py`), so they may lie below a folder that only root may enter.
"""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cli.embedded_postgres_errors import StartFailed

# systemd's table of user ids leaves 60578-61183 to nobody; below 65536 it also exists inside most containers.
SERVER_ID = 60900
FIRST_PERSON = 1000  # below it are system accounts


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def server_account(*directories: Path) -> Account | None:
    """The account of the server; None means the calling user, who is not root.

    A directory that already belongs to an ordinary user keeps its owner, so `sudo` once does not lock that user out.
    """
    if os.geteuid() != 0:
        return None
    if not Path("/proc/self/fd").is_dir():
        raise StartFailed("Without /proc the embedded PostgreSQL cannot be started by root; be an ordinary user.")
    owners = (directory.lstat() for directory in directories if directory.exists())
    owner = next((stat for stat in owners if stat.st_uid != 0), None)
    return Account(owner.st_uid, owner.st_gid) if owner else Account(SERVER_ID, SERVER_ID)


def initdb_account(server: Account | None) -> Account | None:
    """An account for initdb, which insists on an entry in the password file where the server does not.

    A system account that owns no process is preferred: no stranger can touch the files before the server gets them.
    """
    if server is None or server.uid in {entry.pw_uid for entry in pwd.getpwall()}:
        return server
    in_use = set(_owners_of_processes())
    idle = [entry for entry in pwd.getpwall() if 0 < entry.pw_uid < FIRST_PERSON and entry.pw_uid not in in_use]
    entry = idle[0] if idle else pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def _owners_of_processes() -> Iterable[int]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield process.stat().st_uid
            except FileNotFoundError:
                continue


def give(directory: Path, account: Account | None) -> None:
    """Make the account own the directory and all in it; symbolic links are never followed."""
    if account is None:
        return
    os.chown(directory, account.uid, account.gid, follow_symlinks=False)
    for _, folders, files, descriptor in os.fwalk(directory):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)

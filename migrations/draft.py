"""`python -m migrations.draft "add dental procedures"`: write the next revision from what the mapped classes have more.

Compares them with a migrated database of its own, which is thrown away. What it writes is a draft for a person to read.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from cli.embedded_postgres import TEST, EmbeddedPostgres
from cli.migrations import config, upgrade


def draft(message: str) -> Path:
    """The file of the new revision. Its number follows the newest one."""
    with (
        tempfile.TemporaryDirectory(prefix="healthbook-draft-") as folder,
        EmbeddedPostgres(Path(folder), TEST) as server,
    ):
        upgrade(server.dsn())
        settings = config(url=server.dsn().replace("postgresql://", "postgresql+asyncpg://", 1))
        newest = ScriptDirectory.from_config(settings).get_current_head() or "0"
        made = command.revision(settings, message, autogenerate=True, rev_id=f"{int(newest) + 1:04}")
    if made is None or isinstance(made, list):
        raise RuntimeError("alembic wrote no revision, or several")
    return Path(made.path)


if __name__ == "__main__":
    print(draft(sys.argv[1]))  # noqa: T201 -- its answer

"""Every table of the house, for autogenerate and `alembic check`."""

from typing import Any

import auth.tables  # noqa: F401 -- declares them
import domain.audit
import domain.intake.tables
import domain.organizations
import domain.patients
import domain.sections  # noqa: F401 -- declares the tables of every section
from domain.database import Base

metadata = Base.metadata
SCHEMAS = frozenset({"access", "auth", "book", "intake", "registry"})


def ours(item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Only our schemas; not the version table, and not the partitions that `access.prepare_log` makes."""
    if kind != "table":
        return True
    return item.schema in SCHEMAS and name != "alembic_version" and not str(name).startswith("access_log_")

"""Every table of the house, for autogenerate and `alembic check`."""

# ruff: noqa: F401 -- importing a module declares its tables
from typing import Any

import auth.flow_tables
import auth.tables
import domain.appointments.clinic_tables
import domain.appointments.tables
import domain.attempts
import domain.audit
import domain.budgets
import domain.consents.tables
import domain.emergencies
import domain.intake.tables
import domain.organizations
import domain.patients
import domain.practitioners
import domain.related_persons
import domain.revisions
import domain.sections
import domain.trusted_documents
import notifications.tables
from domain.database import Base

metadata = Base.metadata
SCHEMAS = frozenset({"access", "auth", "book", "booking", "intake", "notify", "registry"})


def ours(item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Only our schemas; not the version table, and not the partitions that `access.prepare_log` makes."""
    if kind != "table":
        return True
    return item.schema in SCHEMAS and name != "alembic_version" and not str(name).startswith("access_log_")

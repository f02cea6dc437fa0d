"""PostgreSQL settings for the demo, for the tests, and those that every embedded server has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Profile:
    """Settings by name, and whether a new cluster is forced to the disk before it is used."""

    settings: Mapping[str, str]
    sync: bool

    def override(self, **settings: str) -> "Profile":
        return replace(self, settings={**self.settings, **settings})


ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    # A failed statement and its values are people's data: the client gets the error, the log does not.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

DEMO = Profile(
    {
        "fsync": "on",
        "synchronous_commit": "on",
        "autovacuum": "on",
        "jit": "off",
        "shared_buffers": "512MB",
        "max_connections": "60",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    },
    sync=True,
)

TEST = Profile(
    {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "jit": "off",
        "shared_buffers": "64MB",
        "max_connections": "40",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    },
    sync=False,
)

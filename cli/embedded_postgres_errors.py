"""Why the embedded PostgreSQL cannot serve. Messages hold paths, process ids and the server's own log, never data."""


class EmbeddedPostgresError(Exception):
    """Every failure of the embedded server."""


class AlreadyRunning(EmbeddedPostgresError):
    """Another living process holds this data directory; it is never joined."""


class StartFailed(EmbeddedPostgresError):
    """The server did not become ready; the message ends with the last lines of its log."""


class WrongVersion(StartFailed):
    """The data directory was written by another major version of PostgreSQL."""

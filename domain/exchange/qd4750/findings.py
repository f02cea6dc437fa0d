"""Collects what is wrong with one visit, and no more of it than a person would read."""

from domain.exchange.issues import Issue, error, warning

NAME_CHARS = 64


class Findings:
    """The errors and warnings of one visit, each kind up to a limit; a last warning counts what was left out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._errors: list[Issue] = []
        self._warnings: list[Issue] = []
        self._left_out = 0

    def error(self, code: str, table: str, row: int | None, field: str | None, message: str) -> None:
        self._add(self._errors, error(code, table, row, shown(field), message))

    def warning(self, code: str, table: str, row: int | None, field: str | None, message: str) -> None:
        self._add(self._warnings, warning(code, table, row, shown(field), message))

    @property
    def refuses(self) -> bool:
        return bool(self._errors)

    def issues(self) -> list[Issue]:
        """Errors first, each kind in the order of the file."""
        found = self._errors + self._warnings
        if self._left_out:
            found.append(warning("too-long", "HOSO", None, None, f"{self._left_out} further findings are left out"))
        return found

    def _add(self, kind: list[Issue], issue: Issue) -> None:
        if len(kind) < self._limit:
            kind.append(issue)
        else:
            self._left_out += 1


def shown(name: str | None) -> str | None:
    """A name from a file as far as it can be a field's: an element name of a stranger may be anything."""
    return name if name is None else name[:NAME_CHARS]

"""From the bytes of a QĐ 4750 file to visits, one after another.

Each HOSO stands for itself: what is wrong with one refuses it alone. Order inside a HOSO does not matter; XML1 is read
first because the other tables are checked against it. Nothing here knows the database: sending a visit twice yields it
twice, and the caller decides by (facility, episode).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from domain.exchange.qd4750 import checks
from domain.exchange.qd4750.documents import content_of, tree_of
from domain.exchange.qd4750.envelope import Document, Hoso, hosos
from domain.exchange.qd4750.findings import NAME_CHARS, Findings
from domain.exchange.qd4750.limits import Limits
from domain.exchange.qd4750.rows import RowReader, plain_name
from domain.exchange.qd4750.schema import KEPT, TABLES
from domain.exchange.qd4750.visit import KeptDocument, Refusal, Visit

_DEFAULTS = Limits()


def read(stream: BinaryIO, *, limits: Limits = _DEFAULTS, now: datetime | None = None) -> Iterator[Visit | Refusal]:
    """Every HOSO of a file in order, in memory that does not grow with the file.

    `now` is compared with births and arrivals; without it nothing counts as the future. Raises Unreadable, after all
    that was complete has been yielded, where the file as a whole cannot go on: not XML, a DOCTYPE, cut short.
    """
    for hoso in hosos(stream, limits):
        yield _Reading(hoso, limits, now).outcome()


class _Reading:
    """One HOSO on its way to a Visit or a Refusal."""

    def __init__(self, hoso: Hoso, limits: Limits, now: datetime | None) -> None:
        self._hoso = hoso
        self._limits = limits
        self._now = now
        self._findings = Findings(limits.issues_per_visit)
        self._rows: dict[str, list[tuple[int, Any]]] = {}  # by table: number and row
        self._kept: list[KeptDocument] = []
        self._facility = hoso.facility
        self._episode: str | None = None

    def outcome(self) -> Visit | Refusal:
        if self._hoso.is_oversized:
            message = f"the HOSO is longer than {self._limits.hoso_bytes} bytes and was not kept"
            self._findings.error("too-long", "HOSO", self._hoso.position, None, message)
        elif len(self._hoso.documents) > self._limits.documents_per_visit:
            message = f"the HOSO has more than {self._limits.documents_per_visit} inner files"
            self._findings.error("too-long", "HOSO", self._hoso.position, None, message)
        else:
            for document in self._hoso.documents:
                self._read(document)
            self._check()
        return self._refusal() if self._findings.refuses else self._visit()

    def _read(self, document: Document) -> None:
        name = document.name = _table_name(document.name)
        if not name:
            self._findings.error("structure", "HOSO", self._hoso.position, "LOAIHOSO", "an inner file has no LOAIHOSO")
        elif not document.base64.strip() and not document.inline_count:
            self._findings.warning("structure", name, None, "NOIDUNGFILE", "the inner file is empty")
        elif name in TABLES:
            self._read_table(document)
        else:
            self._keep(document)

    def _read_table(self, document: Document) -> None:
        table = TABLES[document.name]
        content = content_of(document, self._limits, self._findings)
        root = tree_of(content, table.name, self._limits, self._findings) if content is not None else None
        if root is None:
            return
        earlier = self._rows.setdefault(table.name, [])
        first = earlier[-1][0] + 1 if earlier else 1
        rows = list(RowReader(table, self._limits, self._findings).read(root, first))
        if earlier and rows:
            self._findings.warning("duplicate", table.name, None, None, "the table comes twice in the visit")
        earlier += rows

    def _keep(self, document: Document) -> None:
        """A known table must belong to this visit even when it is not read; of an unknown one nothing is known."""
        content = content_of(document, self._limits, self._findings)
        if content is None:
            return
        self._kept.append(KeptDocument(document.name, content, KEPT.get(document.name, "UNKNOWN")))
        if document.name not in KEPT:
            message = "an unknown table was kept unread"
            self._findings.warning("not-supported", document.name, None, "LOAIHOSO", message)

    def _check(self) -> None:
        """Single tables have one row, every row has the key of XML1 (or of XML0, when it came alone)."""
        for table in TABLES.values():
            if not table.is_list and len(self._rows.get(table.name, ())) > 1:
                self._findings.error("duplicate", table.name, 2, None, "the table has more than one row")
        lead = next((name for name in ("XML1", "XML0") if self._rows.get(name)), None)
        if lead is None:
            self._findings.error("required", "XML1", None, None, "the visit has neither XML1 nor XML0")
            return
        first = self._rows[lead][0][1]
        self._episode, declared = first.episode, first.facility
        checks.check_facility(declared, self._hoso.facility, lead, self._findings)
        self._facility = declared or self._hoso.facility
        on = checks.day_for_codes(first.arrived_at, first.ended_at if lead == "XML1" else None)
        for name, rows in self._rows.items():
            checks.check_rows(TABLES[name], rows, self._episode, on, self._findings)
        self._check_kept()
        if lead == "XML1":
            checks.check_times(first, self._now, self._findings)

    def _check_kept(self) -> None:
        """The key inside tables that are known but not read: a restricted paper must never join another's visit."""
        for document in self._kept:
            if document.name not in KEPT:
                continue
            root = tree_of(document.content, document.name, self._limits, self._findings)
            keys = (e for e in root.iter() if plain_name(e.tag) == "MA_LK") if root is not None else ()
            for key in keys:
                if self._episode is not None and (key.text or "").strip() != self._episode:
                    message = "the row belongs to another MA_LK than the visit"
                    self._findings.error("invariant", document.name, None, "MA_LK", message)

    def _refusal(self) -> Refusal:
        hoso = self._hoso
        return Refusal(hoso.position, hoso.raw, self._facility, self._episode, self._findings.issues())

    def _visit(self) -> Visit:
        visit = Visit(self._hoso.raw, self._hoso.position, self._facility or "", self._episode or "")
        for name, rows in self._rows.items():
            table, found = TABLES[name], [row for _, row in rows]
            setattr(visit, table.attribute, found if table.is_list else next(iter(found), None))
        visit.kept = self._kept
        visit.issues = self._findings.issues()
        return visit


def _table_name(text: str) -> str:
    """LOAIHOSO as it may be shown in issues: what cannot be a table's name becomes UNKNOWN."""
    is_name = not text or (text.isascii() and text.isidentifier() and len(text) <= NAME_CHARS)
    return text if is_name else "UNKNOWN"

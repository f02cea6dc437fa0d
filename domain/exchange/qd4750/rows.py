"""One row of a table: its elements, read by name into a dataclass, with every oddity named and none repeated."""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import is_normalized, normalize

from lxml import etree

from domain.exchange.qd4750.fields import Column
from domain.exchange.qd4750.findings import Findings
from domain.exchange.qd4750.limits import Limits
from domain.exchange.qd4750.schema import ROOTS, Known, Table

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


class RowReader:
    """Reads all rows of one table of one visit; an unknown element is named once, however often it comes."""

    def __init__(self, table: Table, limits: Limits, findings: Findings) -> None:
        self._table = table
        self._columns = table.columns
        self._limits = limits
        self._findings = findings
        self._unknown: set[str] = set()

    def read(self, root: etree._Element, first: int = 1) -> Iterator[tuple[int, Any]]:
        """The rows below a root element with their numbers, `first` being that of the first."""
        self._check_root(root)
        for number, element in enumerate(self._elements(root), first):
            if number > self._limits.rows_per_table:
                message = f"the table has more than {self._limits.rows_per_table} rows"
                self._findings.error("too-long", self._table.name, number, None, message)
                break
            row = self._row(element, number)
            if row is not None:
                yield number, row

    def _check_root(self, root: etree._Element) -> None:
        name = plain_name(root.tag)
        if name in self._table.roots or name in (self._table.row, "NOIDUNGFILE"):
            return
        if name in ROOTS:
            message = f"the inner file is a table {ROOTS[name]}"
            self._findings.error("structure", self._table.name, None, None, message)
        else:
            message = "the root element is not the one of this table"
            self._findings.warning("structure", self._table.name, None, None, message)

    def _elements(self, root: etree._Element) -> Iterator[etree._Element]:
        """Row elements in document order: those named so, else those that hold a field of the table."""
        if self._table.is_list and next(root.iter(self._table.row), None) is not None:
            yield from root.iter(self._table.row)
            return
        level = [(root, 1)]
        while level:
            element, depth = level.pop()
            if self._holds_fields(element):
                yield element
            elif depth < self._limits.depth:
                level.extend((child, depth + 1) for child in reversed(element))

    def _holds_fields(self, element: etree._Element) -> bool:
        return any(self._columns.get(plain_name(child.tag)) and not len(child) for child in element)

    def _row(self, element: etree._Element, number: int) -> Any | None:
        """The hot loop of an import: what is odd about a field leaves it at once for `_examined`."""
        values: dict[str, object] = {}
        columns, resolve = self._columns, self._resolve
        for child in element:
            known = columns[tag] if (tag := child.tag) in columns else resolve(child)
            if known is None:
                continue
            text = child.text if not len(child) else self._flattened(child, number)
            if text is None or not (text := text.strip()):
                continue
            attribute, read, longest, column = known
            is_plain = text.isprintable() and (text.isascii() or is_normalized("NFC", text))
            if not is_plain or len(text) > longest or attribute in values:
                text = self._examined(text, column, number, is_second=attribute in values)
                if text is None:
                    continue
            try:
                values[attribute] = read(text)
            except ValueError as unfit:
                values[attribute] = column.absent
                self._report(column.strict, "value", column, number, str(unfit))
        if values:
            return self._table.row_type(**values)
        self._findings.warning("structure", self._table.name, number, None, "the row is empty")
        return None

    def _examined(self, text: str, column: Column, number: int, *, is_second: bool) -> str | None:
        """The text of a field that is repeated, too long or not plain; None when nothing of it counts."""
        if is_second:
            self._report(False, "duplicate", column, number, "the element comes twice; the first counts")
            return None
        text = self._clean(text, column, number)
        if column.size is not None and len(text) > column.size:
            self._report(column.key, "too-long", column, number, f"the text is longer than {column.size} characters")
        if len(text) > self._limits.text_chars:
            self._report(True, "too-long", column, number, "the text is longer than the limit")
            return None
        return text or None

    def _clean(self, text: str, column: Column, number: int) -> str:
        """NFC, without control and invisible characters; a damaged identifier is an error, as it could be another's."""
        if _CONTROL.search(text):
            self._report(column.identifier, "value", column, number, "control characters inside the text")
            text = _CONTROL.sub("", text)
        if _INVISIBLE.search(text):
            self._report(False, "value", column, number, "invisible characters inside the text were removed")
            text = _INVISIBLE.sub("", text)
        return normalize("NFC", text).strip()

    def _resolve(self, child: etree._Element) -> Known | None:
        """The column of an element in another letter case or with a prefix; an unknown one is named once."""
        name = plain_name(child.tag)
        if name not in self._columns and name and name not in self._unknown:
            self._unknown.add(name)
            self._findings.warning("not-supported", self._table.name, None, name, "the table has no such field")
        return self._columns.get(name)

    def _flattened(self, child: etree._Element, number: int) -> str:
        name = plain_name(child.tag)
        self._findings.warning("structure", self._table.name, number, name, "the field has elements inside")
        return "".join(child.itertext())

    def _report(self, is_error: bool, code: str, column: Column, number: int, message: str) -> None:
        report = self._findings.error if is_error else self._findings.warning
        report(code, self._table.name, number, column.names[0], message)


def plain_name(tag: object) -> str:
    """An element's name without namespace, in capitals; empty for what is no element."""
    return tag.rpartition("}")[2].upper() if isinstance(tag, str) else ""

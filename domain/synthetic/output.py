"""Files written piece by piece: each facility has a series of numbered files, each piece is spilled soon.

Memory stays flat whatever the population: a series keeps at most `SPILL_BYTES` unwritten.
"""

from collections.abc import Callable
from pathlib import Path

SPILL_BYTES = 32_768


class Series:
    """Files `<stem>-001<suffix>`, each with at most `per_file` records between a header and a footer.

    `count_at` gives a file's opening: the bytes before the number of records, that number's width, and the bytes
    after it; the number is patched in when the file is finished.
    """

    def __init__(self, stem: Path, suffix: str, per_file: int, frame: "Frame | None" = None) -> None:
        self._stem, self._suffix, self._per_file, self._frame = stem, suffix, per_file, frame
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._records = 0
        self.paths: list[Path] = []
        self.written_bytes = 0

    @property
    def next_number(self) -> int:
        """The place of the next record in its file, from 1."""
        return 1 if self._records == self._per_file else self._records + 1

    def add(self, record: bytes) -> None:
        if not self.paths or self._records == self._per_file:
            self._open_next()
        self._append(record)
        self._records += 1

    def close(self) -> None:
        """Finish the last file; safe when nothing was added."""
        if not self.paths:
            return
        if self._frame:
            self._append(self._frame.footer)
        self._spill()
        if self._frame:
            self._frame.patch(self.paths[-1], self._records)

    def _open_next(self) -> None:
        self.close()
        self.paths.append(self._stem.with_name(f"{self._stem.name}-{len(self.paths) + 1:03d}{self._suffix}"))
        self._records = 0
        if self._frame:
            self._append(self._frame.opening)

    def _append(self, content: bytes) -> None:
        self._pending.append(content)
        self._pending_bytes += len(content)
        self.written_bytes += len(content)
        if self._pending_bytes > SPILL_BYTES:
            self._spill()

    def _spill(self) -> None:
        with self.paths[-1].open("ab") as file:
            file.write(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0


class Frame:
    """What stands around the records of a file; the number of records is written when it is known."""

    def __init__(self, before_count: bytes, count_width: int, after_count: bytes, footer: bytes) -> None:
        self._offset, self._width = len(before_count), count_width
        self.opening = before_count + b" " * count_width + after_count
        self.footer = footer

    def patch(self, path: Path, count: int) -> None:
        with path.open("r+b") as file:
            file.seek(self._offset)
            file.write(b"%*d" % (self._width, count))


class Shelf:
    """One series for each facility, opened when its first record comes."""

    def __init__(self, make: Callable[[str], Series]) -> None:
        self._make = make
        self._series: dict[str, Series] = {}

    def of(self, facility: str) -> Series:
        if facility not in self._series:
            self._series[facility] = self._make(facility)
        return self._series[facility]

    def close(self) -> tuple[list[Path], int]:
        """Finish every file; the paths in facility order, and all bytes written."""
        ordered = [self._series[facility] for facility in sorted(self._series)]
        for series in ordered:
            series.close()
        return [path for series in ordered for path in series.paths], sum(series.written_bytes for series in ordered)

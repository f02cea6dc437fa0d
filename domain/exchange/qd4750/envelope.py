"""The envelope GIAMDINHHS of a QĐ 4750 file, read as a stream: one HOSO after another, memory flat in the file's size.

Expat reports byte positions, so a HOSO's `raw` is the exact slice that was sent, to be kept and hashed. A DOCTYPE ends
the reading before any entity can be declared. Element names are taken without prefix and in any letter case; unknown
elements and the signature CHUKYDONVI are passed over. Source: QĐ 4750 envelope, domain reference 3.2.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from domain.exchange.issues import error
from domain.exchange.qd4750.limits import Limits
from domain.exchange.qd4750.visit import Unreadable

CHUNK_BYTES = 64 * 1024
SHORT_CHARS = 4096  # more of MACSKCB or LOAIHOSO is never of use
MOST_PREFIXES = 16
BYTES = 256
_BLANK = b" \t\r\n"
_TEXTS = {"MACSKCB", "LOAIHOSO", "NOIDUNGFILE"}
_ROOT = "GIAMDINHHS"


@dataclass(slots=True)
class Document:
    """One FILEHOSO: the name of its table and either base64 text or, where sent so, one inline element."""

    name: str = ""
    base64: str = ""
    inline: bytes | None = None
    inline_count: int = 0


@dataclass(slots=True)
class Hoso:
    """One HOSO as found; `is_oversized` means nothing of it was kept."""

    position: int
    start: int  # byte position in the file
    depth: int
    facility: str | None  # MACSKCB of the envelope
    documents: list[Document] = field(default_factory=list)
    raw: bytes = b""
    is_oversized: bool = False


def hosos(stream: BinaryIO, limits: Limits) -> Iterator[Hoso]:
    """Each complete HOSO in order; Unreadable where the file breaks, after all before it."""
    splitter = _Splitter(limits)
    for chunk in _chunks(stream):
        broken = splitter.feed(chunk)
        yield from splitter.take()
        if broken is not None:
            raise broken


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream without a byte-order mark or blanks before the declaration; a last empty chunk marks the end."""
    leading = True
    while chunk := stream.read(CHUNK_BYTES):
        if leading:
            chunk = chunk.lstrip(_BLANK).removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)
            leading = not chunk
        if chunk:
            yield chunk
    yield b""


def _unreadable(code: str, position: int | None, message: str) -> Unreadable:
    return Unreadable(error(code, _ROOT, position, None, message))


class _Splitter:
    """Feeds expat and cuts the bytes of each HOSO out of a window that begins with the open one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = _parser(self)
        self._window = bytearray()
        self._window_start = 0  # byte position in the file of the window's first byte
        self._fed = 0
        self._encoding = "utf-8"
        self._prefixes: dict[str, str] = {}
        self._path: list[str] = []
        self._facility: str | None = None
        self._text: list[str] | None = None
        self._room = 0
        self._open: Hoso | None = None
        self._document: Document | None = None
        self._inline: tuple[int, int] | None = None  # depth and byte position of an inline document
        self._count = 0
        self._finished: list[Hoso] = []

    def feed(self, chunk: bytes) -> Unreadable | None:
        """Read one chunk, the empty one being the end; what broke is answered so that finished HOSOs go first."""
        if not self._fed:
            self._encoding = _byte_order(chunk)
        self._window += chunk
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as broken:
            return self._explain(broken)
        except Unreadable as broken:
            return broken
        return self._bound()

    def take(self) -> list[Hoso]:
        finished, self._finished = self._finished, []
        return finished

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and self._encoding == "utf-8":
            self._encoding = _known_encoding(encoding)

    def doctype(self, *_: object) -> None:
        raise _unreadable("security", None, "the file has a DOCTYPE, which is never read")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = _plain(name)
        self._path.append(name)
        if len(self._path) > self._limits.depth:
            raise _unreadable("too-long", self._position(), f"elements are nested deeper than {self._limits.depth}")
        if len(self._path) == 1 and name != _ROOT:
            raise _unreadable("structure", None, f"the root element is not {_ROOT}")
        if "NOIDUNGFILE" in self._path[:-1]:
            self._start_inline()
            return
        if attributes and len(self._prefixes) < MOST_PREFIXES:
            self._prefixes.update((key, uri) for key, uri in attributes.items() if key.startswith("xmlns:"))
        self._start_element(name)

    def end(self, name: str) -> None:
        name = _plain(name)
        if self._inline is not None:
            self._end_inline()
        elif name in _TEXTS and self._text is not None:
            self._end_text(name)
        elif self._open is not None and len(self._path) == self._open.depth:
            self._end_hoso(self._open)
        elif name == "FILEHOSO":
            self._document = None
        self._path.pop()

    def characters(self, data: str) -> None:
        if self._text is not None and self._room > 0 and self._inline is None:
            self._text.append(data[: self._room])
            self._room -= len(data)

    def _start_element(self, name: str) -> None:
        if name == "HOSO" and self._open is None:
            self._start_hoso()
        elif name == "FILEHOSO" and self._open is not None and not self._open.is_oversized:
            self._document = Document()
            self._open.documents.append(self._document)
        elif name in _TEXTS:
            self._text = []
            self._room = self._limits.hoso_bytes if name == "NOIDUNGFILE" else SHORT_CHARS

    def _start_hoso(self) -> None:
        self._count += 1
        if self._limits.visits is not None and self._count > self._limits.visits:
            raise _unreadable("too-long", self._count, f"the file has more than {self._limits.visits} HOSO")
        self._open = Hoso(self._count, self._parser.CurrentByteIndex, len(self._path), self._facility)

    def _end_hoso(self, hoso: Hoso) -> None:
        if not hoso.is_oversized:
            hoso.raw = self._slice(hoso.start)
            self._refuse_if_oversized(hoso, len(hoso.raw))
        self._finished.append(hoso)
        self._open = self._document = None

    def _end_text(self, name: str) -> None:
        text, self._text = "".join(self._text or ()), None
        if name == "MACSKCB" and self._open is None:
            self._facility = self._facility or text.strip() or None
        elif name == "LOAIHOSO" and self._document is not None:
            self._document.name = text.strip().upper()
        elif name == "NOIDUNGFILE" and self._document is not None:
            self._document.base64 = text

    def _start_inline(self) -> None:
        if self._inline is None:
            self._inline = (len(self._path), self._parser.CurrentByteIndex)

    def _end_inline(self) -> None:
        depth, start = self._inline or (0, 0)
        if len(self._path) != depth:
            return
        self._inline = None
        if self._document is not None and self._open is not None and not self._open.is_oversized:
            self._document.inline_count += 1
            self._document.inline = self._wrapped(self._slice(start))

    def _wrapped(self, element: bytes) -> bytes:
        """An inline document as UTF-8 with the prefixes that elements around it declared."""
        declared = "".join(f' {key}="{_escaped(uri)}"' for key, uri in self._prefixes.items())
        return f"<NOIDUNGFILE{declared}>{element.decode(self._encoding, 'replace')}</NOIDUNGFILE>".encode()

    def _slice(self, start: int) -> bytes:
        """The element from `start` to the end of the tag that expat stands on, or has just passed if it is `<x/>`."""
        first, at = start - self._window_start, self._parser.CurrentByteIndex - self._window_start
        opened = self._tag_end(first)
        is_empty = at == opened and self._window[first:opened].replace(b"\0", b"").endswith(b"/>")
        return bytes(self._window[first : opened if is_empty else self._tag_end(at)])

    def _tag_end(self, start: int) -> int:
        return _tag_end(self._window, start) + (self._encoding == "utf-16-le")

    def _bound(self) -> Unreadable | None:
        """Drop what no open HOSO needs, and stop at markup that never ends."""
        read_to = max(self._parser.CurrentByteIndex, 0)
        if self._fed - read_to > self._limits.markup_bytes:
            return _unreadable("too-long", self._position(), "a tag or comment is longer than the limit")
        if self._open is not None:
            self._refuse_if_oversized(self._open, self._fed - self._open.start)
        needed = self._open.start if self._open is not None and not self._open.is_oversized else read_to
        del self._window[: needed - self._window_start]
        self._window_start = needed
        return None

    def _refuse_if_oversized(self, hoso: Hoso, size: int) -> None:
        if size > self._limits.hoso_bytes:
            hoso.is_oversized, hoso.raw = True, b""
            hoso.documents.clear()
            self._document = self._text = None

    def _position(self) -> int | None:
        return self._open.position if self._open is not None else None

    def _explain(self, broken: expat.ExpatError) -> Unreadable:
        at = f"line {broken.lineno}, column {broken.offset}"
        if not self._fed:
            return _unreadable("structure", None, "the file is empty")
        if self._parser.CurrentByteIndex >= self._fed or broken.code in _CUT_SHORT:
            return _unreadable("structure", self._position(), f"the file ends before its last element is closed ({at})")
        return _unreadable("structure", self._position(), f"not XML: {expat.ErrorString(broken.code)} ({at})")


_CUT_SHORT = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}


def _parser(splitter: _Splitter) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = CHUNK_BYTES
    parser.XmlDeclHandler = splitter.declaration
    parser.StartDoctypeDeclHandler = splitter.doctype
    parser.StartElementHandler = splitter.start
    parser.EndElementHandler = splitter.end
    parser.CharacterDataHandler = splitter.characters
    return parser


def _plain(name: str) -> str:
    return name.rpartition(":")[2].upper()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _byte_order(start: bytes) -> str:
    """UTF-16 shows in the first two bytes, everything else reads as ASCII up to the declaration."""
    if start[:2] in (codecs.BOM_UTF16_LE, b"<\0"):
        return "utf-16-le"
    return "utf-16-be" if start[:2] in (codecs.BOM_UTF16_BE, b"\0<") else "utf-8"


def _known_encoding(name: str) -> str:
    """The declared encoding, if it is one that expat and Python can both read byte by byte."""
    try:
        known = codecs.lookup(name).name
        letters = bytes(range(BYTES)).decode(known, "replace")
    except (LookupError, UnicodeError):
        known, letters = name, ""
    if known not in ("utf-8", "utf-16") and len(letters) != BYTES:
        raise _unreadable("not-supported", None, "the declared encoding cannot be read; send UTF-8")
    return known


def _tag_end(window: bytearray, start: int) -> int:
    """The position after the `>` of the tag at `start`, passing over those inside quotes."""
    quote = 0
    for at in range(start, len(window)):
        byte = window[at]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == ord(">"):
            return at + 1
    return len(window)

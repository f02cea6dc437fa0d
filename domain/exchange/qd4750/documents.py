"""The inner file of one FILEHOSO: base64 to bytes, bytes to an element tree, without entities, network or surprise.

A DOCTYPE is refused before the parser sees it. Two habits of exporters are forgiven: a declaration of UTF-16 on UTF-8
bytes, and control characters, which become DEL so that the field they stand in can be named. Errors of the parser are
told by line and column only, since its own words may repeat the text.
"""

import binascii
import codecs
import re
import string

from lxml import etree

from domain.exchange.qd4750.envelope import Document
from domain.exchange.qd4750.findings import Findings
from domain.exchange.qd4750.limits import Limits

DAMAGE = "\x7f"  # stands for a control character that XML does not allow

_BLANKS = {b" ", b"\t", b"\r", b"\n"}
_BASE64 = (string.ascii_letters + string.digits + "+/").encode()
_CONTROLS = bytes.maketrans(bytes(n for n in range(32) if n not in (9, 10, 13)), DAMAGE.encode() * 29)
_CONTROL_REFERENCE = re.compile(
    rb"&#(?:0{0,9}(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0{0,9}(?:[0-8BbCcEeFf]|1[0-9A-Fa-f]));"
)
_UTF16_DECLARATION = re.compile(
    rb"""<\?xml[^>]{0,200}encoding\s{0,9}=\s{0,9}["'](?:utf-16(?:le|be)?|unicode)["'][^>]{0,200}\?>""", re.IGNORECASE
)

_UTF16_STARTS = {
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}

_HARDENED = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    huge_tree=False,
    load_dtd=False,
    dtd_validation=False,
    remove_comments=True,
    remove_pis=True,
)


def content_of(document: Document, limits: Limits, findings: Findings) -> bytes | None:
    """The bytes of the inner file, or None with the reason in `findings`."""
    if document.inline_count:
        return _inline(document, limits, findings)
    packed = "".join(document.base64.split()).rstrip("=").encode()
    if len(packed) > limits.document_bytes // 3 * 4 + 4:
        findings.error("too-long", document.name, None, "NOIDUNGFILE", "the inner file is longer than the limit")
        return None
    if packed.translate(None, _BASE64) or len(packed) % 4 == 1:
        findings.error("structure", document.name, None, "NOIDUNGFILE", "the content is not base64")
        return None
    return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))


def tree_of(content: bytes, table: str, limits: Limits, findings: Findings) -> etree._Element | None:
    """The root element of an inner file, or None with the reason in `findings`."""
    content = _ascii_compatible(content).strip(b" \t\r\n").removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if _has_doctype(content):
        findings.error("security", table, None, None, "the inner file has a DOCTYPE, which is never read")
        return None
    if content.count(b"<") > limits.tags_per_document:
        findings.error("too-long", table, None, None, f"the inner file has more than {limits.tags_per_document} tags")
        return None
    try:
        root = _parse(content)
    except etree.XMLSyntaxError as broken:
        line, column = broken.position
        at = f"line {line}, column {column}"
        findings.error("structure", table, None, None, f"the inner file is not XML in its declared encoding ({at})")
        return None
    if root.getroottree().docinfo.internalDTD is not None:
        findings.error("security", table, None, None, "the inner file has a DOCTYPE, which is never read")
        return None
    return root


def _inline(document: Document, limits: Limits, findings: Findings) -> bytes | None:
    """XML that stands in the envelope unpacked; one element and nothing beside it."""
    if document.inline_count > 1 or document.base64.strip() or document.inline is None:
        message = "the content is neither base64 nor one element"
        findings.error("structure", document.name, None, "NOIDUNGFILE", message)
        return None
    if len(document.inline) > limits.document_bytes:
        findings.error("too-long", document.name, None, "NOIDUNGFILE", "the inner file is longer than the limit")
        return None
    return document.inline


def _parse(content: bytes) -> etree._Element:
    try:
        return etree.fromstring(content, _HARDENED)
    except etree.XMLSyntaxError:
        mended = _mended(content)
        if mended == content:
            raise
        return etree.fromstring(mended, _HARDENED)


def _mended(content: bytes) -> bytes:
    content = _without_utf16_declaration(content)
    return _CONTROL_REFERENCE.sub(DAMAGE.encode(), content).translate(_CONTROLS)


def _ascii_compatible(content: bytes) -> bytes:
    """UTF-16 as UTF-8, so that the same eyes look for a DOCTYPE and for damage; everything else as it is."""
    encoding = _UTF16_STARTS.get(content[:2])
    if encoding is None:
        return content
    return _without_utf16_declaration(content.decode(encoding, "replace").lstrip("\ufeff").encode())


def _without_utf16_declaration(content: bytes) -> bytes:
    return _UTF16_DECLARATION.sub(b"", content, count=1) if content.startswith(b"<?xml") else content


def _has_doctype(content: bytes) -> bool:
    """Whether a declaration stands before the root element, in any encoding that reads as ASCII there."""
    at, ends = 0, {b"<?": b"?>", b"<!--": b"-->"}
    while opening := next((start for start in ends if content.startswith(start, at)), None):
        closed = content.find(ends[opening], at + len(opening))
        if closed < 0:
            return False
        at = closed + len(ends[opening])
        while content[at : at + 1] in _BLANKS:
            at += 1
    return content.startswith(b"<!", at)

"""Attachments of FHIR resources: what there is, never the bytes, which stay in the received document."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange.fhir import LONGEST_STRING, Node, clean

TEXT = "text/plain"


def listed(nodes: Iterable[Node]) -> list[dict[str, Any]] | None:
    """Rows of an embedded list: {"content_type", "title", "url", "size_bytes", "created"}. A bare title is none."""
    return [found for node in nodes if (found := _described(node))] or None


def text_of(node: Node) -> str | None:
    """The words of an attachment that is plain text and stands in the resource itself."""
    kind, data = node.string("contentType"), node.string("data")
    if kind is None or data is None or not kind.lower().startswith(TEXT) or len(data) >= LONGEST_STRING:
        return None
    try:
        return clean(base64.b64decode(data, validate=False).decode("utf-8"))
    except (binascii.Error, ValueError):
        return None


def text_attachment(title: str | None, text: str) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return out.filled({"contentType": f"{TEXT}; charset=utf-8", "title": title, "data": data})


def written(rows: Iterable[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Attachments to write: a size without bytes says that there is more than is sent."""
    for row in rows or ():
        yield out.filled(
            {
                "contentType": row["content_type"],
                "url": row["url"],
                "size": row["size_bytes"],
                "title": row["title"],
                "creation": row["created"],
            }
        )


def _described(node: Node) -> dict[str, Any] | None:
    size = node.integer("size")
    found = {
        "content_type": node.string("contentType"),
        "title": node.string("title"),
        "url": node.string("url"),
        "size_bytes": _length(node.string("data")) if size is None else size,
        "created": node.date("creation"),
    }
    return found if any(value is not None for name, value in found.items() if name != "title") else None


def _length(data: str | None) -> int | None:
    """How many bytes base64 text stands for."""
    return len(data.rstrip("=")) * 3 // 4 if data is not None else None

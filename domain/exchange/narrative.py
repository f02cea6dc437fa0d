"""The words of a FHIR narrative: XHTML in, plain text out (FHIR R4 2.3.3 Narrative.div)."""

import html
import re

from lxml import etree

_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};")
_BLOCKS = frozenset({"div", "p", "br", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd"})
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"script", "style"})


def plain_text(div: str | None) -> str | None:
    """A line for each block, cells side by side; None when there are no words, or when a document type hides some."""
    if div is None or "<!DOCTYPE" in div.upper():
        return None
    try:
        root = etree.fromstring(_without_names(div).encode(), _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
    return _tidy("".join(_words(root))) if root is not None else None


def _parser() -> etree.XMLParser:
    """Nothing is fetched or expanded, depth is limited, and what is broken is read as far as it goes."""
    return etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )


def _without_names(div: str) -> str:
    """HTML's names for characters (&nbsp;) as characters: XML knows five of them only."""
    return _NAMED.sub(lambda name: html.escape(html.unescape(name.group())), div)


def _words(root: etree._Element) -> list[str]:
    found: list[str] = []
    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = etree.QName(element).localname.lower()
        if event == "start":
            unseen += name in _UNSEEN
            found.append(_gap(name))
            found.append("" if unseen else element.text or "")
        else:
            unseen -= name in _UNSEEN
            found.append(_gap(name))
            found.append("" if unseen or element is root else element.tail or "")
    return found


def _gap(name: str) -> str:
    return "\n" if name in _BLOCKS else " " if name in _CELLS else ""


def _tidy(text: str) -> str | None:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line) or None

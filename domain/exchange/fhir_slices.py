"""The entries of a bundle exactly as they were sent, so that a part of it can be kept without changing a digit."""

import json
import re

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def entry_slices(data: bytes) -> list[str]:
    """The text of each element of `entry`, in order. The data have been read by `read_bundle` before."""
    text = data.decode("utf-8-sig")
    at = _skip(text, _skip(text, 0) + 1)  # past the brace
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # past the colon
        if name == "entry":
            return _elements(text, at)
        _, at = _DECODER.raw_decode(text, at)
        at = _after_comma(text, at)
    return []


def _elements(text: str, at: int) -> list[str]:
    found: list[str] = []
    at = _skip(text, at + 1)  # past the bracket
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        found.append(text[at:end])
        at = _after_comma(text, end)
    return found


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at

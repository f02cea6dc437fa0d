"""Automatic persisted queries: a client sends the hash of its document, and the text once where it is not known.

Apollo's protocol: `extensions.persistedQuery = {version: 1, sha256Hash: "<hex>"}`. A process remembers what it was
brought, each client's for itself, so that a hash tells nobody what others ask; who meets another process, or is
forgotten, brings the text once more. Only documents that can be executed are remembered.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from api.http.refusals import INVALID, Refused, malformed, told

REMEMBERED = 1_000_000  # characters of all texts together
OVERHEAD = 500  # characters that any text weighs at least
VERSION = 1
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class AutomaticQueries:
    """Texts by client and hash, the most recently used ones."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._texts: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._room = capacity

    def find(self, client_id: str, sha256: str) -> str | None:
        key = (client_id, sha256)
        if key in self._texts:
            self._texts.move_to_end(key)
        return self._texts.get(key)

    def remember(self, client_id: str, sha256: str, text: str) -> None:
        if (client_id, sha256) in self._texts:
            return
        self._texts[client_id, sha256] = text
        self._room -= OVERHEAD + len(text)
        while self._room < 0:
            _, forgotten = self._texts.popitem(last=False)
            self._room += OVERHEAD + len(forgotten)


def offered_hash(extensions: Mapping[str, Any]) -> str | None:
    """The hash that a request names its document by; None where it names none. Refused where it is no hash."""
    told = extensions.get("persistedQuery")
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("version") != VERSION or isinstance(told["version"], bool):
        raise malformed("`extensions.persistedQuery` must have `version` 1.", "PERSISTED_QUERY_NOT_SUPPORTED")
    sha256 = told.get("sha256Hash")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        message = "`extensions.persistedQuery.sha256Hash` must be a SHA-256 in lower-case hexadecimal."
        raise malformed(message, INVALID, parameter="extensions")
    return sha256


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def not_met() -> Refused:
    """The client sends the text now. Apollo's words and, in JSON, its status: its clients look for 200."""
    error = told("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    return Refused([error], json_status=200, prefers_json=True)


def other_hash() -> Refused:
    return malformed("The document has another hash than the one beside it.", "PERSISTED_QUERY_HASH_MISMATCH")

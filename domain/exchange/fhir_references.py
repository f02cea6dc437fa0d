"""What a reference in a FHIR R4 bundle means (FHIR R4 2.36.4.1 "Resolving references in Bundles").

Everything is found in dictionaries made once, for bundles are large and strangers may fill them with references:

    urn:uuid:…              the entry with that fullUrl
    http://server/Type/id   the same
    Type/id                 the entry of the same server; without one, the resource with that type and id
    Type?identifier=s|v     the only resource of the type with that identifier
    #id                     a resource contained in the one that refers

A version (`/_history/2`) is passed over. Of entries that share a fullUrl, the first is meant.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from domain.exchange.fhir import LONGEST_LIST, Resource

LONGEST_REFERENCE = 2_000
TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_RESTFUL = re.compile(r"(https?://.+/)?([A-Z][A-Za-z]{1,63})/([^/?#]+)", re.DOTALL)
_UUID = "urn:uuid:"
_Name = tuple[str, str]
_Number = tuple[str, str | None, str]


class References:
    """The resources of one bundle by everything that may be said to mean them."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._entries: dict[int | None, Resource] = {}
        self._by_url: dict[str, Resource] = {}
        self._by_name: dict[_Name, Resource] = {}
        self._elsewhere: dict[_Name, Resource | None] = {}
        self._by_id: dict[str, Resource | None] = {}
        self._by_number: dict[_Number, Resource | None] = {}
        self._contained: dict[int | None, dict[str, Resource]] = {}
        for resource in resources:
            self._add(resource)

    def resolve(self, reference: str, base: Resource) -> Resource | None:
        reference = reference.strip()
        if not reference or len(reference) > LONGEST_REFERENCE:
            return None
        if reference.startswith("#"):
            return self._inside(reference[1:], base)
        if "?" in reference:
            return self._conditional(reference)
        url = plain(reference)
        if url.startswith("urn:"):
            return self._by_url.get(url) or self._by_id.get(url.removeprefix(_UUID))
        return self._by_url.get(url) if "://" in url else self._relative(url, base)

    def numbered(self, of_type: str, system: str | None, value: str) -> Resource | None:
        """The only resource of a type with an identifier; a system of None stands for any, an empty one for none."""
        return self._by_number.get((of_type, system, value))

    def _add(self, resource: Resource) -> None:
        self._entries[resource.position] = resource
        url = plain(resource.full_url or "")
        if url and len(url) <= LONGEST_REFERENCE:
            self._by_url.setdefault(url, resource)
        known = resource.body.get("id")
        found = _RESTFUL.fullmatch(url[:LONGEST_REFERENCE])
        id_ = known if isinstance(known, str) else found[3] if found else url.removeprefix(_UUID)
        if id_:
            self._name((resource.type, id_), resource, on_server=url.startswith("http"))
            _only(self._by_id, id_.lower(), resource)
        for system, value in identifiers(resource.body):
            for said in {None, system or ""}:
                _only(self._by_number, (resource.type, said, value), resource)

    def _name(self, name: _Name, resource: Resource, *, on_server: bool) -> None:
        if on_server:
            _only(self._elsewhere, name, resource)
        else:
            self._by_name.setdefault(name, resource)

    def _relative(self, reference: str, base: Resource) -> Resource | None:
        found = _RESTFUL.fullmatch(reference)
        if found is None:
            return None
        name = (found[2], found[3])
        home = _RESTFUL.fullmatch(plain(base.full_url or ""))
        if home and home[1]:
            return self._by_url.get(f"{home[1]}{reference}") or self._by_name.get(name)
        return self._by_name.get(name) or self._elsewhere.get(name)

    def _conditional(self, reference: str) -> Resource | None:
        """Other searches than the one by identifier are for the server of the sender and mean nothing here."""
        of_type, _, query = reference.partition("?")
        asked = parse_qsl(query, max_num_fields=4) if query.count("&") < 4 else []  # noqa: PLR2004 -- the line above it
        if len(asked) != 1 or asked[0][0] != "identifier":
            return None
        system, bar, value = asked[0][1].rpartition("|")
        return self.numbered(of_type, system if bar else None, value)

    def _inside(self, id_: str, base: Resource) -> Resource | None:
        """Contained resources have the position of their container, so they find each other and it (`#`)."""
        container = self._entries.get(base.position)
        if container is None or not id_:
            return container
        if base.position not in self._contained:
            self._contained[base.position] = dict(_contained(container))
        return self._contained[base.position].get(id_)


def plain(url: str) -> str:
    """Without version and fragment; a UUID in lower case."""
    end = url.find("/_history/")
    url = url[:end] if end >= 0 else url.partition("#")[0]
    return url.lower() if url[: len(_UUID)].lower() == _UUID else url


def identifiers(body: Any) -> Iterator[tuple[str | None, str]]:
    """(system, value) pairs of a resource, whatever stands there."""
    given = body.get("identifier")
    nodes = given[:LONGEST_LIST] if isinstance(given, list) else [given]
    for node in nodes:
        if isinstance(node, dict) and isinstance(node.get("value"), str) and node["value"].strip():
            system = node.get("system")
            yield (system.strip() if isinstance(system, str) else None), node["value"].strip()


def references_in(body: Any) -> Iterator[str]:
    """Every reference of a resource at any depth, and the addresses of its attachments."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield from (node[key] for key in ("reference", "url") if isinstance(node.get(key), str))
        waiting += [one for one in (node.values() if isinstance(node, dict) else node) if isinstance(one, (dict, list))]


def _contained(container: Resource) -> Iterator[tuple[str, Resource]]:
    given = container.body.get("contained")
    for body in given[:LONGEST_LIST] if isinstance(given, list) else ():
        if isinstance(body, dict) and isinstance(body.get("id"), str) and isinstance(body.get("resourceType"), str):
            yield (
                body["id"],
                Resource(
                    body, body["resourceType"], container.position, container.issues, "contained.", container.bundle
                ),
            )


def _only(index: dict[Any, Resource | None], key: object, resource: Resource) -> None:
    """Two of the same name mean none of them."""
    index[key] = resource if index.get(key, resource) is resource else None

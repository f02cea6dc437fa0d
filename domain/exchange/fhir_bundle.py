"""A FHIR R4 bundle from bytes that a stranger sent: bounded, checked, its resources ready to refer to each other.

Taken are transaction, batch, collection and document bundles in UTF-8 JSON. What makes a bundle unreadable is raised
with all that is wrong in it; what concerns one entry only is a warning, and the entry stays in the source. An object
that names a property twice is refused, for two readers could understand it differently (FHIR R4 2.6.2).
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from domain.exchange.fhir import Bundle, Resource
from domain.exchange.fhir_documents import faults
from domain.exchange.fhir_references import TYPE, References, references_in
from domain.exchange.issues import Issue, error, warning

MIB = 1024 * 1024
LARGEST_BUNDLE = 64 * MIB
KINDS = ("transaction", "batch", "collection", "document")
_OTHER_KINDS = ("message", "transaction-response", "batch-response", "history", "searchset")
_READ_METHODS = ("GET", "HEAD", "DELETE", "PATCH")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+(:?)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """Several times what large hospitals send; a JSON value is counted by the signs that part it from the next."""

    size: int = LARGEST_BUNDLE
    values: int = 6_000_000
    depth: int = 60
    entries: int = 20_000


class UnreadableBundle(Exception):
    """Nothing of it can be taken; `issues` says why, each with its place."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = list(issues)


class ParsedBundle:
    """`resources` in the order of the entries, each knowing its entry's position (from 1) and this bundle."""

    def __init__(self, body: Mapping[str, Any], issues: list[Issue]) -> None:
        self.body = body
        self.type: str = body["type"]
        self.issues = issues
        self.resources: Sequence[Resource] = list(_resources(body, self, issues))
        self.references = References(self.resources)
        self._targets: dict[int | None, list[Resource]] = {}

    def resolve(self, reference: str, base: Resource) -> Resource | None:
        return self.references.resolve(reference, base)

    def targets(self, base: Resource) -> list[Resource]:
        """The entries that an entry points to, found once: many patients may share one."""
        if base.position not in self._targets:
            found = (self.resolve(reference, base) for reference in dict.fromkeys(references_in(base.body)))
            entries = {target.position: target for target in found if target is not None}
            self._targets[base.position] = list(entries.values())
        return self._targets[base.position]


def read_bundle(data: bytes, limits: BundleLimits | None = None) -> ParsedBundle:
    """Raises UnreadableBundle."""
    body = _checked(_json(data.removeprefix(codecs.BOM_UTF8), limits := limits or BundleLimits()), limits)
    issues: list[Issue] = []
    bundle = ParsedBundle(body, issues)
    if bundle.type == "document" and (found := list(faults(body, bundle.resources))):
        raise UnreadableBundle(*found)
    return bundle


def _json(data: bytes, limits: BundleLimits) -> Any:
    if len(data) > limits.size:
        raise _unreadable("too-long", None, f"is larger than {limits.size // MIB} MiB")
    if not data.strip():
        raise _unreadable("structure", None, "is empty")
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in data[:4]:
        raise _unreadable("not-supported", None, "is not UTF-8")
    if data.lstrip()[:1] == b"<":
        raise _unreadable("not-supported", None, "is XML; send FHIR JSON")
    if data.count(b",") + data.count(b"{") + data.count(b"[") > limits.values:
        raise _unreadable("too-long", None, f"has more than {limits.values} values")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as broken:
        raise _unreadable("structure", None, f"is not JSON: line {broken.lineno}, column {broken.colno}") from None
    if _properties(found, limits) != _STRING.findall(data).count(b":"):
        raise _unreadable("structure", None, "has an object that names a property twice")
    return found


def _properties(root: Any, limits: BundleLimits) -> int:
    """How many properties all objects have together; raises where they are nested too deep."""
    level, depth, count = [root], 0, 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise _unreadable("too-long", None, f"is nested deeper than {limits.depth}")
        objects = [node for node in level if isinstance(node, dict)]
        count += sum(map(len, objects))
        inner = [value for node in objects for value in node.values()]
        inner += [value for node in level if isinstance(node, list) for value in node]
        level = [value for value in inner if isinstance(value, (dict, list))]
    return count


def _checked(body: Any, limits: BundleLimits) -> dict[str, Any]:
    """The bundle, of a kind that is imported, with a list of entries."""
    if not isinstance(body, dict):
        raise _unreadable("structure", None, "is not a JSON object")
    name = body.get("resourceType")
    if name != "Bundle":
        is_other = isinstance(name, str) and TYPE.fullmatch(name)
        told = f"is {name}: send it as an entry of a Bundle of type collection" if is_other else "is not Bundle"
        raise _unreadable("structure", "resourceType", told)
    if body.get("type") not in KINDS:
        told = f"is {body['type']}; " if body.get("type") in _OTHER_KINDS else "is absent or unknown; "
        code = "required" if body.get("type") is None else "not-supported"
        raise _unreadable(code, "type", f"{told}sent may be {', '.join(KINDS)}")
    entries = body.get("entry", [])
    if not isinstance(entries, list):
        raise _unreadable("structure", "entry", "is not a list")
    if len(entries) > limits.entries:
        raise _unreadable("too-long", "entry", f"has more than {limits.entries} entries")
    return body


def _unreadable(code: str, field: str | None, message: str) -> UnreadableBundle:
    return UnreadableBundle(error(code, "Bundle", None, field, message))


def _resources(body: Mapping[str, Any], bundle: Bundle, issues: list[Issue]) -> Iterator[Resource]:
    """What stands in the entries; an entry that repeats another to the letter is passed over."""
    read = [_entry(entry, position) for position, entry in enumerate(body.get("entry") or (), 1)]
    times = Counter(resource.full_url for resource, _ in read if resource)
    urls: set[str] = set()
    said: set[tuple[str, bytes]] = set()
    for resource, told in read:
        issues += told
        if resource is None:
            continue
        resource.bundle = bundle
        if resource.full_url and times[resource.full_url] > 1:
            if resource.full_url in urls:
                words = "is that of an earlier entry, which references mean"
                issues.append(_doubt("duplicate", resource.position, "fullUrl", words))
            whole = (resource.full_url, orjson.dumps(resource.body))
            if whole in said:
                continue
            urls.add(resource.full_url)
            said.add(whole)
        yield resource


def _entry(entry: Any, position: int) -> tuple[Resource | None, list[Issue]]:
    """The resource to take from an entry, or None with what is the matter."""
    if not isinstance(entry, dict):
        return None, [_doubt("structure", position, None, "is not an object")]
    request = entry.get("request")
    method = request.get("method") if isinstance(request, dict) else None
    if method in _READ_METHODS:
        return None, [_doubt("not-supported", position, "request.method", f"is {method}, which is not carried out")]
    body = entry.get("resource")
    if body is None:
        return None, [_doubt("not-supported", position, None, "has no resource, so nothing is taken from it")]
    name = body.get("resourceType") if isinstance(body, dict) else None
    if not isinstance(name, str) or not TYPE.fullmatch(name):
        return None, [_doubt("structure", position, "resource", "is not a FHIR resource")]
    url = entry.get("fullUrl")
    return Resource(body, name, position, [], full_url=url.strip() if isinstance(url, str) else None), []


def _doubt(code: str, position: int | None, field: str | None, message: str) -> Issue:
    return warning(code, "Bundle", position, field, message)

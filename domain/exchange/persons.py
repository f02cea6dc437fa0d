"""A person in FHIR R4 Patient and RelatedPerson, read and written: name, telecom, address, numbers, contacts.

Lists hold plain dicts, as the book keeps them: an identifier is kind, value, issuer, system; a contact is name,
relation, phone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from domain.exchange import fhir_out as out
from domain.exchange import fhir_systems as systems
from domain.exchange.fhir import Concept, Node, Resource
from domain.identity.identifiers import IdentifierKind

OTHER = "other"
MOST_CONTACTS = 50
_LOCAL = IdentifierKind.FACILITY_PATIENT_ID.value
_KINDS = {
    systems.CCCD: IdentifierKind.CCCD.value,
    systems.CMND: IdentifierKind.CMND.value,
    systems.BHXH: IdentifierKind.BHXH.value,
    systems.BHYT: IdentifierKind.BHYT.value,
    systems.PASSPORT: IdentifierKind.PASSPORT.value,
}
_SYSTEMS = {kind: system for system, kind in _KINDS.items()}
_KINDS_BY_TYPE = {
    "PPN": IdentifierKind.PASSPORT.value,
    "MR": _LOCAL,
    "PI": _LOCAL,
}
_TYPES = {IdentifierKind.PASSPORT.value: "PPN", _LOCAL: "MR"}
_RELATIONS = {
    "MTH": "mother",
    "NMTH": "mother",
    "FTH": "father",
    "NFTH": "father",
    "PRN": "parent",
    "GUARD": "guardian",
    "SPS": "spouse",
    "CHILD": "child",
    "SIB": "sibling",
    "GRPRN": "grandparent",
}
_RELATION_CODES = {words: code for code, words in reversed(_RELATIONS.items())}
_NOT_NOW = ("old", "temp")
_NAME_USES = ("official", "usual", None, "temp", "anonymous")


@dataclass(frozen=True, slots=True)
class Address:
    """`text` in one line, smallest part first; the codes where the sender gives them."""

    text: str | None = None
    province: str | None = None
    commune: str | None = None


def name_of(node: Node) -> tuple[str | None, str | None]:
    """The name people use now, and its FHIR use; a list of names is searched, a single one taken."""
    single = node.child("name") if isinstance(node.body.get("name"), dict) else None
    names = [single] if single else list(node.children("name"))
    ranked = sorted(names, key=lambda name: _rank(name.string("use")))
    return next(((words, name.string("use")) for name in ranked if (words := _words(name))), (None, None))


def _rank(use: str | None) -> int:
    return _NAME_USES.index(use) if use in _NAME_USES else len(_NAME_USES)


def _words(name: Node) -> str | None:
    """As written, else the parts, family first."""
    parts = [name.string("family"), *name.strings("given")]
    return name.string("text") or " ".join(part for part in parts if part) or None


def phones_of(node: Node) -> list[str]:
    return _telecom(node, "phone", "sms")


def emails_of(node: Node) -> list[str]:
    return _telecom(node, "email")


def _telecom(node: Node, *kinds: str) -> list[str]:
    """Each number once, in order; those of old are left out."""
    points = (point for point in node.children("telecom") if point.string("system") in kinds)
    found = (point.string("value") for point in points if point.string("use") != "old")
    return list(dict.fromkeys(value for value in found if value))


def address_of(resource: Resource) -> Address:
    """Where the person lives: the first address that is not an old or a passing one."""
    given = [node for node in resource.children("address") if node.string("use") not in _NOT_NOW]
    if not given:
        return Address()
    address = given[0]
    parts = [*address.strings("line"), *(address.string(part) for part in ("district", "city", "state", "country"))]
    words = address.string("text") or ", ".join(dict.fromkeys(part for part in parts if part)) or None
    return Address(words, _code(address, systems.EXTENSION_PROVINCE), _code(address, systems.EXTENSION_COMMUNE))


def extensions_at(node: Node | None, url: str) -> Iterator[Node]:
    return (found for found in (node.children("extension") if node else ()) if found.string("url") == url)


def _code(node: Node, url: str) -> str | None:
    """The code in an extension, in whichever of the code types its sender chose."""
    for found in extensions_at(node, url):
        coding = found.child("valueCoding")
        concept = found.concept("valueCodeableConcept")
        code = (coding.string("code") if coding else None) or concept.code
        return code or (found.string("valueCode") if found.has("valueCode") else found.string("valueString"))
    return None


def identifiers_of(resource: Resource) -> list[dict[str, Any]]:
    return [_identifier(node, value) for node in resource.children("identifier") if (value := node.string("value"))]


def identifier(kind: str, value: str, issuer: str | None = None) -> dict[str, Any]:
    """An identifier of ours with the system that FHIR knows it by."""
    system = f"{systems.FACILITY_PATIENT}{issuer}" if kind == _LOCAL else _SYSTEMS.get(kind)
    return out.filled({"kind": kind, "value": value, "issuer": issuer, "system": system})


def _identifier(node: Node, value: str) -> dict[str, Any]:
    system, assigner = node.string("system"), node.child("assigner")
    if system and system.startswith(systems.FACILITY_PATIENT):
        return identifier(_LOCAL, value, system.removeprefix(systems.FACILITY_PATIENT))
    by_type = next((kind for code, kind in _KINDS_BY_TYPE.items() if node.concept("type").has(code)), OTHER)
    issuer = assigner.string("display") if assigner else None
    kind = _KINDS.get(system or "", by_type)
    return out.filled({"kind": kind, "value": value, "issuer": issuer, "system": system})


def identifiers_out(identifiers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_identifier_out(given) for given in identifiers]


def _identifier_out(given: dict[str, Any]) -> dict[str, Any]:
    system = given.get("system")
    is_local = (system or "").startswith(systems.FACILITY_PATIENT)
    code = None if is_local or system in _KINDS else _TYPES.get(given["kind"])
    return out.filled(
        {
            "type": out.concept(systems.IDENTIFIER_TYPE, code, None),
            "system": system,
            "value": given["value"],
            "assigner": None if is_local else out.named(given.get("issuer")),
        }
    )


def contacts_of(patient: Resource) -> list[dict[str, Any]]:
    """Patient.contact and the RelatedPersons of this patient in the same bundle."""
    people: list[Node] = [*patient.children("contact"), *_related(patient)]
    found = [contact for person in people if (contact := _contact(person))]
    return [contact for index, contact in enumerate(found) if contact not in found[:index]][:MOST_CONTACTS]


def _related(patient: Resource) -> Iterator[Resource]:
    others = patient.bundle.resources if patient.bundle else ()
    for other in others:
        if other.type == "RelatedPerson":
            whose = other.linked("patient", "Patient")
            if whose is not None and whose.row_id == patient.row_id:
                yield other


def _contact(person: Node) -> dict[str, Any]:
    name, _ = name_of(person)
    return out.filled({"name": name, "relation": _relation(person), "phone": next(iter(phones_of(person)), None)})


def _relation(person: Node) -> str | None:
    """The plain word for a known relation, else what the sender wrote."""
    concepts = person.concepts("relationship")
    codes = [code for concept in concepts for _, code in concept.codings if code]
    known = (_RELATIONS[code] for code in codes if code in _RELATIONS)
    first = next(iter(concepts), Concept())
    return next(known, None) or first.display or first.code


def contacts_out(contacts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_contact_out(contact) for contact in contacts]


def _contact_out(contact: dict[str, Any]) -> dict[str, Any]:
    relation, phone = contact.get("relation"), contact.get("phone")
    concept = out.concept(systems.ROLE_CODE, _RELATION_CODES.get(relation or ""), relation)
    return out.filled(
        {
            "relationship": out.listed([concept]),
            "name": out.filled({"text": contact.get("name")}),
            "telecom": telecom_out([phone] if phone else [], []),
        }
    )


def telecom_out(phones: Iterable[str], emails: Iterable[str]) -> list[dict[str, str]]:
    return [
        *({"system": "phone", "value": phone} for phone in phones),
        *({"system": "email", "value": email} for email in emails),
    ]


def address_out(text: str | None, province: str | None, commune: str | None) -> dict[str, Any]:
    codes = ((systems.EXTENSION_PROVINCE, province), (systems.EXTENSION_COMMUNE, commune))
    extensions = [{"url": url, "valueCode": code} for url, code in codes if code]
    return out.filled({"extension": extensions, "text": text})

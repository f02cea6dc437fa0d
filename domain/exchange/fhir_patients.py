"""Whose each resource of a bundle is: a bundle is split into one part a patient, and what several parts may need.

A resource belongs to the patient that its subject resolves to (`subject`, `patient`, `beneficiary`, ...), else to the
patient of its encounter. One that names no patient is taken for the only patient of a bundle, with a warning; where
there are several, it is nobody's. One that names somebody who is not in the bundle is never taken for another's.
Organizations, practitioners, medications and the like are shared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.exchange.fhir import LONGEST_LIST, Resource
from domain.exchange.fhir_bundle import ParsedBundle, UnreadableBundle
from domain.exchange.fhir_references import identifiers
from domain.exchange.issues import Issue, error, warning

SUPPORTING = frozenset(
    {
        "Binary",
        "Device",
        "Endpoint",
        "HealthcareService",
        "Location",
        "Medication",
        "OperationOutcome",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
        "Questionnaire",
        "Specimen",
        "Substance",
    }
)
_SUBJECTS = ("subject", "patient", "beneficiary", "for", "individual")
_VISITS = ("encounter", "context")
_STEPS = 3  # medication -> manufacturer, role -> practitioner, organization -> its parent


@dataclass(eq=False)
class PatientPart:
    """A patient with everything that is about him, in the order of the bundle; a `fhir.Bundle` for these resources.

    `resources` does not hold `outsiders`, which name somebody who is not in the bundle and are kept unread.
    """

    patient: Resource
    whole: ParsedBundle
    resources: list[Resource] = field(default_factory=list)
    outsiders: list[Resource] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def take(self, resource: Resource) -> None:
        resource.bundle = self
        self.resources.append(resource)

    def resolve(self, reference: str, base: Resource) -> Resource | None:
        """What the whole bundle says, unless that belongs to another patient."""
        target = self.whole.resolve(reference, base)
        is_open = target is not None and (target.bundle in (self, self.whole) or target.type == "Patient")
        return target if is_open else None

    def shared(self) -> Iterator[Resource]:
        """The shared resources that those of the patient point to, each once, a few steps far."""
        found: set[int | None] = set()
        near = self.resources
        for _ in range(_STEPS):
            told = {target.position: target for base in near for target in self.whole.targets(base)}
            near = [one for at, one in told.items() if one.bundle is self.whole and at not in found]
            found.update(told)
            yield from near


@dataclass(frozen=True, slots=True)
class Split:
    """`unassigned` are resources about people, but nobody's in particular; `issues` says so, one each."""

    parts: list[PatientPart]
    unassigned: list[Resource]
    issues: list[Issue]


def split(bundle: ParsedBundle) -> Split:
    """The patients of a bundle in order, what is wrong with the bundle at the first. UnreadableBundle without any."""
    parts = {one.position: PatientPart(one, bundle) for one in bundle.resources if one.type == "Patient"}
    if not parts:
        raise UnreadableBundle(error("required", "Bundle", None, "entry", "holds no Patient"))
    done = Split(list(parts.values()), [], [])
    done.parts[0].issues += bundle.issues
    owners = [one if one.type == "Patient" else _owner(bundle, one) for one in bundle.resources]
    for resource, owner in zip(bundle.resources, owners, strict=True):
        part = parts.get(owner.position) if owner else None
        if part is not None and part.patient is owner:
            part.take(resource)
        elif resource.type not in SUPPORTING:
            _unowned(done, resource)
    return done


def _unowned(done: Split, resource: Resource) -> None:
    """Without a bundle, nothing resolves to it."""
    resource.bundle = None
    name = next((name for name in _SUBJECTS if resource.has(name)), "subject")
    is_about_another = any(_named(resource, name) for name in _SUBJECTS)
    told = "is nobody in this bundle" if is_about_another else "is not given"
    if len(done.parts) != 1:
        told += "; send it with its patient"
        done.unassigned.append(resource)
        done.issues.append(error("required", resource.type, resource.position, name, told))
        return
    part = done.parts[0]
    told += "; kept as source only" if is_about_another else "; taken for the only patient of the bundle"
    part.issues.append(warning("required", resource.type, resource.position, name, told))
    if is_about_another:
        part.outsiders.append(resource)
    else:
        part.take(resource)


def _owner(bundle: ParsedBundle, resource: Resource) -> Resource | None:
    """The patient whom a resource is about."""
    told = [*_targets(bundle, resource, *_SUBJECTS), *_participants(bundle, resource)]
    found = next((target for target in told if target.type == "Patient"), None)
    if found is None and not any(_named(resource, name) for name in _SUBJECTS):
        visits = (target for target in _targets(bundle, resource, *_VISITS) if target.type == "Encounter")
        whose = (patient for visit in visits for patient in _targets(bundle, visit, *_SUBJECTS))
        found = next((patient for patient in whose if patient.type == "Patient"), None)
    return found


def _targets(bundle: ParsedBundle, resource: Resource, *names: str) -> Iterator[Resource]:
    for name in names:
        for reference, number in _named(resource, name):
            target = bundle.resolve(reference, resource) if reference else None
            target = target or (bundle.references.numbered("Patient", *number) if number and not reference else None)
            if target is not None:
                yield target


def _participants(bundle: ParsedBundle, resource: Resource) -> Iterator[Resource]:
    """Appointment and its like name the patient among those who come."""
    given = resource.body.get("participant")
    for node in given[:LONGEST_LIST] if isinstance(given, list) else ():
        actor = node.get("actor") if isinstance(node, dict) else None
        reference = actor.get("reference") if isinstance(actor, dict) else None
        target = bundle.resolve(reference, resource) if isinstance(reference, str) else None
        if target is not None:
            yield target


def _named(resource: Resource, name: str) -> list[tuple[str | None, tuple[str, str] | None]]:
    """(reference, identifier) of a Reference or a list of them; empty where none says whom it means."""
    given = resource.body.get(name)
    nodes = [node for node in (given[:LONGEST_LIST] if isinstance(given, list) else [given]) if isinstance(node, dict)]
    found = []
    for node in nodes:
        reference = node.get("reference")
        number = next(((system or "", value) for system, value in identifiers(node)), None)
        if isinstance(reference, str) or number:
            found.append((reference if isinstance(reference, str) else None, number))
    return found

"""SMART App Launch 2 in our words: scope names as aliases of `record:<section>:read`, and its configuration.

An alias opens what its name says and nothing more: `patient/Condition.rs` one section, `patient/Observation.rs`
every section of observations, `patient/*.rs` all of them, each shown on the consent page by itself. Names that are
not in the list (another category, writing, `user/`, `system/`) stay unknown scopes and are refused.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auth.settings import AuthSettings

Aliases = Mapping[str, Sequence[str]]
"""SMART names and the scopes that each stands for."""

CONFIGURATION = "/.well-known/smart-configuration"
FHIR = "/fhir"
PATIENT = "launch/patient"
FHIR_USER = "fhirUser"

_PREFIX, _READ, _READ_V1 = "patient/", ".rs", ".read"
_SHARED = (
    "issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported", "grant_types_supported", "registration_endpoint",
    "response_types_supported", "introspection_endpoint", "revocation_endpoint", "code_challenge_methods_supported",
)  # fmt: skip
_CAPABILITIES = (
    "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-standalone-patient", "permission-offline",
    "permission-patient", "permission-v1", "permission-v2",
)  # fmt: skip


class NothingAllowed(ValueError):
    """An alias of which the client may have no part."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A scope after translation: names of ours in their order, and the aliases that some came from."""

    names: list[str]
    aliases: list[str]


def aliases(sections: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """All aliases, from the v2 names (`patient/Type.rs`, or with `?category=`) that each section's scope has."""
    found: dict[str, list[str]] = {}
    for scope, names in sections.items():
        for name in names:
            resource = name.partition("?")[0].removesuffix(_READ)
            for alias in (name, resource + _READ, resource + _READ_V1, f"{_PREFIX}*{_READ}", f"{_PREFIX}*{_READ_V1}"):
                known = found.setdefault(alias, [])
                known.extend([] if scope in known else [scope])
    return found


def translate(asked: Iterable[str], known: Aliases, allowed: Collection[str]) -> Asked:
    """Aliases become those of their scopes that are `allowed`; NothingAllowed if one has none. Other names stay."""
    names: list[str] = []
    spoken: list[str] = []
    for name in asked:
        if name not in known:
            names.append(name)
            continue
        opened = [scope for scope in known[name] if scope in allowed]
        if not opened:
            raise NothingAllowed(name)
        spoken.append(name)
        names.extend(opened)
    return Asked(list(dict.fromkeys(names)), spoken)


def granted_aliases(granted: Collection[str], asked: Iterable[str], known: Aliases) -> list[str]:
    """What of the asked aliases was granted, in names of the same version: whole, or else the narrower ones."""
    told: list[str] = []
    for alias in asked:
        wanted, version = known[alias], _READ_V1 if alias.endswith(_READ_V1) else _READ
        if set(wanted) <= set(granted):
            told.append(alias)
            continue
        told.extend(
            name for name, scopes in known.items() if (version in name) and set(scopes) <= set(granted) & set(wanted)
        )
    return list(dict.fromkeys(told))


def is_about_a_patient(scope: Iterable[str]) -> bool:
    """The token's answer names the patient (SMART App Launch 2.1.7)."""
    return any(name == PATIENT or name.startswith(_PREFIX) for name in scope)


def audiences(settings: AuthSettings) -> frozenset[str]:
    """What `aud` of an authorization request may name: the FHIR base, or the API as access tokens do."""
    base = settings.issuer + FHIR
    return frozenset({base, f"{base}/", settings.audience})


def configuration(metadata: Mapping[str, Any], known: Aliases) -> dict[str, Any]:
    """The document of SMART App Launch 2.2, from the server's metadata."""
    shared = {name: metadata[name] for name in _SHARED if name in metadata}
    scopes = [*metadata["scopes_supported"], *sorted(known)]
    return {**shared, "scopes_supported": scopes, "capabilities": list(_CAPABILITIES)}

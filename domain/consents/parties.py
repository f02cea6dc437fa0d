"""The facilities and apps that consents are given to: found by id, with the names that citizens are shown."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, Uuid, column, select, table
from sqlalchemy.orm import Session

from domain.consents.tables import Consent
from domain.consents.terms import Reader
from domain.organizations import Organization

CLIENT = table(  # auth's own table; the domain knows these columns of it
    "client",
    column("client_id", Text),
    column("name", Text),
    column("kind", Text),
    column("status", Text),
    column("organization_id", Uuid),
    schema="auth",
)
APP_KINDS = ("third_party", "sandbox")


@dataclass(frozen=True, slots=True)
class Party:
    """A facility or an app by its name of today; `is_active`: not suspended."""

    name: str
    code: str
    is_active: bool


GONE = Party("", "", is_active=False)


def facility(db: Session, organization_id: UUID, kind: str = "written_request") -> Reader | None:
    """An active facility; None where there is none."""
    found = facilities(db, [organization_id]).get(organization_id, GONE)
    return Reader(kind, organization_id, None, found.name, found.code) if found.is_active else None


def facility_named(db: Session, organization_id: UUID) -> Reader | None:
    """A facility, active or not; None where there is none."""
    return facilities_named(db, [organization_id]).get(organization_id)


def facilities_named(db: Session, ids: Collection[UUID]) -> dict[UUID, Reader]:
    """Facilities by id, active or not."""
    found = facilities(db, ids).items()
    return {id_: Reader("written_request", id_, None, party.name, party.code) for id_, party in found}


def app(db: Session, client_id: str) -> Reader | None:
    """An active app that is no part of the book itself."""
    found = apps(db, [client_id]).get(client_id, GONE)
    return Reader("app", None, client_id, found.name) if found.is_active else None


def reader_of(db: Session, consent: Consent) -> Reader:
    """To whom a consent was given, also where it is suspended or gone."""
    return readers_of(db, [consent])[consent.id]


def readers_of(db: Session, consents: Collection[Consent]) -> dict[UUID, Reader]:
    """By consent: to whom it was given. Two statements, however many they are."""
    return {one.id: _reader(one, party) for one, party in _with_parties(db, consents)}


def active_readers_of(db: Session, consents: Collection[Consent]) -> dict[UUID, Reader]:
    """The same, without those that are suspended or gone."""
    return {one.id: _reader(one, party) for one, party in _with_parties(db, consents) if party.is_active}


def _with_parties(db: Session, consents: Collection[Consent]) -> list[tuple[Consent, Party]]:
    known_apps = apps(db, {one.client_id for one in consents if one.client_id is not None})
    known = facilities(db, {one.organization_id for one in consents if one.organization_id is not None})
    found = []
    for one in consents:
        party = known_apps.get(one.client_id) if one.client_id else None
        if one.organization_id is not None:
            party = known.get(one.organization_id)
        found.append((one, party or GONE))
    return found


def facilities(db: Session, ids: Collection[UUID]) -> dict[UUID, Party]:
    """Those there are, by id; one without a name goes by its code."""
    if not ids:
        return {}
    columns = select(Organization.id, Organization.name, Organization.code, Organization.status)
    rows = db.execute(columns.where(Organization.id.in_(ids)))
    return {row.id: Party(row.name or row.code, row.code, row.status == "active") for row in rows}


def apps(db: Session, ids: Collection[str]) -> dict[str, Party]:
    """Those there are, by client id."""
    if not ids:
        return {}
    columns = select(CLIENT.c.client_id, CLIENT.c.name, CLIENT.c.status)
    rows = db.execute(columns.where(CLIENT.c.client_id.in_(ids), CLIENT.c.kind.in_(APP_KINDS)))
    return {row.client_id: Party(row.name, "", row.status == "active") for row in rows}


def _reader(consent: Consent, party: Party) -> Reader:
    name = party.name or consent.client_id or ""
    return Reader(consent.kind, consent.organization_id, consent.client_id, name, party.code)

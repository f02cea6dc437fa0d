"""`healthbook demo`: an invented population on an embedded database, served on this machine."""

import asyncio
import json
import os
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from api.app import record_scopes
from api.settings import ApiSettings, budgets, connections, emergency_alarm, identifier_key, seats
from auth.clients.registration import issue_demo_token, register_facility, register_phone
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from cli import demo_clinic, demo_clinician
from cli.database import database
from cli.demo_worker import telling
from cli.importing import import_files
from cli.progress import counting
from cli.serve import ensure_keys, free_socket, serve
from cli.sessions import auth_session, owner_session
from cli.settings import Addresses, data_folder, environment, keys, write_private
from domain import organizations
from domain.database import open_engine
from domain.identity.identifiers import Identifier, IdentifierKind, facility_patient_id, lookup_key
from domain.intake.tables import PatientKey
from domain.patients import Citizen
from domain.related_persons import RelatedPerson
from domain.representation.ages import parental_right
from domain.synthetic import write_population
from domain.values import VIETNAM, PartialDate, utc_now

HOST = "127.0.0.1"
SEED = 1
TOKEN_LIFE = timedelta(hours=12)
FACILITY_CLIENT = "demo-facility"
CLINIC_SCOPES = "record:submit consent:request visit:manage patient:find schedule:manage appointment:manage"
OWN_SCOPES = (
    "openid profile fhirUser launch/patient offline_access consent:read consent:manage log:read delegate:manage "
    "inbox:read device:manage appointment:read appointment:write"
)


def run(*, people: int, port: int) -> None:
    environ = environment()
    folder = data_folder(environ)
    if environ.get("HEALTHBOOK_DATABASE_URL"):
        raise typer.BadParameter("the demo brings its own database; unset HEALTHBOOK_DATABASE_URL")
    held = {**environ, **keys(environ, folder)}
    with database(environ) as addresses:
        secret = identifier_key(held)
        if not (folder / "demo.json").exists():
            load(folder, addresses, secret, people, processes=os.cpu_count() or 1)
        listening = free_socket(HOST, port)
        origin = f"http://{HOST}:{listening.getsockname()[1]}"
        auth = _auth(origin, held)
        asyncio.run(ensure_keys(addresses, auth))
        first = json.loads((folder / "demo.json").read_text())
        asyncio.run(demo_clinic.open_clinic(addresses, first["facility"], utc_now()))
        token, doctor = asyncio.run(_tokens(addresses, auth, UUID(first["citizen"])))
        api = ApiSettings(
            web_dsn=addresses.web,
            intake_dsn=addresses.intake,
            auth_dsn=addresses.auth,
            consent_dsn=addresses.consent,
            identifier_key=secret,
            connections=connections(environ),
            demo_token=token,
            emergency_alarm=emergency_alarm(environ),
            seats=seats(environ),
            budgets=budgets(environ),
        )
        with telling(addresses, held) as pushes:
            _keep(folder / "demo.env", origin, token, doctor, first, pushes)
            serve(api, auth, listening, ready=lambda: _tell(origin, token, first, folder, pushes))


def _auth(origin: str, held: Mapping[str, str]) -> AuthSettings:
    plain = AuthSettings.from_env({**held, "HEALTHBOOK_ISSUER": origin})
    return AuthSettings(issuer=origin, audience=plain.audience, kek=plain.kek, demo_sign_in=True)


def load(folder: Path, addresses: Addresses, secret: bytes, people: int, *, processes: int = 1) -> None:
    """Invent, import and register. The marker is written last, so that what was cut short starts again."""
    population = folder / "population"
    shutil.rmtree(population, ignore_errors=True)
    today = utc_now().astimezone(VIETNAM).date()
    with counting("Inventing people", people) as progress:
        write_population(population, people=people, seed=SEED, today=today, progress=progress)
    asyncio.run(_organizations(addresses, population))
    files = [*sorted(population.glob("qd4750/*.xml")), *sorted(population.glob("fhir/*"))]
    tally = import_files(files, addresses.intake, secret, processes=processes)
    tally.show()
    told = asyncio.run(_register(addresses, population, secret, folder))
    write_private(folder / "demo.json", told)


async def _organizations(addresses: Addresses, population: Path) -> None:
    engine = open_engine(addresses.intake)
    try:
        async with engine.begin() as connection:
            await organizations.save(connection, json.loads((population / "organizations.json").read_text()))
    finally:
        await engine.dispose()


async def _register(addresses: Addresses, population: Path, secret: bytes, folder: Path) -> dict[str, str]:
    """The citizens who may sign in, the phone's client, one facility's and its doctor's; what the start page tells."""
    people = json.loads((population / "citizens.json").read_text())
    async with owner_session(addresses) as session:
        for person in people:
            await _citizen(session, person, secret)
        code = people[0]["facility_patient"]["facility"]
        facility = (
            await session.execute(select(organizations.Organization).where(organizations.Organization.code == code))
        ).scalar_one()
        await demo_clinician.add_doctor(session, facility.id)
        await session.commit()
    async with auth_session(addresses) as session:
        await register_phone(session, f"{OWN_SCOPES} {' '.join(record_scopes())}")
        registered = await register_facility(
            session,
            client_id=FACILITY_CLIENT,
            name=facility.name or code,
            organization_id=facility.id,
            scope=f"{CLINIC_SCOPES} {' '.join(record_scopes())}",
        )
        await demo_clinician.add_application(session, facility.id, facility.name or code, folder)
        await session.commit()
    return {
        "citizen": people[0]["sub"],
        "label": people[0]["label"],
        "facility": code,
        "facility_client": registered.client_id,
        "facility_secret": registered.secret or "",
    }


async def _citizen(session: AsyncSession, person: Mapping[str, Any], secret: bytes) -> None:
    patient_id = await _patient(session, person, secret)
    note = STORIES.get(person.get("story") or "", "")
    await session.merge(
        Citizen(id=UUID(person["sub"]), patient_id=patient_id, demo_label=f"{person['label']} | {note}")
    )
    await session.flush()
    for child in person["children"]:
        child_id = await _patient(session, child, secret)
        if child_id is not None:
            await _parent(session, UUID(person["sub"]), child_id, PartialDate(child["birth_date"]))


async def _parent(session: AsyncSession, citizen_id: UUID, child_id: UUID, birth: PartialDate) -> None:
    """A parent's right as the law gives it, once; a grown child's book is his own."""
    right = parental_right(birth, utc_now())
    known = select(RelatedPerson.id).filter_by(citizen_id=citizen_id, patient_id=child_id)
    if right is None or (await session.execute(known)).scalar() is not None:
        return
    session.add(
        RelatedPerson(
            citizen_id=citizen_id,
            patient_id=child_id,
            kind="parent",
            sensitive=list(right.sensitive),
            private_from=right.private_from,
            can_manage=right.can_manage,
            evidence="demo",
            valid_until=right.valid_until,
        )
    )


STORIES = {
    "elder": "bệnh mạn tính, khám ở nhiều bệnh viện",
    "mother": "mẹ, xem được sổ của các con",
    "young_adult": "người trẻ, ít khám",
    "restricted": "có dữ liệu nhạy cảm",
    "unnumbered": "chưa có CCCD, chỉ có mã số BHXH",
}


async def _patient(session: AsyncSession, person: Mapping[str, Any], secret: bytes) -> UUID | None:
    """The patient that the import made of an invented person, by the surest identifier he has."""
    own = person["facility_patient"]
    identifiers = [
        Identifier(IdentifierKind.CCCD, person["cccd"]) if person.get("cccd") else None,
        Identifier(IdentifierKind.BHXH, person["bhxh"]) if person.get("bhxh") else None,
        facility_patient_id(own["facility"], own["number"]) if own else None,
    ]
    for identifier in identifiers:
        if identifier is None:
            continue
        statement = select(PatientKey.patient_id).where(PatientKey.key == lookup_key(secret, identifier))
        found = (await session.execute(statement.order_by(PatientKey.patient_id).limit(1))).scalar()
        if found is not None:
            return found
    return None


async def _tokens(addresses: Addresses, auth: AuthSettings, citizen_id: UUID) -> tuple[str, str]:
    """Ready-made access tokens: the first citizen's and the doctor's."""
    engine = open_engine(addresses.auth)
    try:
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        ring = await KeyStore(sessions, auth.kek).ring()
        scope = f"{OWN_SCOPES} {' '.join(record_scopes())}"
        async with sessions() as session:
            token = await issue_demo_token(session, ring, auth, citizen_id=citizen_id, scope=scope, life=TOKEN_LIFE)
            doctor = await demo_clinician.issue_token(session, ring, auth, TOKEN_LIFE)
            await session.commit()
        return token, doctor
    finally:
        await engine.dispose()


QUERY = "{ healthRecord { demographics { name birthDate } immunizations { occurred vaccine } } }"


def _keep(path: Path, origin: str, token: str, doctor: str, first: Mapping[str, str], pushes: str) -> None:
    """What a tour needs, as shell variables, for this start of the demo. Only its owner reads the file."""
    path.unlink(missing_ok=True)
    told = {
        "ORIGIN": origin,
        "CITIZEN": token,
        "DOCTOR": doctor,
        "CLINIC_ID": first["facility_client"],
        "CLINIC_SECRET": first["facility_secret"],
        "PUSHES": pushes,
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in told.items())


def _tell(origin: str, token: str, first: Mapping[str, str], folder: Path, pushes: str) -> None:
    body = json.dumps({"query": QUERY})
    typer.echo(f"""
healthbook is ready (Ctrl-C stops it and its database).

  Sign in         {origin}/login
  GraphiQL        {origin}/graphiql      with the token of {first["label"]}
  Ready? Alive?   {origin}/readyz  {origin}/livez

A first query, as {first["label"]}:

  curl {origin}/graphql \\
    -H 'Content-Type: application/json' \\
    -H 'Authorization: Bearer {token}' \\
    -d '{body}'

A day at the clinic, signed in as {demo_clinician.NAME}:   {origin}/clinic/day

A hospital sends a file (a token for facility {first["facility"]}, then the file):

  curl -u {first["facility_client"]}:{first["facility_secret"]} {origin}/oauth/token \\
    -d 'grant_type=client_credentials&scope=record:submit'
  curl {origin}/ingest/qd4750 -H 'Authorization: Bearer ...' --data-binary @FILE.xml

Pushes to registered phones arrive at   {pushes}/messages   (docs/notifications.md)

The hospital asks, the citizen grants, reads and withdraws:   python3 docs/tour.py
A place at the clinic, the word on the phone, the queue:      python3 docs/tour_booking.py
Its tokens, and one of {demo_clinician.NAME} for emergencies:   {folder / "demo.env"}
""")

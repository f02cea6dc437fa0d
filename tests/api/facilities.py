"""A hospital's system as the API meets it: a client of its own, a token, and files."""

import json

from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.clients.registration import register_facility
from domain import organizations
from domain.database import open_engine

QD4750, FHIR = "/ingest/qd4750", "/ingest/fhir"
HEADERS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}  # beside others, on every answer


class Facility:
    def __init__(self, client, token):
        self.client, self.token = client, token

    async def post(self, path, content, **headers):
        headers = {"Authorization": f"Bearer {self.token}"} | headers
        return await self.client.post(path, content=content, headers=headers)

    async def file(self, content):
        """The answer lines of a QĐ 4750 file."""
        answer = await self.post(QD4750, content)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.text.splitlines()]


async def facility_of(client, database, code, name="Bệnh viện"):
    """The system of a facility, with a token that it got for its secret."""
    form = {"grant_type": "client_credentials", "scope": "record:submit"}
    answer = await client.post("/oauth/token", data=form, auth=await registered(database, code, name))
    return Facility(client, answer.json()["access_token"])


async def registered(database, code, name):
    """Client id and secret of a facility."""
    engine = open_engine(database.owner)
    async with engine.begin() as connection:
        await organizations.save(connection, [{"code": code, "name": name}])
        found = (await organizations.by_code(connection, [code]))[code]
    async with async_sessionmaker(engine)() as session:
        made = await register_facility(session, name=name, organization_id=found.id, scope="record:submit")
        await session.commit()
    await engine.dispose()
    return made.client_id, made.secret

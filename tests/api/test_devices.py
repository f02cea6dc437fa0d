"""A sandbox app on a device reads what its citizen's consent says, from the next request on."""

from dataclasses import replace

import httpx
from sqlalchemy.ext.asyncio import async_sessionmaker

from api.app import create_app, record_scopes
from auth.clients.profiles import DEVICE
from auth.clients.registration import register
from domain.database import open_engine
from tests.api.conftest import AUTH, Book
from tests.api.consenting import WITHDRAW, citizen
from tests.auth.flows import Phone, hidden

SCREEN = "trial-screen"
SECTIONS = ("labs", "vitals", "conditions", "prescriptions")
READ = "{ healthRecord { " + " ".join(f"{name}(first: 500) {{ totalCount }}" for name in SECTIONS) + " } }"
TICKED = {"scope": ["record:labs:read", "record:vitals:read"], "period": "everything"}


async def registered(book: Book) -> None:
    engine = open_engine(book.database.auth)
    async with async_sessionmaker(engine)() as session:
        sandbox = {"kind": "sandbox", "auth_method": "none", "grant_types": [DEVICE]}
        scope = " ".join(["openid", *record_scopes()])
        await register(session, client_id=SCREEN, name="Khung ảnh Tím", scope=scope, **sandbox)
        await session.commit()
    await engine.dispose()


async def connected(book: Book, citizen_id: object) -> str:
    """The device's access token, after a citizen of the demo's list typed its code and said yes."""
    app = create_app(book.database.api_settings(), replace(AUTH, demo_sign_in=True))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=AUTH.issuer) as browser,
    ):
        await Phone(browser, citizen_id).sign_in()
        scope = " ".join(f"record:{name}:read" for name in SECTIONS)
        asked = (await browser.post("/oauth/device", data={"client_id": SCREEN, "scope": scope})).json()
        form = {"user_code": asked["user_code"], "form_token": hidden(await browser.get("/device"), "form_token")}
        read = await browser.post("/device", data={**form, **TICKED, "decision": "go_on"})
        told = {**form, **TICKED, "decision": "allow", "shown": hidden(read, "shown")}
        assert (await browser.post("/device", data=told)).status_code == 200
        form = {"grant_type": DEVICE, "device_code": asked["device_code"], "client_id": SCREEN}
        return (await browser.post("/oauth/token", data=form)).json()["access_token"]


async def test_a_device_reads_exactly_the_ticked_sections_and_nothing_once_they_are_withdrawn(book: Book) -> None:
    await registered(book)
    person = await citizen(book)
    token = await connected(book, person.citizen_id)
    read = (await book.ask(READ, token))["data"]["healthRecord"]
    assert {name for name, page in read.items() if page is not None} == {"labs", "vitals"}
    for name in ("labs", "vitals"):
        counting = f"select count(*) from book.{name} where patient_id = $1 and shown and sensitivity = ''"
        assert read[name]["totalCount"] == (await book.sql(counting, person.patient_id))[0][0] > 0
    [consent] = (await person.ask("{ consents { nodes { id } } }"))["nodes"]
    await person.ask(WITHDRAW, id=consent["id"])
    after = await book.ask(READ, token)
    assert after["data"] is None or not any((after["data"]["healthRecord"] or {}).values())

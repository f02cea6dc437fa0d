"""The page of a clinicians' application: who works at the facility and signed in strongly gets in, by no consent."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.tables import WebSession
from domain.database import open_engine
from tests.auth.apps import HOSPITAL, WARD, WITH_BOOK, world
from tests.auth.consent.test_decisions import press
from tests.auth.flows import query_of

__all__ = ["world"]
AT_WORK = "openid record:labs:read emergency:open"


async def works(world):
    await world.sql(
        "insert into access.practitioner_role (id, citizen_id, organization_id, role, display_name)"
        " values (gen_random_uuid(), $1, $2, 'doctor', 'Bs. Xanh')",
        WITH_BOOK,
        HOSPITAL,
    )


async def test_who_works_there_signs_in_without_a_consent(world):
    await works(world)
    async with world.browser(client_id=WARD, scope=AT_WORK) as phone:
        await phone.sign_in()
        page = await phone.authorize()
        assert "Bệnh viện Hoa Sen" in page.text
        assert "Lotus Hospital" in (await phone.authorize(lang="en")).text
        assert 'type="checkbox"' not in page.text
        assert "code" in query_of(await press(phone, "allow"))
    [grant] = await world.sql("select scope, citizen_id from auth.token_grant")
    assert (grant["scope"], grant["citizen_id"]) == (AT_WORK, WITH_BOOK)
    assert await world.consents() == []


async def test_who_does_not_work_there_gets_no_code(world):
    async with world.browser(client_id=WARD, scope=AT_WORK) as phone:
        await phone.sign_in()
        for answer in (await phone.authorize(), await press(phone, "allow")):
            assert answer.status_code == 403
            assert "Chỉ người đang làm việc tại Bệnh viện Hoa Sen" in answer.text
        assert query_of(await press(phone, "deny"))["error"] == "access_denied"
    assert await world.sql("select * from auth.token_grant") == []


async def test_a_weak_sign_in_is_not_enough(world):
    await works(world)
    async with world.browser(client_id=WARD, scope=AT_WORK) as phone:
        await phone.sign_in()
        engine = open_engine(world.database.auth)
        async with async_sessionmaker(engine)() as session:
            await session.execute(update(WebSession).values(acr="urn:healthbook:acr:1"))
            await session.commit()
        await engine.dispose()
        for answer in (await phone.authorize(), await press(phone, "allow")):
            assert answer.status_code == 403
            assert "Cần đăng nhập chắc chắn hơn" in answer.text
            assert 'href="/login?lang=vi&amp;next=' in answer.text
    assert await world.sql("select * from auth.token_grant") == []

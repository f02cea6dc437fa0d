"""Over a websocket: what is told, and what the protocol answers to what is none of it."""

from tests.api.consenting import citizen
from tests.api.subscriptions.conftest import RECORD


async def test_tells_the_first_event_at_once_and_then_what_changed(line):
    mine = await citizen(line.book, scope="record:labs:read record:vitals:read")
    async with line.phone(mine.token) as phone:
        id_, first = await phone.follow(RECORD)
        assert first == {"patientId": str(mine.patient_id), "sections": ["labs", "vitals"], "revision": None}
        await line.change(mine.patient_id, 7, labs=[""], conditions=[""])
        assert await phone.next(id_) == {"patientId": str(mine.patient_id), "sections": ["labs"], "revision": 7}

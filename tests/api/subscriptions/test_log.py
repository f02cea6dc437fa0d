"""What following leaves in the citizen's log: a line for what was told and for every refusal, and no flood."""

from tests.api.consenting import WITHDRAW, citizen, clinic, terms
from tests.api.subscriptions.conftest import CONSENT, INBOX, RECORD

LINES = """select client_id, sections, opened, outcome from access.access_log
            where client_id = $1 and sections <> '{}' order by at"""


async def lines(line, client_id="clinic-0"):
    rows = await line.book.sql(LINES, client_id)
    return [(sorted(row["sections"]), sorted(row["opened"]), row["outcome"]) for row in rows]


async def test_a_push_is_logged_with_what_it_told_and_the_beginning_once_an_hour(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    await mine.grant(reader.reader, terms("labs", "vitals"))
    for _ in range(3):
        async with line.phone(reader.token) as phone:
            await phone.follow(RECORD, id=str(mine.patient_id))
    begun = await lines(line)
    assert [(opened, outcome) for _, opened, outcome in begun] == [(["labs", "vitals"], "ALLOWED")]
    async with line.phone(reader.token) as phone:
        id_, _ = await phone.follow(RECORD, id=str(mine.patient_id))
        await line.change(mine.patient_id, 2, labs=["", "HIV"], vitals=["HIV"])
        assert (await phone.next(id_))["sections"] == ["labs"]
        await line.change(mine.patient_id, 3, vitals=["HIV"])
        await line.change(mine.patient_id, 4, vitals=[""])
        assert (await phone.next(id_))["sections"] == ["vitals"]
    assert (await lines(line))[1:] == [(["labs"], ["labs"], "ALLOWED"), (["vitals"], ["vitals"], "ALLOWED")]


async def test_a_check_that_finds_the_right_where_it_was_leaves_no_line_and_a_lost_one_does(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    consent = await mine.grant(reader.reader, terms("labs"))
    async with line.phone(reader.token) as phone:
        id_, _ = await phone.follow(RECORD, id=str(mine.patient_id))
        other = await mine.grant(reader.reader, terms("vitals"))
        await mine.ask(WITHDRAW, id=other["id"])
        await phone.send(type="ping")
        assert await phone.receive() == {"type": "pong"}
        before = await lines(line)
        assert len(before) == 1
        await mine.ask(WITHDRAW, id=consent["id"])
        assert await phone.error(id_) == "CONSENT_REQUIRED"
    assert (await lines(line))[1:] == [(["labs"], [], "REFUSED")]


async def test_a_refused_beginning_is_logged(line):
    mine, reader = await citizen(line.book), await clinic(line.book)
    async with line.phone(reader.token) as phone:
        await phone.error(await phone.subscribe(RECORD, id=str(mine.patient_id)))
    [(_, opened, outcome)] = await lines(line)
    assert (opened, outcome) == ([], "REFUSED")


async def test_the_citizen_reads_in_the_log_that_he_followed_his_consents_and_inbox_once(line):
    mine = await citizen(line.book, scope="consent:read log:read")
    for _ in range(3):
        async with line.phone(mine.token) as phone:
            await phone.follow(CONSENT)
            await phone.follow(INBOX)
    rows = await line.book.sql("select purpose from access.access_log where purpose like '%Changed' order by at")
    assert [row["purpose"] for row in rows] == ["consentChanged", "inboxChanged"]

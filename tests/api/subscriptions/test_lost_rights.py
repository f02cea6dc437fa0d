"""Abuse case 25, a subscription that outlives its right: each way of losing one ends it within a second.

The right is lost by the very door that people use; from then on a change of the record is told to nobody.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from api.app import record_scopes
from cli import demo_clinician
from cli.main import app as commands
from tests.api.clinic import CLINIC, WARD, furnish
from tests.api.consenting import WITHDRAW, Citizen, citizen, clinic, later, terms
from tests.api.families import family_of
from tests.api.subscriptions.conftest import CONSENT, INBOX, RECORD, Closed, Line, Phone, Watch
from tests.api.test_emergencies import CLOSE, OPEN, REASON
from tests.api.test_representation import END, REPRESENTATIONS
from tests.api.test_visits import CHECK_IN, CHECK_OUT, offer
from tests.pace import seconds

A_SECOND = 1.0  # at the usual speed of the machine


@dataclass
class Reader:
    """Somebody who follows a record by some right, with an open socket."""

    line: Line
    phone: Phone
    patient: UUID
    id_: str

    async def is_cut_off(self, watch: Watch, code: str = "CONSENT_REQUIRED") -> None:
        """By an error of this code, within a second; later changes are told to nobody."""
        assert await self.phone.error(self.id_) == code
        assert watch.passed < seconds(A_SECOND)
        await self.line.change(self.patient, 99, labs=[""], demographics=[""])
        await self.phone.send(type="ping")
        if code == "CONSENT_REQUIRED":
            assert await self.phone.receive() == {"type": "pong"}
            assert not [one for one in self.line.hub.topics if one[1] == str(self.patient)]


async def shared(line: Line, *sections: str, **changes: Any):
    """A citizen, a clinic that may read these sections of his, and the consent."""
    mine, reader = await citizen(line.book), await clinic(line.book)
    return mine, reader, await mine.grant(reader.reader, terms(*sections, **changes))


async def following(line: Line, phone: Phone, patient: UUID, **variables: Any) -> Reader:
    id_, _ = await phone.follow(RECORD, id=str(patient), **variables)
    return Reader(line, phone, patient, id_)


async def command(line: Line, *words: str) -> None:
    """An operator's command, with connections of its own."""
    runner = CliRunner(env={"HEALTHBOOK_DATABASE_URL": line.book.database.owner})
    done = await asyncio.to_thread(runner.invoke, commands, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output


async def test_a_consent_withdrawn(line):
    mine, reader, consent = await shared(line, "labs")
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        watch = Watch()
        await mine.ask(WITHDRAW, id=consent["id"])
        await follower.is_cut_off(watch)


async def test_a_consent_made_narrower(line):
    mine, reader, consent = await shared(line, "labs", "vitals")
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        watch = Watch()
        await mine.narrow(consent, terms("labs", validUntil=later(days=300)))
        await follower.is_cut_off(watch)
        _, first = await phone.follow(RECORD, id=str(mine.patient_id))
        assert first["sections"] == ["labs"]


@pytest.mark.parametrize("denial", [{"scope": "ALL"}, {"scope": "SECTION", "section": "labs"}])
async def test_a_denial_placed(line, denial):
    mine, reader, _ = await shared(line, "labs", "vitals")
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        watch = Watch()
        await mine.deny(**denial)
        await follower.is_cut_off(watch)


async def test_a_visit_ended(line, monkeypatch):
    monkeypatch.setattr("api.facilities.finding.TAKES_S", 0)
    place = await furnish(line.book)
    desk, citizens = await place.desk(CLINIC), await place.phone()
    visit = (await desk.get(CHECK_IN, offer=(await offer(citizens))["token"]))["visit"]
    async with line.phone(desk.token) as phone:
        follower = await following(line, phone, place.patient)
        watch = Watch()
        await desk.get(CHECK_OUT, id=visit["id"])
        await follower.is_cut_off(watch)


async def test_an_emergency_closed(line):
    mine = await citizen(line.book)
    doctor = await line.book.token(
        demo_clinician.DOCTOR, demo_clinician.scope(), demo_clinician.CLIENT, acr="urn:healthbook:acr:2"
    )
    opened = await line.book.ask(OPEN, doctor, {"patient": str(mine.patient_id), "reason": REASON})
    async with line.phone(doctor) as phone:
        follower = await following(line, phone, mine.patient_id, purpose="BTG")
        watch = Watch()
        await line.book.ask(CLOSE, doctor, {"id": opened["data"]["openEmergency"]["id"]})
        await follower.is_cut_off(watch)


@pytest.mark.parametrize("by", ["the mother herself", "an operator"])
async def test_a_guardianship_ended(line, by):
    family = await family_of(line.book)
    mother = await family.of(family.mother)
    async with line.phone(mother) as phone:
        follower = await following(line, phone, family.child)
        watch = Watch()
        if by == "an operator":
            await command(line, "guardians", "end", str(family.right), "--evidence", "QĐ 12/2026")
            watch = Watch()  # the command takes its time to start; the transaction is its last step
        else:
            told = await line.book.ask(REPRESENTATIONS, mother, {"patient": str(family.child)})
            listed = told["data"]["representations"]["ofPatient"]
            right = next(one["id"] for one in listed if one["citizenId"] == str(family.mother))
            await line.book.ask(END, mother, {"id": right})
        await follower.is_cut_off(watch)


async def test_a_sign_in_ended_by_its_app(line):
    mine = await citizen(line.book, scope=" ".join(record_scopes()))
    async with line.phone(mine.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        watch = Watch()
        told = {"token": mine.token, "client_id": "healthbook-phone"}
        assert (await line.book.client.post("/oauth/revoke", data=told)).status_code == 200
        await follower.is_cut_off(watch, "UNAUTHENTICATED")
        assert await phone.closed() == 4401
        assert watch.passed < seconds(A_SECOND)


async def test_a_client_suspended(line):
    mine, reader, _ = await shared(line, "labs")
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        await command(line, "clients", "suspend", "clinic-0")
        watch = Watch()
        await follower.is_cut_off(watch, "UNAUTHENTICATED")
        assert await phone.closed() == 4401


async def test_a_facility_suspended(line):
    mine, reader, _ = await shared(line, "labs")
    [row] = await line.book.sql("select code from registry.organization where id = $1", reader.organization_id)
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        await command(line, "organizations", "suspend", row["code"])
        watch = Watch()
        await follower.is_cut_off(watch, "UNAUTHENTICATED")
        assert await phone.closed() == 4401


async def test_a_token_expired_ends_the_whole_socket_and_a_new_one_is_all_it_takes(line):
    mine = await citizen(line.book)
    token = await line.book.token(mine.citizen_id, " ".join(record_scopes()), life=timedelta(seconds=2))
    async with line.phone(token) as phone, line.phone(token) as idle:
        await following(line, phone, mine.patient_id)
        watch = Watch()
        with pytest.raises(Closed):
            await phone.receive()
        assert watch.passed < 2 + seconds(A_SECOND)
        assert (phone.socket.close_code, await idle.closed()) == (4403, 4403)


BY_THE_CLOCK = {
    "a consent": "update access.consent set valid_until = clock_timestamp() + interval '1.5 seconds'",
    "a grant": "update auth.token_grant set expires_at = clock_timestamp() + interval '1.5 seconds'",
    "a client": "update auth.client set expires_at = clock_timestamp() + interval '1.5 seconds'",
}


@pytest.mark.parametrize("what", BY_THE_CLOCK)
async def test_what_runs_out_by_the_clock_alone(line, what):
    mine, reader, _ = await shared(line, "labs")
    await line.book.sql(BY_THE_CLOCK[what])
    watch = Watch()
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        code = "CONSENT_REQUIRED" if what == "a consent" else "UNAUTHENTICATED"
        assert await phone.error(follower.id_) == code
        assert 1.0 < watch.passed < 1.5 + seconds(A_SECOND)


async def test_a_clinician_s_post_and_a_representative_s_right_run_out_by_the_clock_too(line):
    place, family = await furnish(line.book), await family_of(line.book)
    mine = Citizen(line.book, (await place.phone()).token, place.patient, place.citizen)
    await mine.grant({"organizationId": str(place.organizations[CLINIC])}, terms("labs"))
    await line.book.sql("update access.practitioner_role set valid_until = clock_timestamp() + interval '1.5 seconds'")
    await line.book.sql(
        "update access.related_person set valid_until = clock_timestamp() + interval '1.5 seconds' where id = $1",
        family.right,
    )
    ward, mother = (await place.desk(WARD)).token, await family.of(family.mother)
    async with line.phone(ward) as clinicians, line.phone(mother) as mothers:
        by_post = await following(line, clinicians, place.patient)
        by_right = await following(line, mothers, family.child)
        assert await clinicians.error(by_post.id_) == "UNAUTHENTICATED"
        assert await mothers.error(by_right.id_) == "CONSENT_REQUIRED"


async def test_the_inbox_and_the_consents_of_a_citizen_who_signed_out(line):
    mine = await citizen(line.book)
    async with line.phone(mine.token) as phone:
        inbox, _ = await phone.follow(INBOX)
        consents, _ = await phone.follow(CONSENT)
        told = {"token": mine.token, "client_id": "healthbook-phone"}
        await line.book.client.post("/oauth/revoke", data=told)
        codes = {(await phone.receive())["id"] for _ in (inbox, consents)}
        assert codes == {inbox, consents}
        assert await phone.closed() == 4401


async def test_a_right_lost_behind_the_back_of_everybody_is_noticed_before_the_next_push(line):
    """A row changed by hand tells nobody; the decision before the push finds it."""
    mine, reader, _ = await shared(line, "labs")
    async with line.phone(reader.token) as phone:
        follower = await following(line, phone, mine.patient_id)
        await line.book.sql("update access.consent set withdrawn_at = now(), withdrawn_by = granted_by")
        await line.change(mine.patient_id, 7, labs=[""])
        assert await phone.error(follower.id_) == "CONSENT_REQUIRED"


async def test_a_change_and_a_withdrawal_at_the_same_moment_tell_nothing_after_the_withdrawal(line):
    """Fifty times: whatever is told was decided before the withdrawal was there; nothing after it."""
    mine, reader = await citizen(line.book), await clinic(line.book)
    async with line.phone(reader.token) as phone:
        for turn in range(50):
            consent = await mine.grant(reader.reader, terms("labs"))
            id_, _ = await phone.follow(RECORD, id=str(mine.patient_id))
            last = 1000 * (turn + 1)
            await asyncio.gather(line.change(mine.patient_id, last, labs=[""]), mine.ask(WITHDRAW, id=consent["id"]))
            await line.change(mine.patient_id, last + 1, labs=[""])
            message = await phone.receive()
            while message["type"] == "next":
                assert message["payload"]["data"]["recordChanged"]["revision"] in {None, last}
                message = await phone.receive()
            assert (message["type"], message["id"]) == ("error", id_)

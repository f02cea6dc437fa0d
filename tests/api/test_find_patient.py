"""Finding who stands at the desk; and finding nobody, which looks the same whatever the reason."""

import asyncio
from time import perf_counter
from uuid import uuid4

import pytest
import structlog

from api.facilities.finding import TAKES_S
from domain.consents.finding import MISSES, TRIES
from tests.api.clinic import OTHER, WARD, Clinic, furnish

FIND = """mutation ($number: String!, $name: String!, $birthDate: String!) {
  findPatient(number: $number, name: $name, birthDate: $birthDate) { outcome patientId } }"""
NOBODY = {"outcome": "NOT_FOUND", "patientId": None}
UNKNOWN = "001199123457"
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def clinic(book) -> Clinic:
    return await furnish(book)


@pytest.fixture
def quick(monkeypatch):
    """Without the least time of a look-up, where only what it does is asked."""
    monkeypatch.setattr("api.facilities.finding.TAKES_S", 0)


@pytest.mark.parametrize("who", ["clinic", WARD])
async def test_number_name_and_birth_date_together_find_the_patient(clinic, who):
    desk = await clinic.desk(who)
    found = await desk.get(FIND, **await clinic.card())
    assert found == {"outcome": "FOUND", "patientId": str(clinic.patient)}


async def test_a_name_without_its_tones_is_the_same_name(clinic, quick):
    card = await clinic.card()
    plain = {"name": "nguyen thi hoa", "number": f" {card['number'][:3]} {card['number'][3:]}"}
    assert (await (await clinic.desk()).get(FIND, **card | plain))["outcome"] == "FOUND"


async def test_by_the_number_of_the_health_insurance_card_too(clinic, quick):
    (row,) = await clinic.book.sql(
        """select one->>'value' as number from book.demographics, jsonb_array_elements(identifiers) one
            where patient_id = $1 and one->>'kind' = 'bhyt' limit 1""",
        clinic.patient,
    )
    desk, card = await clinic.desk(), await clinic.card()
    for number in (row["number"], row["number"][-10:]):
        assert (await desk.get(FIND, **card | {"number": number}))["patientId"] == str(clinic.patient)


async def test_abuse_27_a_number_alone_finds_nobody(clinic, quick):
    await clinic.book.sql(
        "update book.demographics set birth_date = '1955-03-14' where patient_id = $1", clinic.patient
    )
    desk, card = await clinic.desk(), await clinic.card()
    assert (await desk.get(FIND, **card))["outcome"] == "FOUND"
    other = await clinic.card(await patient_of(clinic, 1))
    for wrong in (
        {"name": other["name"]},
        {"birthDate": other["birthDate"]},
        {"number": other["number"]},
        {"number": UNKNOWN},
        {"birthDate": "1955"},
        {"birthDate": "1955-03-15"},
    ):
        assert await desk.get(FIND, **card | wrong) == NOBODY


async def test_abuse_27_two_whom_it_fits_are_nobody(clinic, quick):
    twin = await patient_of(clinic, 1)
    await clinic.book.sql(
        """update book.demographics t set name = p.name, birth_date = p.birth_date
             from book.demographics p where t.patient_id = $1 and p.patient_id = $2 and p.shown""",
        twin, clinic.patient,
    )  # fmt: skip
    desk, card = await clinic.desk(), await clinic.card()
    assert (await desk.get(FIND, **card))["outcome"] == "FOUND"
    await clinic.book.sql(
        """insert into intake.patient_key (key, patient_id, source_id, kind)
           select distinct on (key) key, $1, source_id, kind from intake.patient_key
            where patient_id = $2 and kind = 'cccd'""",
        twin, clinic.patient,
    )  # fmt: skip
    assert await desk.get(FIND, **card) == NOBODY


async def test_abuse_27_a_number_of_very_many_finds_nobody(clinic, quick):
    for _ in range(5):
        await clinic.book.sql(
            """insert into intake.patient_key (key, patient_id, source_id, kind)
               select distinct on (key) key, $1::uuid, source_id, kind from intake.patient_key
                where patient_id = $2 and kind = 'cccd'""",
            uuid4(), clinic.patient,
        )  # fmt: skip
    assert await (await clinic.desk()).get(FIND, **await clinic.card()) == NOBODY


async def test_abuse_26_unknown_and_disagreeing_take_the_same_time(clinic):
    desk, card = await clinic.desk(), await clinic.card()
    cases = {"unknown": card | {"number": UNKNOWN}, "disagreeing": card | {"birthDate": "1901-01-01"}}
    taken: dict[str, list[float]] = {"unknown": [], "disagreeing": []}
    for _ in range(4):  # fewer than the tries that a number has
        for case, told in cases.items():
            start = perf_counter()
            assert await desk.get(FIND, **told) == NOBODY
            taken[case].append(perf_counter() - start)
    quickest = {case: min(times) for case, times in taken.items()}  # a busy machine only ever adds
    assert min(quickest.values()) >= TAKES_S
    assert abs(quickest["unknown"] - quickest["disagreeing"]) < TAKES_S / 2


async def test_a_merged_patient_is_found_under_the_kept_id(clinic, quick):
    await clinic.book.sql(
        "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", former := uuid4(), clinic.patient
    )
    await clinic.book.sql(
        """insert into intake.patient_key (key, patient_id, source_id, kind)
           select distinct on (key) key, $1::uuid, source_id, kind from intake.patient_key
            where patient_id = $2 and kind = 'cccd'""",
        former, clinic.patient,
    )  # fmt: skip
    found = await (await clinic.desk()).get(FIND, **await clinic.card())
    assert found["patientId"] == str(clinic.patient)


class TestTries:
    async def test_of_a_number_are_bounded_whoever_tries_and_whether_it_is_known(self, clinic, quick, monkeypatch):
        monkeypatch.setitem(TRIES, "number", 2)
        desks, card = [await clinic.desk(), await clinic.desk(OTHER)], await clinic.card()
        for number in (card["number"], UNKNOWN):
            wrong = card | {"number": number, "birthDate": "1901-01-01"}
            told = [(await desks[n % 2].get(FIND, **wrong))["outcome"] for n in range(4)]
            assert told == ["NOT_FOUND", "NOT_FOUND", "TOO_MANY_TRIES", "TOO_MANY_TRIES"]
        assert (await desks[0].get(FIND, **card))["outcome"] == "TOO_MANY_TRIES", "also with all three right"

    @pytest.mark.parametrize(("kind", "who"), [("client", "clinic"), ("practitioner", WARD)])
    async def test_of_a_client_and_of_a_clinician_are_bounded(self, clinic, quick, monkeypatch, kind, who):
        monkeypatch.setitem(TRIES, kind, 3)
        desk, card = await clinic.desk(who), await clinic.card()
        numbers = [f"00119912345{n}" for n in range(5)]
        told = [(await desk.get(FIND, **card | {"number": number}))["outcome"] for number in numbers]
        assert told == ["NOT_FOUND"] * 3 + ["TOO_MANY_TRIES"] * 2

    async def test_at_once_are_counted_each(self, clinic, quick, monkeypatch):
        monkeypatch.setitem(TRIES, "number", 3)
        desk, card = await clinic.desk(), await clinic.card()
        told = await asyncio.gather(*(desk.get(FIND, **card) for _ in range(8)))
        assert sorted(one["outcome"] for one in told) == ["FOUND"] * 3 + ["TOO_MANY_TRIES"] * 5

    async def test_by_many_aliases_of_one_request_are_counted_each(self, clinic, quick, monkeypatch):
        """Abuse 2."""
        monkeypatch.setitem(TRIES, "client", 3)
        card = await clinic.card()
        aliases = " ".join(
            f'a{n}: findPatient(number: "00119912345{n}", name: "{card["name"]}", birthDate: "1989") {{ outcome }}'
            for n in range(6)
        )
        answer = await (await clinic.desk()).answer(f"mutation {{ {aliases} }}")
        assert [one["outcome"] for one in answer["data"].values()] == ["NOT_FOUND"] * 3 + ["TOO_MANY_TRIES"] * 3

    async def test_count_nothing_where_the_caller_may_not_look(self, clinic, quick):
        desk = await clinic.desk(scope="consent:request")
        assert await desk.refused(FIND, **await clinic.card()) == "INSUFFICIENT_SCOPE"
        assert await clinic.book.sql("select from auth.attempt where kind like 'find_patient%'") == []


async def test_too_many_misses_raise_an_alarm_that_names_ids_only(clinic, quick, monkeypatch):
    monkeypatch.setitem(MISSES, "practitioner", 2)
    desk, card = await clinic.desk(WARD), await clinic.card()
    with structlog.testing.capture_logs() as lines:
        for n in range(4):
            await desk.get(FIND, **card | {"number": f"00119912345{n}"})
    alarms = [line for line in lines if line["event"] == "many look-ups miss"]
    assert [line["over"] for line in alarms] == ["practitioner"] * 2
    assert alarms[0]["practitioner_id"] == str(clinic.doctor)
    assert alarms[0]["log_level"] == "warning"
    told = str(lines)
    assert card["name"] not in told
    assert "001199" not in told
    metrics = (await clinic.book.client.get("/metrics")).text
    assert 'healthbook_patient_lookup_alarms_total{over="practitioner"}' in metrics
    assert 'healthbook_patient_lookups_total{outcome="not_found"}' in metrics


async def test_every_try_is_logged_and_the_one_who_was_found_reads_it(clinic, quick):
    desk, card = await clinic.desk(), await clinic.card()
    await desk.get(FIND, **card | {"number": UNKNOWN})
    await desk.get(FIND, **card)
    logged = [(outcome, str(patient)) for outcome, patient in await clinic.logged("findPatient")]
    assert logged == [("ALLOWED", NOWHERE), ("ALLOWED", NOWHERE), ("ALLOWED", str(clinic.patient))]


async def test_a_citizen_and_an_app_find_nobody(clinic, quick):
    phone = await clinic.phone(scope="patient:find")
    assert await phone.refused(FIND, **await clinic.card()) == "NOT_FOUND"


async def test_a_clinician_who_left_finds_nobody(clinic, quick):
    desk = await clinic.desk(WARD)
    await clinic.book.sql("update access.practitioner_role set revoked_at = now()")
    assert (await clinic.book.post(FIND, desk.token, await clinic.card())).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"number": ""},
        {"number": "\x00"},
        {"number": "1" * 12},
        {"number": "0" * 10_000},
        {"number": "' or 1=1 --"},
        {"name": ""},
        {"name": "\x00\x01"},
        {"name": "x" * 10_000},
        {"name": "Con bà Nguyễn Thị Hòa"},
        {"birthDate": ""},
        {"birthDate": "1989-02-30"},
        {"birthDate": "' or 1=1 --"},
    ],
)
async def test_abuse_33_what_is_malformed_is_refused_and_counts_for_nobody(clinic, quick, changes):
    answer = await (await clinic.desk()).answer(FIND, **await clinic.card() | changes)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID"
    assert (error["extensions"].get("argument") or error["extensions"]["variable"]) in changes
    assert all(value == "" or value not in error["message"] for value in changes.values())
    assert await clinic.book.sql("select from auth.attempt where kind like 'find_patient%'") == []


class TestTheWallBehindIt:
    """`access.identify` itself, whoever calls it."""

    async def test_answers_a_living_grant_that_may_find_patients_only(self, clinic):
        (key,) = await clinic.book.sql(
            "select key from intake.patient_key where patient_id = $1 and kind = 'cccd' limit 1", clinic.patient
        )
        identify = "select * from access.identify($1, array[$2::bytea])"

        async def known(where):
            (grant,) = await clinic.book.sql(f"select id from auth.token_grant where {where}")
            return len(await clinic.book.sql(identify, grant["id"], key["key"]))

        await clinic.desk()
        await clinic.desk(OTHER, scope="consent:request")
        await clinic.phone(scope="patient:find")
        assert await known("client_id = 'clinic'") == 1
        assert await known("client_id = 'other-clinic'") == 0
        assert await known("client_id = 'healthbook-phone'") == 0
        assert await clinic.book.sql(identify, uuid4(), key["key"]) == []
        await clinic.book.sql("update auth.client set status = 'suspended' where client_id = 'clinic'")
        assert await known("client_id = 'clinic'") == 0

    async def test_leaves_nothing_open(self, clinic):
        rows = await clinic.book.sql(
            """select current_setting('app.sections') as sections, current_setting('app.patient') as patient
                 from (select count(*) from access.identify($1, '{}')) x""",
            uuid4(),
        )
        assert [tuple(row) for row in rows] == [(",", NOWHERE)]


async def patient_of(clinic, place):
    (row,) = await clinic.book.sql("select patient_id from access.citizen where id = $1", clinic.book.citizens[place])
    return row["patient_id"]

"""`doseForecast`: the same doors as the sections it is worked out from, and what a phone makes of it."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from domain.values import VIETNAM, utc_now
from tests.api.consenting import CLIENT, Citizen, terms

FORECAST = """query ($id: ID, $lang: TextLanguage! = VI) { doseForecast(patientId: $id) {
  patientId on scheduleVersion scheduleAct considered
  uncounted { immunizationId vaccine outcome outcomeText(language: $lang) number rule { act } }
  series { code antigen name(language: $lang) coverage status reason reasonText(language: $lang)
    next { number earliestOn recommendedOn overdueAfter latestOn bookableVaccineCodes
           rule { version act row isVerified } }
    doses { immunizationId occurred vaccine outcome outcomeText(language: $lang) number rule { version } } } } }"""
NEEDED = "record:demographics:read record:immunizations:read"
ANSWERS = {"COMPLETE", "UPCOMING", "DUE", "OVERDUE", "AGED_OUT"}


@pytest.fixture
async def child(book):
    """The youngest child with a whole history, and a token of the mother."""
    token = await book.token(book.citizens[1])
    me = (await book.ask("{ me { patients { patientId relation } } }", token))["data"]["me"]
    ids = [one["patientId"] for one in me["patients"] if one["relation"] == "parent"]
    counts = await book.sql(
        "select patient_id from book.immunizations where shown and patient_id = any($1::uuid[]) "
        "group by 1 order by count(*) desc, 1 limit 1",
        ids,
    )
    return str(counts[0]["patient_id"]), token


async def forecast(book, child, **variables):
    patient, token = child
    answer = await book.ask(FORECAST, token, {"id": patient} | variables)
    assert "errors" not in answer, answer
    return answer["data"]["doseForecast"]


def series(found, code):
    return next(one for one in found["series"] if one["code"] == code)


async def refusal(book, token, patient=None):
    answer = await book.ask(FORECAST, token, {"id": patient})
    (error,) = answer["errors"]
    if "data" in answer:
        assert answer["data"] == {"doseForecast": None}
        assert error["path"] == ["doseForecast"]
    return error["extensions"]


async def test_a_mother_sees_her_childs_doses_and_what_comes(book, child):
    found = await forecast(book, child)
    assert found["patientId"] == child[0]
    assert found["on"] == utc_now().astimezone(VIETNAM).date().isoformat()
    assert found["considered"] == ["demographics", "immunizations", "allergies", "conditions"]
    assert {one["status"] for one in found["series"]} <= ANSWERS
    pertussis = series(found, "pertussis")
    assert (pertussis["status"], pertussis["next"], pertussis["name"]) == ("COMPLETE", None, "Ho gà")
    assert [one["number"] for one in pertussis["doses"]] == [1, 2, 3, 4]
    td = series(found, "diphtheria")["next"]
    assert (td["number"], td["bookableVaccineCodes"]) == (5, ["TD"])
    assert td["earliestOn"] <= td["recommendedOn"] < td["overdueAfter"] < td["latestOn"]
    assert td["rule"] == {"version": "vn-2026-07", "act": "TT 13/2026/TT-BYT; lịch: TT 10/2024/TT-BYT", "row": "Td",
                          "isVerified": False}  # fmt: skip
    dose = pertussis["doses"][0]
    node = "query ($id: ID!) { node(id: $id) { ... on Immunization { occurred vaccine } } }"
    shown = (await book.ask(node, child[1], {"id": dose["immunizationId"]}))["data"]["node"]
    assert shown == {"occurred": dose["occurred"], "vaccine": dose["vaccine"]}


async def test_words_are_in_the_language_asked_for(book, child):
    english = series(await forecast(book, child, lang="EN"), "pertussis")
    assert (english["name"], english["reasonText"]) == ("Pertussis", "All doses of the schedule have been given.")
    assert series(await forecast(book, child), "pertussis")["reasonText"] == "Đã đủ các mũi của lịch."


async def test_a_baby_of_seven_weeks_with_nothing_given(book, child):
    """Six weeks have passed, two months not yet."""
    born = utc_now().astimezone(VIETNAM).date() - timedelta(days=50)
    await book.sql("delete from book.immunizations where patient_id = $1::text::uuid", child[0])
    await book.sql(
        "update book.demographics set birth_date = $2 where patient_id = $1::text::uuid", child[0], born.isoformat()
    )
    found = await forecast(book, child)
    first = series(found, "pertussis")
    assert (first["status"], first["reason"]) == ("UPCOMING", "TOO_YOUNG")
    assert first["next"]["earliestOn"] == (born + timedelta(weeks=6)).isoformat()
    assert date.fromisoformat(first["next"]["recommendedOn"]).day in (born.day, 28, 29, 30)
    assert series(found, "BCG")["status"] == "OVERDUE"
    assert series(found, "hepB")["next"]["number"] == 1


async def test_refusals_and_unknown_vaccines_are_told(book, child):
    patient = child[0]
    await book.sql(
        "update book.immunizations set status = 'not-done', status_reason = 'Gia đình từ chối' "
        "where patient_id = $1::text::uuid and vaccine_code = '19'",
        patient,
    )
    await book.sql(
        "update book.immunizations set antigens = null, vaccine_code = 'X', vaccine_system = null, vaccine = 'Mũi lạ' "
        "where patient_id = $1::text::uuid and vaccine_code = '04'",
        patient,
    )
    found = await forecast(book, child, lang="EN")
    bcg = series(found, "BCG")
    assert [one["outcome"] for one in bcg["doses"]] == ["NOT_GIVEN"]
    assert bcg["status"] in ("REFUSED", "AGED_OUT")
    (unknown,) = found["uncounted"]
    assert (unknown["vaccine"], unknown["outcome"]) == ("Mũi lạ", "UNKNOWN_VACCINE")
    assert unknown["outcomeText"] == "Not counted: unknown vaccine."
    assert (unknown["number"], unknown["rule"]) == (None, None)


@pytest.mark.parametrize("missing", ["immunizations", "demographics"])
async def test_without_a_needed_scope_there_is_no_forecast(book, missing):
    scope = NEEDED.replace(f"record:{missing}:read", "").strip()
    extensions = await refusal(book, await book.token(book.citizens[0], scope))
    assert extensions == {"code": "INSUFFICIENT_SCOPE", "scope": f"record:{missing}:read"}


async def test_a_reader_without_consent_for_the_doses_is_refused(book):
    """A facility that was allowed the demographics alone."""
    patient = await _consented(book, ["demographics"])
    extensions = await refusal(book, await book.token(None, client_id="station"), patient)
    assert extensions == {"code": "CONSENT_REQUIRED"}


async def test_a_reader_with_consent_for_both_gets_it_without_the_rest(book):
    patient = await _consented(book, ["demographics", "immunizations"])
    answer = await book.ask(FORECAST, await book.token(None, client_id="station"), {"id": patient})
    assert "errors" not in answer
    assert answer["data"]["doseForecast"]["considered"] == ["demographics", "immunizations"]


async def _consented(book, sections) -> str:
    """A station with a consent of the first citizen for these sections; the patient."""
    organization = uuid4()
    await book.sql(
        "insert into registry.organization (id, code, name, status) values ($1, '98001', 'Trạm Y tế', 'active')",
        organization,
    )
    await book.sql(CLIENT, "station", "Trạm", "facility", "client_secret_basic", b"x", organization)
    (row,) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[0])
    token = await book.token(book.citizens[0], "consent:read consent:manage", acr="demo")
    citizen = Citizen(book, token, row["patient_id"])
    await citizen.grant({"organizationId": str(organization)}, terms(*sections))
    return str(row["patient_id"])


async def test_absent_and_not_yours_look_alike(book):
    token = await book.token(book.citizens[0])
    (other,) = await book.sql("select patient_id from access.citizen where id = $1", book.citizens[2])
    foreign, absent = await refusal(book, token, str(other["patient_id"])), await refusal(book, token, str(uuid4()))
    assert foreign == absent == {"code": "NOT_FOUND"}


@pytest.mark.parametrize("id_", ["x", "", "\x00", "9" * 5000, "SELECT"])
async def test_what_is_no_patients_id_is_told(book, id_):
    extensions = await refusal(book, await book.token(book.citizens[0]), id_)
    assert extensions["code"] == "INVALID"
    assert "patientId" in extensions.values() or extensions["variable"] == "id"  # a NUL is refused at the door


async def test_the_log_holds_what_was_asked_for_and_no_refusal_of_what_was_not(book):
    await book.ask(FORECAST, await book.token(book.citizens[0], NEEDED))
    await book.ask(FORECAST, await book.token(book.citizens[0]))
    rows = await book.sql("select sections, opened, outcome, purpose from access.access_log order by at")
    needed = {"demographics", "immunizations"}
    assert [(set(row["sections"]), set(row["opened"]), row["outcome"], row["purpose"]) for row in rows] == [
        (needed, needed, "ALLOWED", "PATRQT"),
        (needed | {"allergies", "conditions"}, needed | {"allergies", "conditions"}, "ALLOWED", "PATRQT"),
    ]


async def test_drops_and_a_shot_of_one_day_are_two_doses(book, child):
    """The section shows one fact a day and antigens; its reports tell that these are two."""
    patient = child[0]
    await book.sql(
        """update book.immunizations set occurred = one.occurred, fact_key = one.fact_key, shown = false
             from (select occurred, fact_key, patient_id from book.immunizations
                    where patient_id = $1::text::uuid and shown and vaccine_code = '178'
                    order by occurred desc limit 1) one
            where immunizations.patient_id = one.patient_id and immunizations.id = (
                  select id from book.immunizations where patient_id = $1::text::uuid and shown and vaccine_code = '10'
                   order by occurred limit 1)""",
        patient,
    )
    found = await forecast(book, child)
    oral, injected = series(found, "polio_oral"), series(found, "polio_inactivated")
    assert [one["outcome"] for one in injected["doses"]] == ["COUNTED", "COUNTED"]
    assert oral["status"] == "COMPLETE"

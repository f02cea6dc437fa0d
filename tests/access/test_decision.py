"""The decision, `access.begin`: each right alone, what ends it, and what is stronger. On the settings it makes too."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from domain.values import utc_now
from tests.access.world import CITIZEN, CLINIC, DOCTOR, HOSPITAL, MOTHER, PATIENT, STRANGER, World

REFUSED, DEAD = ("REFUSED", set()), ("DEAD", set())
ALL = {"labs", "vitals", "allergies"}


class TestTheCitizen:
    async def test_opens_his_whole_book(self, world: World) -> None:
        assert await world.begin(await world.grant("phone", CITIZEN)) == ("ALLOWED", ALL)
        assert await world.setting("sensitive") == "*"
        assert (await world.log())["basis"] == "self"

    async def test_without_naming_it(self, world: World) -> None:
        assert await world.begin(await world.grant("phone", CITIZEN), None) == ("ALLOWED", ALL)

    async def test_never_beyond_his_scope(self, world: World) -> None:
        assert await world.begin(await world.grant("phone", CITIZEN, "record:labs:read")) == ("ALLOWED", {"labs"})

    async def test_nobody_elses(self, world: World) -> None:
        assert await world.begin(await world.grant("phone", CITIZEN), STRANGER) == REFUSED

    @pytest.mark.parametrize("purpose", ["TREAT", "BTG", "HRESCH", "x", ""])
    async def test_not_for_a_purpose_that_is_not_his(self, purpose: str, world: World) -> None:
        assert await world.begin(await world.grant("phone", CITIZEN), PATIENT, purpose) == REFUSED

    async def test_not_through_a_facility_or_an_app(self, world: World) -> None:
        for client in ("diary", "ward", "clinic"):
            assert (await world.begin(await world.grant(client, CITIZEN)))[0] != "ALLOWED"


class TestADeadGrant:
    async def test_that_never_was(self, world: World) -> None:
        assert await world.begin(uuid4()) == DEAD

    @pytest.mark.parametrize(
        "ended",
        [
            "update auth.token_grant set revoked_at = now(), revoke_reason = 'x'",
            "update auth.token_grant set created_at = now() - interval '2 h', expires_at = now() - interval '1 s'",
            "update auth.client set status = 'suspended'",
            "update auth.client set expires_at = now() - interval '1 s'",
            "update registry.organization set status = 'suspended'",
        ],
    )
    async def test_opens_nothing(self, ended: str, world: World) -> None:
        await world.consent()
        grant = await world.grant("clinic")
        assert await world.begin(grant) == ("ALLOWED", {"labs"})
        await world.sql.execute(ended)
        assert await world.begin(grant) == DEAD
        assert await world.setting("patient") == str(UUID(int=0))

    @pytest.mark.parametrize("ended", ["revoked_at = now(), revoke_reason = 'x'", "expires_at = clock_timestamp()"])
    async def test_takes_what_was_exchanged_for_it_along(self, ended: str, world: World) -> None:
        parent = await world.grant("phone", MOTHER)
        await world.represent()
        child = await world.grant("phone", MOTHER, parent_id=parent, patient_id=PATIENT)
        assert await world.begin(child) == ("ALLOWED", ALL)
        await world.sql.execute(f"update auth.token_grant set {ended} where id = $1", parent)
        assert await world.begin(child) == DEAD

    async def test_is_logged(self, world: World) -> None:
        await world.begin(uuid4())
        assert (await world.log())["outcome"] == "DEAD"


class TestAFacility:
    async def test_without_consent_reads_nothing_and_the_log_says_so(self, world: World) -> None:
        assert await world.begin(await world.grant("clinic")) == REFUSED
        assert [(await world.log())[name] for name in ("outcome", "basis", "patient_id", "organization_id")] == [
            "REFUSED", "none", PATIENT, CLINIC,
        ]  # fmt: skip

    async def test_reads_the_sections_of_its_consent(self, world: World) -> None:
        consent = await world.consent(sections=["labs", "imaging"])
        assert await world.begin(await world.grant("clinic")) == ("ALLOWED", {"labs"})
        assert await world.labels() == set()
        assert (await world.log())["consent_ids"] == [consent]

    async def test_not_another_facilitys_consent(self, world: World) -> None:
        await world.consent()
        assert await world.begin(await world.grant("hospital")) == REFUSED

    async def test_not_another_patients(self, world: World) -> None:
        await world.consent(patient_id=STRANGER)
        assert await world.begin(await world.grant("clinic")) == REFUSED

    async def test_not_beyond_its_scope(self, world: World) -> None:
        await world.consent(sections=["labs", "vitals"])
        assert await world.begin(await world.grant("clinic", scope="record:vitals:read")) == ("ALLOWED", {"vitals"})

    @pytest.mark.parametrize("purpose", ["CAREMGT", "PATRQT", "HRESCH", "BTG", "", "treat"])
    async def test_not_for_another_purpose(self, purpose: str, world: World) -> None:
        """Abuse 36: a purpose chosen freely opens nothing that the consent does not name."""
        await world.consent()
        assert await world.begin(await world.grant("clinic"), PATIENT, purpose) == REFUSED

    async def test_never_at_the_patients_own_request(self, world: World) -> None:
        await world.consent(purposes=["PATRQT"])
        assert await world.begin(await world.grant("clinic"), PATIENT, "PATRQT") == REFUSED

    @pytest.mark.parametrize(
        "changes",
        [
            {"withdrawn_at": utc_now(), "withdrawn_by": CITIZEN},
            {"valid_from": utc_now() + timedelta(days=1), "valid_until": utc_now() + timedelta(days=2)},
            {"valid_from": utc_now() - timedelta(days=2), "valid_until": utc_now() - timedelta(seconds=1)},
        ],
    )
    async def test_a_consent_that_is_not_living_opens_nothing(self, changes: dict[str, object], world: World) -> None:
        await world.consent(**changes)
        assert await world.begin(await world.grant("clinic")) == REFUSED

    async def test_withdrawing_works_on_the_next_request(self, world: World) -> None:
        await world.consent()
        grant = await world.grant("clinic")
        assert await world.begin(grant) == ("ALLOWED", {"labs"})
        await world.sql.execute("update access.consent set withdrawn_at = now(), withdrawn_by = id")
        assert await world.begin(grant) == REFUSED

    async def test_two_consents_add_up_each_with_its_own_limits(self, world: World) -> None:
        await world.consent(data_from="2025-01-01", data_to="2025-12-31", sensitive=["HIV"])
        await world.consent(sections=["vitals"], sensitive=["MENTAL"])
        assert await world.begin(await world.grant("clinic")) == ("ALLOWED", {"labs", "vitals"})
        assert await world.setting("windows") == ",labs:2025-01-012025-12-31~,"
        assert await world.setting("undated") == ",vitals,"
        assert await world.labels() == {"labs:HIV", "vitals:MENTAL"}

    async def test_of_two_consents_for_a_section_one_is_used_whole(self, world: World) -> None:
        await world.consent(data_from="2025-01-01", sensitive=["HIV"])
        await world.consent(sensitive=["MENTAL"])
        await world.begin(await world.grant("clinic"))
        assert await world.setting("undated") == ",labs,"
        assert await world.labels() == {"labs:MENTAL"}

    async def test_one_without_limits_is_used_before_one_that_ends(self, world: World) -> None:
        await world.consent(data_to="2025-06-30", sensitive=["HIV", "MENTAL"])
        await world.consent()
        await world.begin(await world.grant("clinic"))
        assert (await world.setting("undated"), await world.labels()) == (",labs,", set())

    async def test_of_two_with_limits_the_one_that_reaches_back_further(self, world: World) -> None:
        await world.consent(data_from="2025-01-01", sensitive=["HIV"])
        await world.consent(data_from="2024-01-01")
        await world.begin(await world.grant("clinic"))
        assert await world.setting("windows") == ",labs:2024-01-019999-99-99~,"

    @pytest.mark.parametrize(
        ("first", "last", "window"),
        [("2025-01-01", None, "2025-01-019999-99-99~"), (None, "2025-06-30", "0000-00-002025-06-30~")],
    )
    async def test_one_limit_alone(self, first: str | None, last: str | None, window: str, world: World) -> None:
        await world.consent(data_from=first, data_to=last)
        await world.begin(await world.grant("clinic"))
        assert await world.setting("windows") == f",labs:{window},"


class TestADenial:
    @pytest.mark.parametrize(
        ("denial", "expected"),
        [
            ({"scope": "all"}, REFUSED),
            ({"scope": "organization", "organization_id": CLINIC}, REFUSED),
            ({"scope": "organization", "organization_id": HOSPITAL}, ("ALLOWED", {"labs", "vitals"})),
            ({"scope": "section", "section": "labs"}, ("ALLOWED", {"vitals"})),
            ({"scope": "category", "category": "HIV"}, ("ALLOWED", {"labs", "vitals"})),
            ({"scope": "all", "lifted_at": utc_now(), "lifted_by": CITIZEN}, ("ALLOWED", {"labs", "vitals"})),
        ],
    )
    async def test_is_stronger_than_consent(
        self, denial: dict[str, object], expected: tuple[str, set[str]], world: World
    ) -> None:
        await world.consent(sections=["labs", "vitals"], sensitive=["HIV", "MENTAL"])
        await world.deny(**denial)  # type: ignore[arg-type]
        assert await world.begin(await world.grant("clinic")) == expected

    async def test_of_another_patient_is_nothing_to_this_one(self, world: World) -> None:
        await world.consent(sections=["labs"])
        await world.deny("all", patient_id=STRANGER)
        assert await world.begin(await world.grant("clinic")) == ("ALLOWED", {"labs"})

    async def test_of_a_category_takes_the_label_away(self, world: World) -> None:
        await world.consent(sensitive=["HIV", "MENTAL"])
        await world.deny("category", category="HIV")
        await world.begin(await world.grant("clinic"))
        assert await world.labels() == {"labs:MENTAL"}

    async def test_does_not_hide_his_book_from_the_citizen(self, world: World) -> None:
        await world.deny("all")
        assert await world.begin(await world.grant("phone", CITIZEN)) == ("ALLOWED", ALL)

    async def test_binds_delegates_and_not_those_who_manage(self, world: World) -> None:
        await world.represent()
        await world.deny("section", section="labs")
        assert await world.begin(await world.grant("phone", MOTHER)) == ("ALLOWED", ALL)
        await world.sql.execute(
            """update access.related_person
                  set kind = 'delegate', can_manage = false, valid_until = now() + interval '1 d'"""
        )
        assert await world.begin(await world.grant("phone", MOTHER)) == ("ALLOWED", ALL - {"labs"})

    @pytest.mark.parametrize(
        ("denial", "manager", "delegate"),
        [
            ({"scope": "all"}, ("ALLOWED", ALL), REFUSED),
            ({"scope": "category", "category": "HIV"}, ("ALLOWED", ALL), ("ALLOWED", ALL)),
        ],
    )
    async def test_of_everything_or_a_category_binds_delegates_only(
        self, denial: dict[str, object], manager: object, delegate: object, world: World
    ) -> None:
        await world.represent(sensitive=["HIV", "MENTAL"])
        await world.deny(**denial)  # type: ignore[arg-type]
        grant = await world.grant("phone", MOTHER)
        assert await world.begin(grant) == manager
        assert await world.labels() == {f"{section}:{label}" for section in ALL for label in ("HIV", "MENTAL")}
        await world.sql.execute(
            """update access.related_person
                  set kind = 'delegate', can_manage = false, valid_until = now() + interval '1 d'"""
        )
        assert await world.begin(grant) == delegate
        assert "labs:HIV" not in await world.labels()


class TestThoseWhoActForOthers:
    async def test_a_right_that_begins_tomorrow_opens_nothing_today(self, world: World) -> None:
        await world.represent(valid_from=utc_now() + timedelta(days=1))
        assert await world.begin(await world.grant("phone", MOTHER)) == REFUSED

    async def test_a_mother_opens_her_childs_book(self, world: World) -> None:
        related = await world.represent(sensitive=["HIV"])
        assert await world.begin(await world.grant("phone", MOTHER)) == ("ALLOWED", ALL)
        assert await world.labels() == {f"{section}:HIV" for section in ALL}
        entry = await world.log()
        assert (entry["basis"], entry["related_person_id"], entry["citizen_id"]) == ("parent", related, MOTHER)

    async def test_nobody_else_does_by_her_right(self, world: World) -> None:
        await world.represent()
        assert await world.begin(await world.grant("phone", DOCTOR)) == REFUSED

    async def test_private_categories_close_on_their_day(self, world: World) -> None:
        await world.represent(sensitive=["HIV"], private_from=utc_now())
        await world.begin(await world.grant("phone", MOTHER))
        assert await world.labels() == set()

    async def test_only_to_look_at_it(self, world: World) -> None:
        await world.represent()
        assert await world.begin(await world.grant("phone", MOTHER), PATIENT, "TREAT") == REFUSED

    async def test_only_the_sections_told(self, world: World) -> None:
        await world.represent(sections=["labs"])
        assert await world.begin(await world.grant("phone", MOTHER)) == ("ALLOWED", {"labs"})

    @pytest.mark.parametrize(
        "ended",
        ["set revoked_at = now()", "set valid_from = now() - interval '2 d', valid_until = now() - interval '1 s'"],
    )
    async def test_an_ended_right_opens_nothing(self, ended: str, world: World) -> None:
        await world.represent()
        grant = await world.grant("phone", MOTHER)
        assert await world.begin(grant) == ("ALLOWED", ALL)
        await world.sql.execute(f"update access.related_person {ended}")
        assert await world.begin(grant) == REFUSED

    async def test_a_token_for_one_profile_opens_no_other_book(self, world: World) -> None:
        await world.represent()
        await world.represent(patient_id=STRANGER)
        grant = await world.grant("phone", MOTHER, patient_id=PATIENT)
        assert await world.begin(grant, None) == ("ALLOWED", ALL)
        assert await world.begin(grant, STRANGER) == REFUSED

    async def test_a_profile_token_of_oneself_is_no_way_to_more(self, world: World) -> None:
        grant = await world.grant("phone", CITIZEN, patient_id=STRANGER)
        assert await world.begin(grant, None) == REFUSED
        assert await world.begin(grant, PATIENT) == REFUSED


class TestAnApp:
    CONSENT: ClassVar[dict[str, object]] = {
        "kind": "app",
        "organization_id": None,
        "client_id": "diary",
        "purposes": ["PATRQT"],
    }

    async def test_reads_what_its_citizen_consented_to(self, world: World) -> None:
        await world.consent(**self.CONSENT)
        assert await world.begin(await world.grant("diary", CITIZEN), None) == ("ALLOWED", {"labs"})

    async def test_never_to_treat(self, world: World) -> None:
        """Whatever a consent says: treating is for facilities."""
        await world.consent(**self.CONSENT | {"purposes": ["PATRQT", "TREAT"]})
        grant = await world.grant("diary", CITIZEN)
        assert await world.begin(grant, purpose="TREAT") == REFUSED
        assert await world.begin(grant) == ("ALLOWED", {"labs"})

    async def test_not_what_another_app_was_given(self, world: World) -> None:
        await world.consent(**self.CONSENT)
        await world.sql.execute(
            """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
                                        redirect_uris)
               select 'other' as client_id, name, kind, status, auth_method, grant_types, scope,
                                               created_at, redirect_uris from auth.client where client_id = 'diary'"""
        )
        assert await world.begin(await world.grant("other", CITIZEN)) == REFUSED

    async def test_of_the_sandbox_reads_invented_people_only(self, world: World) -> None:
        """Abuse 35: who registers himself gets nobody's data, whoever consents."""
        await world.consent(**self.CONSENT)
        await world.sql.execute("update auth.client set kind = 'sandbox' where client_id = 'diary'")
        grant = await world.grant("diary", CITIZEN)
        assert await world.begin(grant) == REFUSED
        await world.sql.execute("update access.citizen set demo_label = 'x' where id = $1", CITIZEN)
        assert await world.begin(grant) == ("ALLOWED", {"labs"})

    async def test_not_in_the_name_of_another_citizen(self, world: World) -> None:
        await world.consent(**self.CONSENT)
        assert await world.begin(await world.grant("diary", MOTHER)) == REFUSED
        await world.represent()
        assert await world.begin(await world.grant("diary", MOTHER)) == REFUSED

    async def test_ends_with_the_right_of_who_consented(self, world: World) -> None:
        await world.consent(**self.CONSENT | {"granted_by": MOTHER})
        await world.represent()
        grant = await world.grant("diary", MOTHER)
        assert await world.begin(grant) == ("ALLOWED", {"labs"})
        await world.sql.execute("update access.related_person set revoked_at = now()")
        assert await world.begin(grant) == REFUSED

    async def test_sees_no_more_of_a_childs_book_than_its_mother_does(self, world: World) -> None:
        """Her app is no way around the day on which private categories close to her, nor around her sections."""
        sections = ["labs", "vitals"]
        await world.consent(
            **self.CONSENT | {"granted_by": MOTHER, "sections": sections, "sensitive": ["HIV", "MENTAL"]}
        )
        await world.represent(sensitive=["HIV"])
        grant = await world.grant("diary", MOTHER)
        assert await world.begin(grant) == ("ALLOWED", {"labs", "vitals"})
        assert await world.labels() == {"labs:HIV", "vitals:HIV"}
        await world.sql.execute("update access.related_person set private_from = now(), sections = '{labs}'")
        assert await world.begin(grant) == ("ALLOWED", {"labs"})
        assert await world.labels() == set()

    async def test_no_facility_uses_an_apps_consent(self, world: World) -> None:
        await world.consent(**self.CONSENT)
        assert await world.begin(await world.grant("clinic"), PATIENT, "PATRQT") == REFUSED


class TestAnEmergency:
    async def test_opens_its_sections_for_its_clinician(self, world: World) -> None:
        await world.emergency()
        grant = await world.grant("ward", DOCTOR)
        assert await world.begin(grant, PATIENT, "BTG") == ("ALLOWED", {"allergies"})
        assert await world.labels() == set()
        assert (await world.log())["emergency_id"] is not None

    async def test_only_where_it_is_said_to_be_one(self, world: World) -> None:
        await world.emergency()
        assert await world.begin(await world.grant("ward", DOCTOR)) == REFUSED

    async def test_sensitive_rows_after_the_second_reason(self, world: World) -> None:
        await world.emergency(sensitive=True, widened_at=utc_now(), widened_reason="x")
        await world.begin(await world.grant("ward", DOCTOR), PATIENT, "BTG")
        assert "allergies:HIV" in await world.labels()

    @pytest.mark.parametrize(
        "changes",
        [
            {"practitioner_id": MOTHER},
            {"organization_id": HOSPITAL},
            {"patient_id": STRANGER},
            {"closed_at": utc_now()},
            {"opened_at": utc_now() - timedelta(hours=2), "expires_at": utc_now() - timedelta(minutes=61)},
        ],
    )
    async def test_no_other_emergency(self, changes: dict[str, object], world: World) -> None:
        await world.emergency(**changes)
        assert await world.begin(await world.grant("ward", DOCTOR), PATIENT, "BTG") == REFUSED

    async def test_not_through_the_doctors_own_phone(self, world: World) -> None:
        await world.emergency()
        await world.sql.execute("update auth.client set kind = 'third_party' where client_id = 'phone'")
        assert await world.begin(await world.grant("phone", DOCTOR), PATIENT, "BTG") == REFUSED

    async def test_not_for_a_facility_alone_nor_without_the_scope(self, world: World) -> None:
        await world.emergency()
        assert await world.begin(await world.grant("clinic"), PATIENT, "BTG") == REFUSED
        grant = await world.grant("ward", DOCTOR, "record:allergies:read")
        assert await world.begin(grant, PATIENT, "BTG") == REFUSED

    async def test_a_denial_holds_in_it_only_where_it_says_so(self, world: World) -> None:
        await world.emergency()
        grant = await world.grant("ward", DOCTOR)
        await world.deny("all")
        assert await world.begin(grant, PATIENT, "BTG") == ("ALLOWED", {"allergies"})
        await world.deny("all", in_emergency=True)
        assert await world.begin(grant, PATIENT, "BTG") == REFUSED


class TestAClinician:
    async def test_reads_by_the_facilitys_consent(self, world: World) -> None:
        await world.consent()
        assert await world.begin(await world.grant("ward", DOCTOR)) == ("ALLOWED", {"labs"})

    @pytest.mark.parametrize(
        "ended",
        [
            "set revoked_at = now()",
            "set valid_until = now() - interval '1 s'",
            "set valid_from = now() + interval '1 d'",
        ],
    )
    async def test_who_no_longer_works_there_has_no_grant(self, ended: str, world: World) -> None:
        await world.consent()
        grant = await world.grant("ward", DOCTOR)
        assert await world.begin(grant) == ("ALLOWED", {"labs"})
        await world.sql.execute(f"update access.practitioner_role {ended}")
        assert await world.begin(grant) == DEAD

    async def test_nobody_else_uses_the_facilitys_client(self, world: World) -> None:
        await world.consent()
        assert await world.begin(await world.grant("ward", MOTHER)) == DEAD

    async def test_working_elsewhere_is_not_working_there(self, world: World) -> None:
        await world.consent()
        await world.sql.execute("update access.practitioner_role set organization_id = $1", HOSPITAL)
        assert await world.begin(await world.grant("ward", DOCTOR)) == DEAD


class TestMergedPatients:
    async def test_rights_and_denials_follow_the_person(self, world: World) -> None:
        lesser = uuid4()
        await world.consent(patient_id=lesser)
        grant = await world.grant("clinic")
        assert await world.begin(grant) == REFUSED
        await world.sql.execute(
            "insert into access.patient_redirect (old_id, patient_id) values ($1, $2)", lesser, PATIENT
        )
        for asked in (PATIENT, lesser):
            assert await world.begin(grant, asked) == ("ALLOWED", {"labs"})
        await world.deny("section", section="labs", patient_id=lesser)
        assert await world.begin(grant) == ("ALLOWED", set())

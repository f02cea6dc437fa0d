from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identity.identifiers import Identifier, IdentifierKind
from domain.identity.matching import RULES, Candidate, Claim, Decision, decide
from domain.values import PartialDate

A, B, C = (UUID(int=n) for n in (1, 2, 3))
CCCD = Identifier(IdentifierKind.CCCD, "001155000123")
OTHER_CCCD = Identifier(IdentifierKind.CCCD, "001155000999")
CMND = Identifier(IdentifierKind.CMND, "023456780")
BHXH = Identifier(IdentifierKind.BHXH, "0112345678")
CARD = Identifier(IdentifierKind.BHYT, "TE1010112345678")
PASSPORT = Identifier(IdentifierKind.PASSPORT, "C12345679")
LOCAL = Identifier(IdentifierKind.FACILITY_PATIENT_ID, "BN1", "01001")
ELSEWHERE = replace(LOCAL, issuer="01002")
PHONE = "+84912345678"
DAY, OTHER_DAY = PartialDate("1955-03-14"), PartialDate("1955-04-15")
YEAR, NEW_YEAR, NEXT_YEAR = PartialDate("1955"), PartialDate("1955-01-01"), PartialDate("1956-03-14")
NAME = "Nguyễn Thị Hoà"


def claim(*identifiers, name=NAME, born=DAY, **fields):
    return Claim(identifiers, name, born, **fields)


def patient(patient_id, *identifiers, name=NAME, born=DAY, sex=None, phone=None, mother=None):
    return Candidate(patient_id, identifiers, _one(name), _one(born), _one(sex), _one(phone), _one(mother))


def _one(value):
    return () if value is None else (value,)


@pytest.mark.parametrize(
    ("rule", "record", "known"),
    [
        ("cccd+name+year", claim(CCCD, born=YEAR), patient(A, CCCD, name="NGUYEN THI HOA")),
        ("cccd+name+year", claim(CCCD, name="Nguyễn Hòa"), patient(A, CCCD, born=OTHER_DAY)),
        ("cccd+birthday+given", claim(CCCD, name="Trần Lệ Hòa"), patient(A, CCCD)),
        ("bhxh+name+year", claim(BHXH, name="Hòa Nguyễn Thị"), patient(A, BHXH)),
        ("bhxh+birthday+given", claim(BHXH, name="Trần Hoà"), patient(A, BHXH)),
        ("bhyt+name+year", claim(CARD), patient(A, CARD, born=NEW_YEAR)),
        ("bhyt+birthday+given", claim(CARD, name="Trần Hoà"), patient(A, CARD)),
        ("cmnd+name+year", claim(CMND, born=NEW_YEAR), patient(A, CMND)),
        ("passport+name+year", claim(PASSPORT), patient(A, PASSPORT)),
        ("facility+name+year", claim(LOCAL), patient(A, LOCAL, born=YEAR)),
        ("facility+birthday", claim(LOCAL), patient(A, LOCAL, name="CON BÀ TRẦN THỊ MAI")),
        ("facility+birthday", claim(LOCAL, mother_name="Trần Mai"), patient(A, LOCAL, name="TRAN MAI")),
        ("name+birthday+phone", claim(phone=PHONE), patient(A, name="NGUYEN THI HOA", phone=PHONE)),
    ],
)
def test_links_by_an_identifier_and_a_second_field(rule, record, known):
    decision = decide(record, [known])
    assert (decision.outcome, decision.patient_id, decision.rule) == ("linked", A, rule)
    assert decision.reasons == tuple(sorted(rule.split("+")))


def test_every_rule_is_tried_above():
    marks = test_links_by_an_identifier_and_a_second_field.pytestmark
    assert {case[0] for case in marks[0].args[1]} == {rule.code for rule in RULES}


@pytest.mark.parametrize(
    ("record", "known"),
    [
        (claim(CCCD, name="Trần Văn Bình"), patient(A, CCCD)),
        (claim(CCCD, born=None), patient(A, CCCD)),
        (claim(CCCD), patient(A, CCCD, born=None)),
        (claim(CCCD, name="Trần Hoà", born=NEW_YEAR), patient(A, CCCD, born=NEW_YEAR)),
        (claim(CCCD, name="Trần Hoà", born=YEAR), patient(A, CCCD)),
        (claim(BHXH, name="Nguyễn Thị Hoan"), patient(A, BHXH)),
        (claim(CMND, name="Trần Hoà"), patient(A, CMND)),
        (claim(LOCAL, name="Trần Hoà"), patient(A, LOCAL)),
        (claim(CCCD, name="Hoa"), patient(A, CCCD, name="CON BÀ NGUYỄN THỊ HOA")),
        (claim(BHXH, phone=PHONE, name="Trần Văn Bình"), patient(A, BHXH, phone=PHONE)),
    ],
)
def test_an_identifier_alone_makes_a_new_patient_and_a_question(record, known):
    expected = Decision("new_with_review", None, "insufficient", ("no-second-evidence",), (A,))
    assert decide(record, [known]) == expected


@pytest.mark.parametrize(
    ("reason", "record", "known"),
    [
        ("cccd-conflict", claim(CCCD, BHXH), patient(A, OTHER_CCCD, BHXH)),
        ("cccd-conflict", claim(CCCD, phone=PHONE), patient(A, OTHER_CCCD, phone=PHONE)),
        ("year-conflict", claim(BHXH), patient(A, BHXH, born=NEXT_YEAR)),
        ("sex-conflict", claim(BHXH, sex="female"), patient(A, BHXH, sex="male")),
    ],
)
def test_a_contradiction_is_never_linked(reason, record, known):
    assert decide(record, [known]) == Decision("new_with_review", None, "conflict", (reason,), (A,))


@pytest.mark.parametrize(
    ("record", "known"),
    [
        (claim(), patient(A)),
        (claim(CCCD), patient(A, OTHER_CCCD)),
        (claim(LOCAL), patient(A, ELSEWHERE)),
        (claim(replace(LOCAL, issuer=None)), patient(A, replace(LOCAL, issuer=None))),
        (claim(phone=PHONE, born=YEAR), patient(A, phone=PHONE, born=YEAR)),
        (claim(phone=PHONE, born=NEW_YEAR), patient(A, phone=PHONE, born=NEW_YEAR)),
        (claim(phone=PHONE, name="Nguyễn Thị Hóa"), patient(A, phone=PHONE)),
        (claim(phone=PHONE, name="Hoà Thị Nguyễn"), patient(A, phone=PHONE)),
        (claim(phone=PHONE), patient(A, phone="+84912345679")),
        (claim(name="", born=None), patient(A, name="", born=None)),
    ],
)
def test_nothing_in_common_is_a_new_patient_without_a_question(record, known):
    decision = decide(record, [known])
    assert (decision.outcome, decision.review_candidates) == ("new", ())


def test_nobody_to_compare_with_is_a_new_patient():
    assert decide(claim(CCCD), []) == Decision("new", None, "none")


@pytest.mark.parametrize("sex", [None, "unknown"])
def test_an_unknown_sex_neither_agrees_nor_contradicts(sex):
    assert decide(claim(BHXH, sex=sex), [patient(A, BHXH, sex="male")]).outcome == "linked"
    assert decide(claim(BHXH, sex="female"), [patient(A, BHXH, sex=sex)]).outcome == "linked"


def test_one_known_birth_year_of_several_is_enough():
    known = replace(patient(A, BHXH), birth_dates=(NEXT_YEAR, DAY))
    assert decide(claim(BHXH), [known]).outcome == "linked"


def test_two_patients_that_both_fit_are_a_question():
    decision = decide(claim(CCCD, BHXH), [patient(B, BHXH), patient(A, CCCD)])
    assert decision == Decision("new_with_review", None, "ambiguous", ("ambiguous",), (A, B))


def test_two_people_under_one_number_stay_apart_and_each_finds_his_own():
    hoa, binh = patient(A, CCCD), patient(B, CCCD, name="Trần Văn Bình")
    assert decide(claim(CCCD), [hoa, binh]).patient_id == A
    assert decide(claim(CCCD, name="Trần Văn Bình"), [hoa, binh]).patient_id == B


def test_another_lifelong_number_outweighs_name_birthday_and_phone():
    decision = decide(claim(BHXH, phone=PHONE), [patient(A, replace(BHXH, value="7912345678"), phone=PHONE)])
    assert (decision.outcome, decision.review_candidates) == ("new_with_review", (A,))


class TestANumberThatIsAnothers:
    """A child brought with the mother's identity card."""

    MOTHERS = Identifier(IdentifierKind.CCCD, "001190000123")
    OWN = Identifier(IdentifierKind.CCCD, "001317000123")
    BORN = PartialDate("2017-05-02")

    def test_does_not_link_the_child_to_itself_or_to_the_mother(self):
        mother = patient(A, self.MOTHERS, name="Trần Thị Mai", born=PartialDate("1990-01-02"))
        child = patient(B, self.MOTHERS, born=self.BORN)
        decision = decide(claim(self.MOTHERS, born=self.BORN, sex="female"), [mother, child])
        assert decision.review_candidates == (A, B)
        assert decision.reasons == ("no-second-evidence", "year-conflict")

    def test_does_not_stand_against_the_childs_own_number(self):
        known = patient(A, self.OWN, BHXH, born=self.BORN)
        assert decide(claim(self.MOTHERS, BHXH, born=self.BORN), [known]).rule == "bhxh+name+year"

    def test_a_number_of_the_other_sex_is_anothers_too(self):
        fathers = Identifier(IdentifierKind.CCCD, "001217000123")
        known = patient(A, fathers, born=self.BORN)
        assert decide(claim(fathers, born=self.BORN, sex="female"), [known]).outcome == "new_with_review"


class TestNewborns:
    BORN = PartialDate("2025-03-01T07:30:00+07:00")
    LATER = PartialDate("2025-03-01T07:42:00+07:00")

    @pytest.fixture(params=[("Nguyễn Thị Hoà", True), ("CON BÀ NGUYỄN THỊ HOÀ", False)])
    def newborn(self, request):
        name, flag = request.param
        return claim(LOCAL, CCCD, BHXH, name=name, born=self.BORN, phone=PHONE, is_newborn=flag)

    def test_never_follows_a_name_or_a_number_to_the_parent(self, newborn):
        mother = patient(A, LOCAL, CCCD, BHXH, phone=PHONE)
        assert decide(newborn, [mother]) == Decision("new", None, "newborn")

    def test_never_links_by_name_birthday_and_phone(self, newborn):
        known = patient(A, CCCD, BHXH, name=newborn.name, born=self.BORN, phone=PHONE)
        assert decide(newborn, [known]).outcome == "new"

    def test_links_by_the_facilitys_own_number_and_the_day(self, newborn):
        known = patient(A, LOCAL, name="Trần Bảo", born=PartialDate("2025-03-01"))
        decision = decide(newborn, [known])
        assert (decision.patient_id, decision.rule) == (A, "facility+birthday")

    def test_first_of_january_is_a_day_to_be_born_on(self):
        born = PartialDate("2025-01-01T07:30:00+07:00")
        record = claim(LOCAL, name="BÉ GÁI", born=born)
        assert decide(record, [patient(A, LOCAL, name="BÉ GÁI", born=born)]).outcome == "linked"

    def test_twins_under_their_mothers_number_are_a_question(self, newborn):
        decision = decide(newborn, [patient(A, LOCAL, name="CON BÀ NGUYỄN THỊ HOÀ", born=self.LATER)])
        assert (decision.rule, decision.reasons) == ("conflict", ("birth-time-differs",))
        decision = decide(replace(newborn, sex="male"), [patient(A, LOCAL, sex="female", born=self.BORN)])
        assert (decision.outcome, decision.reasons) == ("new_with_review", ("sex-conflict",))

    def test_an_unidentified_adult_is_new(self):
        assert decide(claim(name="VÔ DANH", born=None), [patient(A, name="VÔ DANH", born=None)]).outcome == "new"


class TestTwins:
    BORN = PartialDate("2017-05-02")

    def test_a_known_twin_stops_name_birthday_and_phone(self):
        ann, an = (patient(i, name=n, born=self.BORN, phone=PHONE) for i, n in ((A, "Lê Gia An"), (B, "Lê Gia Ân")))
        decision = decide(claim(name="Lê Gia An", born=self.BORN, phone=PHONE), [ann, an])
        assert decision == Decision("new_with_review", None, "conflict", ("known-twin",), (A,))

    def test_a_twin_is_known_by_the_mother_too(self):
        one = patient(A, name="Lê Gia An", born=self.BORN, phone=PHONE)
        other = patient(B, name="Lê Gia Bảo", born=self.BORN, mother="TRAN THI MAI")
        record = claim(name="Lê Gia An", born=self.BORN, phone=PHONE, mother_name="Trần Thị Mai")
        assert decide(record, [one, other]).reasons == ("known-twin",)
        assert decide(replace(record, mother_name=None), [one, other]).outcome == "linked"

    def test_the_same_name_twice_is_no_twin(self):
        one = patient(A, name="Lê Gia An", born=self.BORN, phone=PHONE)
        again = patient(B, name="LE GIA AN", born=self.BORN, mother="Trần Thị Mai")
        record = claim(name="Lê Gia An", born=self.BORN, phone=PHONE, mother_name="Trần Thị Mai")
        assert decide(record, [one, again]).patient_id == A

    def test_a_number_still_tells_twins_apart(self):
        own = Identifier(IdentifierKind.BHXH, "0112345679")
        ann = patient(A, BHXH, name="Lê Gia An", born=self.BORN, phone=PHONE)
        an = patient(B, own, name="Lê Gia Ân", born=self.BORN, phone=PHONE)
        assert decide(claim(own, name="Lê Gia Ân", born=self.BORN, phone=PHONE), [ann, an]).patient_id == B


class TestNeverLink:
    def test_is_respected_and_not_asked_again(self):
        assert decide(claim(CCCD), [patient(A, CCCD)], never=[A]) == Decision("new", None, "none", ("never-link",))

    def test_leaves_the_others(self):
        decision = decide(claim(CCCD), [patient(A, CCCD), patient(B, CCCD)], never={A})
        assert decision.patient_id == B


_IDENTIFIERS = st.sets(st.sampled_from([CCCD, OTHER_CCCD, CMND, BHXH, CARD, LOCAL, ELSEWHERE]), max_size=3).map(tuple)
_NAMES = st.sampled_from([NAME, "NGUYEN THI HOA", "Hoà Nguyễn Thị", "Nguyễn Hoà", "Trần Hoà", "Lê Bình", "BÉ GÁI", ""])
_BIRTHS = st.sampled_from([None, DAY, OTHER_DAY, YEAR, NEW_YEAR, NEXT_YEAR, PartialDate("1955-03-14T07:00:00+07:00")])
_SEXES = st.sampled_from([None, "male", "female", "unknown"])
_PHONES = st.sampled_from([None, PHONE])
_CLAIMS = st.builds(Claim, _IDENTIFIERS, _NAMES, _BIRTHS, _SEXES, _PHONES, is_newborn=st.booleans())
_CANDIDATES = st.lists(st.tuples(_IDENTIFIERS, _NAMES, _BIRTHS, _SEXES, _PHONES), max_size=4).map(
    lambda rows: [
        patient(UUID(int=i), *held, name=name, born=born, sex=sex, phone=phone)
        for i, (held, name, born, sex, phone) in enumerate(rows)
    ]
)


@settings(deadline=None)
@given(_CLAIMS, _CANDIDATES, st.randoms(), st.sets(st.integers(0, 3).map(lambda n: UUID(int=n))))
def test_order_never_matters(record, known, random, never):
    shuffled = random.sample(known, len(known))
    assert decide(record, known, never) == decide(record, shuffled, never)


@settings(deadline=None)
@given(_CLAIMS, _CANDIDATES, st.sets(st.integers(0, 3).map(lambda n: UUID(int=n))))
def test_a_decision_is_whole_and_keeps_its_promises(record, known, never):
    decision = decide(record, known, never)
    ids = {candidate.patient_id for candidate in known} - never
    assert (decision.patient_id is not None) == (decision.outcome == "linked")
    assert bool(decision.review_candidates) == (decision.outcome == "new_with_review")
    assert set(decision.review_candidates) <= ids
    assert decision.patient_id is None or decision.patient_id in ids
    assert decision.reasons == tuple(sorted(set(decision.reasons)))


@settings(deadline=None)
@given(_CLAIMS, _CANDIDATES)
def test_a_link_never_joins_two_sexes_or_two_birth_years(record, known):
    decision = decide(record, known)
    if decision.outcome == "linked":
        (found,) = (candidate for candidate in known if candidate.patient_id == decision.patient_id)
        assert {record.sex, *found.sexes} & {"male", "female"} != {"male", "female"}
        assert record.birth_date[:4] in {born[:4] for born in found.birth_dates}


@settings(deadline=None)
@given(_CLAIMS, _CLAIMS)
def test_two_records_match_the_same_whoever_came_first(first, second):
    first, second = replace(first, is_newborn=False), replace(second, is_newborn=False)
    there, back = decide(first, [_as_patient(second)]), decide(second, [_as_patient(first)])
    named = {first.name, second.name}.isdisjoint({"BÉ GÁI", ""})
    assert not named or (there.outcome, there.rule) == (back.outcome, back.rule)


def _as_patient(record):
    return patient(A, *record.identifiers, name=record.name, born=record.birth_date, sex=record.sex, phone=record.phone)

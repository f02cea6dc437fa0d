import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reference.sensitivity import label, labels
from domain.reference.tables import table


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("B19", ""), ("B20", "HIV"), ("B24", "HIV"), ("B25", ""), ("b20.1†", "HIV"), ("B20.1*", "HIV"), ("B201", "HIV"),
        ("Z20", ""), ("Z20.5", ""), ("Z20.6", "HIV"), ("Z21", "HIV"), ("Z22", ""), ("R74", ""),
        ("R75", "HIV"), ("R76", ""),
        ("Z11", ""), ("Z11.3", "REPRODUCTIVE"), ("Z11.4", "HIV"), ("Z11.41", "HIV"), ("Z71.6", ""), ("Z71.7", "HIV"),
        ("F02.4", "HIV"), ("F02.3", ""), ("O98.7", "HIV"), ("O98.6", "REPRODUCTIVE"),
        ("F09", ""), ("F10", "SUBSTANCE"), ("F19.2", "SUBSTANCE"), ("F20", "MENTAL"), ("F48.9", "MENTAL"), ("F49", ""),
        ("F50", "MENTAL"), ("F99", "MENTAL"), ("G00", ""), ("X59", ""), ("X60", "MENTAL"),
        ("X84.9", "MENTAL"), ("X85", ""),
        ("N95", ""), ("N96", "REPRODUCTIVE"), ("N98.9", "REPRODUCTIVE"), ("N99", ""), ("O00.0", "REPRODUCTIVE"),
        ("O99", "REPRODUCTIVE"), ("P00", ""), ("Z29", ""), ("Z30", "REPRODUCTIVE"),
        ("Z39.2", "REPRODUCTIVE"), ("Z40", ""),
        ("A49", ""), ("A50", "REPRODUCTIVE"), ("A64", "REPRODUCTIVE"), ("A65", ""),
        ("Q89.9", ""), ("Q90", "GENETIC"), ("Q99.9", "GENETIC"), ("R00", ""), ("Z15", "GENETIC"), ("Z16", ""),
        ("T73", ""), ("T74.1", "VIOLENCE"), ("T75", ""), ("Y04", ""), ("Y05", "VIOLENCE"),
        ("Y07.9", "VIOLENCE"), ("Y08", ""),
        ("R77", ""), ("R78.0", "SUBSTANCE"), ("R78.5", "SUBSTANCE"), ("R78.6", ""), ("R78", ""),
        ("Z72.0", ""), ("Z72.2", "SUBSTANCE"),
        ("I10", ""), ("E11.9", ""), ("", ""), ("??", ""), ("U07.1", ""),
    ],
)  # fmt: skip
def test_labels_icd10_up_to_its_borders(code, expected):
    assert label(icd10=[code]) == expected
    assert label(icd10=[f" {code.lower()} "]) == expected
    assert label(icd10=[f"I10;{code}; E11.9"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Xét nghiệm HIV Ab test nhanh", "HIV"), ("HIV Ag/Ab miễn dịch tự động", "HIV"), ("anti-HIV: âm tính", "HIV"),
        ("H\u200bIV1/2", "HIV"), ("HIV-1 RNA", "HIV"), ("CD4+", "HIV"), ("TCD4", "HIV"), ("Tư vấn ARV", "HIV"),
        ("Đo tải lượng virus", "HIV"), ("Đo tải lượng HIV", "HIV"), ("Đo tải lượng virus HBV", ""),
        ("HCV đo tải lượng Real-time PCR", ""), ("Tải lượng vi rút viêm gan B", ""), ("SARS-CoV-2 viral load", ""),
        ("Efavirenz + Lamivudin + Tenofovir", "HIV"), ("LAMIVUDINE/ZIDOVUDINE", "HIV"), ("Dolutegravir 50mg", "HIV"),
        ("Lopinavir + Ritonavir", "HIV"), ("Nirmatrelvir + Ritonavir", ""), ("Tenofovir disoproxil fumarat", "HIV"),
        ("Entecavir", ""), ("Aciclovir", ""), ("Oseltamivir", ""), ("archive", ""), ("Raids", ""),
        ("Olanzapin", "MENTAL"), ("Trầm cảm nặng", "MENTAL"), ("tâm thần phân liệt", "MENTAL"),
        ("Methadon hydroclorid", "SUBSTANCE"), ("Buprenorphine", "SUBSTANCE"), ("Test ma tuý 4 chỉ số", "SUBSTANCE"),
        ("nghiên cứu lâm sàng", ""), ("Morphin", ""), ("Siêu âm thai", "REPRODUCTIVE"), ("Beta-hCG", "REPRODUCTIVE"),
        ("Giang mai (RPR)", "REPRODUCTIVE"), ("đau lâu ngày", ""), ("Bệnh viện đa khoa Thái Bình", ""),
        ("Nhiễm sắc thể đồ", "GENETIC"), ("BRCA1/2", "GENETIC"), ("bạo lực gia đình", "VIOLENCE"), ("Glucose", ""),
        ("Công thức máu", ""), ("X quang ngực thẳng", ""), ("", ""), ("\ud800\x00", ""),
    ],
)  # fmt: skip
def test_labels_words(text, expected):
    assert label(texts=[text]) == expected
    assert label(texts=[text.upper()]) == expected
    assert label(texts=["Paracetamol", text]) == expected


@pytest.mark.parametrize("drug", [{"texts": ["Tenofovir 300mg"]}, {"atc": ["J05AF07"]}])
def test_hepatitis_b_explains_a_drug_that_it_shares_with_hiv(drug):
    assert label(**drug) == "HIV"
    assert label(**drug, icd10=["B18.1"]) == ""
    assert label(**drug, icd10=["B18.2"]) == "HIV"
    assert label(**drug, icd10=["B18.1", "B20"]) == "HIV"
    assert label(texts=["Tenofovir", "Efavirenz"], icd10=["B18.1"]) == "HIV"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"loinc": ["20447-9"]}, "HIV"), ({"loinc": [" 24467-3"]}, "HIV"), ({"loinc": ["2345-7"]}, ""),
        ({"loinc": ["2106-3"]}, "REPRODUCTIVE"), ({"atc": ["J05AR10"]}, "HIV"), ({"atc": ["j05ag03"]}, "HIV"),
        ({"atc": ["J05AF10"]}, ""), ({"atc": ["J05AP55"]}, ""), ({"atc": ["N07BC02"]}, "SUBSTANCE"),
        ({"atc": ["N05AH03"]}, "MENTAL"), ({"atc": ["N05AL01"]}, ""), ({"atc": ["G03AA07"]}, "REPRODUCTIVE"),
        ({"document": "XML6"}, "HIV"), ({"document": " xml6"}, "HIV"), ({"document": "XML60"}, ""),
        ({"document": "XML9"}, "REPRODUCTIVE"), ({"document": "XML1"}, ""), ({"document": ""}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_labels_other_codes(given, expected):
    assert label(**given) == expected


def test_the_strictest_label_wins_whatever_says_it():
    assert label(icd10=["T74", "Q90", "F10", "O80", "F20"]) == "MENTAL"
    assert label(icd10=["T74", "Q90", "F10", "O80"]) == "REPRODUCTIVE"
    assert label(icd10=["T74", "Q90", "F10"]) == "SUBSTANCE"
    assert label(icd10=["T74", "Q90"]) == "GENETIC"
    assert label(icd10=["T74"], texts=["trầm cảm"]) == "MENTAL"
    assert label(icd10=["F20"], document="XML6") == "HIV"


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=40), max_size=3))
def test_never_raises_and_does_not_depend_on_order(codes, texts):
    found = label(icd10=codes, texts=texts, atc=codes, loinc=codes)
    assert found in ("", *labels())
    assert label(icd10=codes[::-1], texts=texts[::-1], atc=codes[::-1], loinc=codes[::-1]) == found


@settings(deadline=None)
@given(st.lists(st.sampled_from(["B20", "F20", "O80", "F10", "Q90", "T74", "I10"]), max_size=5))
def test_more_codes_never_make_an_item_less_strict(codes):
    ranks = ["", *reversed(labels())]
    assert ranks.index(label(icd10=[*codes, "O80"])) >= ranks.index(label(icd10=codes))


def test_every_rule_states_a_known_label_and_its_source():
    for row in table("sensitivity")["rows"]:
        assert row["label"] in labels()
        assert row["source"]
        assert {"icd10", "atc", "loinc", "words", "documents"} & row.keys()

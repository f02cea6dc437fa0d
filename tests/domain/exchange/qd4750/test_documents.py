import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange.qd4750 import Refusal, Visit
from tests.domain.exchange.qd4750.builders import (
    DRUG,
    SUMMARY,
    envelope,
    filehoso,
    hoso,
    inner,
    only,
    outcomes,
    places,
    refused,
)

CONTENT = inner("XML1", SUMMARY)


def holding(content: bytes) -> bytes:
    return envelope(hoso(filehoso("XML1", content)))


def packed(text: str) -> bytes:
    body = f"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>{text}</NOIDUNGFILE></FILEHOSO>"
    return envelope(hoso(body.encode()))


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + CONTENT,
        b"\n " + codecs.BOM_UTF8 + b"\r\n" + CONTENT + b"\n",
        CONTENT.decode().replace('"utf-8"', '"utf-16"').encode("utf-16"),
        CONTENT.decode().replace('"utf-8"', '"utf-16"').encode("utf-16-le"),
        codecs.BOM_UTF16_BE + (CONTENT.decode().replace('"utf-8"', '"UTF-16BE"') + "\n").encode("utf-16-be"),
        CONTENT.replace(b'"utf-8"', b'"utf-16"'),
        CONTENT.split(b"?>")[1],
        CONTENT.replace(b"?>", b"?><!-- a <!DOCTYPE b> --><?c d?>\n", 1),
        CONTENT.replace(b"NGUY", b"<!-- x -->NGUY"),
        CONTENT.replace(b"<HO_TEN>", b"<HO_TEN><![CDATA[").replace(b"</HO_TEN>", b"]]></HO_TEN>"),
        CONTENT.replace(b"<TONG_HOP>", b'<TONG_HOP xmlns="urn:byt">'),
        CONTENT.replace(b"TONG_HOP", b"tong_hop").replace(b"HO_TEN", b"Ho_Ten"),
    ],
)
def test_reads_what_exporters_make_of_an_inner_file(content):
    assert only(holding(content)).summary == only(holding(CONTENT)).summary


@pytest.mark.parametrize("text", ["!", "AAAAA", "QUJD=QUJD", "QUJD\u00a0\u1ec5", "<![CDATA[<x/>]]>", "QU_-"])
def test_refuses_what_is_not_base64(text):
    assert ("structure", "XML1", None, "NOIDUNGFILE") in places(refused(packed(text)))


@given(st.integers(0, 10**6), st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="<&"))
@settings(max_examples=100, deadline=None)
def test_mutated_base64_is_read_or_refused(at, letter):
    text = base64.b64encode(CONTENT).decode()
    at %= len(text)
    (found,) = outcomes(packed(text[:at] + letter + text[at + 1 :]))
    assert isinstance(found, Visit | Refusal)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"{}",
        b"\x00\x01",
        CONTENT[:-5],
        CONTENT.replace("Ễ".encode(), b"\xe9"),
        CONTENT.replace(b'"utf-8"', b'"x-none"'),
        CONTENT.replace(b"BN0001234", b"&unknown;"),
        b"<a>" * 5_000 + b"</a>" * 5_000,
        CONTENT.replace(b"BN0001234", b"<a>" * 300 + b"</a>" * 300),
        codecs.BOM_UTF16_LE + b"x",
    ],
)
def test_refuses_an_inner_file_that_is_not_xml(content):
    found = refused(holding(content))
    assert {place[1] for place in places(found)} == {"XML1"}


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE TONG_HOP>",
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>',
        '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x [<!ENTITY % c SYSTEM "http://127.0.0.1:9/x.dtd"> %c;]>',
        '<!-- x --><?y z?>\n <!DOCTYPE x SYSTEM "x.dtd">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_refuses_a_doctype_in_an_inner_file(doctype, encoding):
    text = CONTENT.decode().replace('"utf-8"', f'"{encoding}"').replace("?>", "?>" + doctype, 1)
    found = refused(holding(text.replace("BN0001234", "&c;" if "ENTITY c" in text else "x").encode(encoding)))
    assert ("security", "XML1", None, None) in places(found)


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "cp037"])
def test_a_doctype_hides_in_no_other_encoding(encoding):
    text = CONTENT.decode().replace('"utf-8"', f'"{encoding}"').replace("?>", '?><!DOCTYPE x [<!ENTITY c "x">]>', 1)
    prolog, rest = text.replace("BN0001234", "&c;").split("?>", 1)
    hidden = rest.replace("<!", "+ADwAIQ-").encode() if encoding == "utf-7" else rest.encode(encoding, "replace")
    refused(holding(prolog.encode() + b"?>" + hidden))
    refused(holding((prolog + "?>").encode(encoding) + hidden))


def test_an_endless_entity_costs_nothing():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    text = CONTENT.decode().replace("?>", f'?><!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{entities}]>', 1)
    assert places(refused(holding(text.replace("BN0001234", "&e29;").encode())))[0][0] == "security"


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x1b", b"&#0;", b"&#x1F;", b"&#11;", b"\x7f", "\x85".encode()])
def test_removes_control_characters_from_text_with_a_warning(control):
    found = only(holding(CONTENT.replace(b"XANH", b"XA" + control + b"NH")))
    assert found.summary.name == SUMMARY["HO_TEN"]
    assert places(found) == [("value", "XML1", 1, "HO_TEN")]


@pytest.mark.parametrize("name", ["MA_LK", "SO_CCCD", "MA_BN", "MA_THE_BHYT", "MA_CSKCB"])
def test_refuses_control_characters_in_identifiers(name):
    found = refused(holding(CONTENT.replace(f"<{name}>".encode(), f"<{name}>\x01".encode())))
    assert ("value", "XML1", 1, name) in places(found)


def test_keeps_lines_and_tabs():
    found = only(holding(CONTENT.replace(b"XANH", b"XANH\r\n\tDA &#10; TR&#13;I")))
    assert found.summary.name == "NGUYỄN THỊ HOÀ XANH\n\tDA \n TR\rI"
    assert found.issues == []


def test_refuses_an_inner_file_above_the_limit():
    assert ("too-long", "XML1", None, "NOIDUNGFILE") in places(refused(holding(CONTENT), document_bytes=100))


def test_refuses_an_inner_file_of_countless_tags():
    assert ("too-long", "XML1", None, None) in places(refused(holding(b"<a>" + b"<b/>" * 600_000 + b"</a>")))


def test_refuses_a_table_under_the_name_of_another():
    documents = [filehoso("XML1", CONTENT), filehoso("XML3", inner("XML2", DRUG))]
    assert ("structure", "XML3", None, None) in places(refused(envelope(hoso(*documents))))


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_random_content_is_refused(noise):
    assert isinstance(outcomes(holding(noise))[0], Refusal)


def test_a_cut_inner_file_is_refused_at_every_cut():
    for cut in range(0, len(CONTENT) - 1, 7):
        assert isinstance(outcomes(holding(CONTENT[:cut]))[0], Refusal)

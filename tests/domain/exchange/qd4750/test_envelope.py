import base64
import codecs
from collections import deque
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange.qd4750 import Limits, Refusal, Unreadable, Visit, read
from tests.domain.exchange.qd4750.builders import (
    HEAD,
    SUMMARY,
    TAIL,
    envelope,
    filehoso,
    hoso,
    inner,
    only,
    outcomes,
    places,
    refused,
    row,
    visit,
)

XML1 = filehoso("XML1", inner("XML1", SUMMARY))


def broken_at(file: bytes, **limits: int) -> tuple[list[Visit | Refusal], Unreadable]:
    """What came out before the file turned out unreadable, and why it did."""
    found: list[Visit | Refusal] = []
    with pytest.raises(Unreadable) as broken:
        deque(map(found.append, read(BytesIO(file), limits=Limits(**limits))))
    assert broken.value.issues[0].severity == "error"
    return found, broken.value


def before_break(file: bytes, **limits: int) -> list[Visit | Refusal]:
    return broken_at(file, **limits)[0]


def read_through(file: bytes) -> list[Visit | Refusal]:
    """Everything readable of a file that may be broken."""
    found: list[Visit | Refusal] = []
    with suppress(Unreadable):
        deque(map(found.append, read(BytesIO(file))))
    return found


def test_yields_each_visit_with_its_exact_bytes():
    sent = [visit("A"), b'<HOSO  id="a>b" >' + XML1 + b"\r\n<!-- x --></HOSO >", visit("C")]
    found = outcomes(envelope(*sent))
    assert [one.raw for one in found] == sent
    assert [one.position for one in found] == [1, 2, 3]
    assert [one.episode for one in found] == ["A", SUMMARY["MA_LK"], "C"]


@given(st.integers(1, 400))
@settings(max_examples=20, deadline=None)
def test_raw_is_exact_wherever_a_read_ends(size):
    class Dribble(BytesIO):
        def read(self, _=-1):
            return super().read(size)

    sent = [visit("A"), visit("B")]
    assert [one.raw for one in read(Dribble(envelope(*sent)))] == sent


def test_yields_the_same_visit_twice_when_it_stands_twice():
    found = outcomes(envelope(visit(), visit()))
    assert [(one.position, one.episode) for one in found] == [(1, SUMMARY["MA_LK"]), (2, SUMMARY["MA_LK"])]


@pytest.mark.parametrize("leading", [codecs.BOM_UTF8, b"\n  \t", codecs.BOM_UTF8 + b"\r\n", b" " * 70_000])
def test_accepts_a_byte_order_mark_and_blanks_before_the_declaration(leading):
    assert only(leading + envelope(visit())).raw == visit()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_accepts_utf_16_and_keeps_its_bytes(encoding):
    file = envelope(hoso(XML1)).decode().replace('"utf-8"', '"utf-16"')
    found = only(file.encode(encoding))
    order = "utf-16-be" if encoding.endswith("be") else "utf-16-le"
    assert found.raw == hoso(XML1).decode().encode(order)
    assert found.summary.name == SUMMARY["HO_TEN"]


def test_accepts_other_encodings_that_are_declared():
    file = envelope(visit()).decode().replace('"utf-8"', '"windows-1258"')
    assert only(file.encode("windows-1258")).episode == SUMMARY["MA_LK"]


@pytest.mark.parametrize("encoding", ["x-none", "gb2312", "hex", "utf-7", "undefined"])
def test_refuses_an_encoding_it_cannot_read(encoding):
    _, broken = broken_at(envelope(visit()).replace(b'"utf-8"', b'"%s"' % encoding.encode()))
    assert broken.issues[0].code in {"not-supported", "structure"}


def test_refuses_a_file_that_is_not_in_its_declared_encoding():
    _, broken = broken_at(HEAD.replace(b"01001", "Nguyễn".encode("utf-16-le")) + visit() + TAIL)
    assert broken.issues[0].code == "structure"


def test_takes_names_in_any_case_and_with_prefixes():
    file = envelope(hoso(XML1))
    for name in (b"GIAMDINHHS", b"THONGTINDONVI", b"MACSKCB", b"HOSO>", b"FILEHOSO", b"LOAIHOSO", b"NOIDUNGFILE"):
        file = file.replace(b"</" + name, b"</q:" + name.lower()).replace(b"<" + name, b"<q:" + name.lower())
    file = file.replace(b"xmlns:xsd", b'xmlns:q="urn:q" xmlns:xsd')
    assert only(file).summary.facility == "01001"


def test_takes_an_inner_file_that_is_not_packed():
    content = row("TONG_HOP", SUMMARY).replace("<NHOM_MAU></NHOM_MAU>", '<NHOM_MAU xsi:nil="true"/>').encode()
    file = envelope(hoso(b"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE> %s </NOIDUNGFILE></FILEHOSO>" % content))
    assert only(file).summary == only(envelope(hoso(XML1))).summary


def test_takes_an_unpacked_inner_file_in_utf_16():
    text = "<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>" + row("TONG_HOP", SUMMARY) + "</NOIDUNGFILE></FILEHOSO>"
    file = envelope(hoso(text.encode())).decode().replace('"utf-8"', '"utf-16"').encode("utf-16")
    assert only(file).summary.name == SUMMARY["HO_TEN"]


@pytest.mark.parametrize("content", [b"<a/><b/>", b"x<TONG_HOP/>", b"<TONG_HOP/>x"])
def test_refuses_content_that_is_neither_packed_nor_one_element(content):
    found = refused(
        envelope(hoso(b"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % content))
    )
    assert ("structure", "XML1", None, "NOIDUNGFILE") in places(found)


def test_takes_content_as_cdata_and_in_lines():
    packed = base64.encodebytes(inner("XML1", SUMMARY))
    for content in (packed, b"<![CDATA[" + packed + b"]]>", packed.rstrip(b"=\n")):
        file = envelope(hoso(b"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % content))
        assert only(file).summary.name == SUMMARY["HO_TEN"]


def test_passes_over_signatures_and_unknown_elements():
    file = envelope(visit()).replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><Signature><a>x</a></Signature></CHUKYDONVI>")
    assert only(file.replace(b"<NGAYLAP>", b"<MOI><HOA/></MOI><NGAYLAP>")).issues == []


def test_a_hoso_inside_a_hoso_does_not_end_it():
    raw = hoso(b"<HOSO/>" + XML1)
    assert only(envelope(raw)).raw == raw


def test_an_empty_hoso_is_refused_and_kept():
    for raw in (b'<HOSO x=">" />', b"<HOSO></HOSO>", b"<HOSO>x/></HOSO>", b'<HOSO x="/"></HOSO>'):
        assert refused(envelope(raw)).raw == raw
        assert refused(envelope(raw).decode().replace("utf-8", "utf-16").encode("utf-16")).raw == raw.decode().encode(
            "utf-16-le"
        )
    found = refused(envelope(b"<HOSO/>"))
    assert (found.facility, found.episode) == ("01001", None)


def test_an_envelope_without_visits_yields_nothing():
    assert outcomes(envelope()) == []


@pytest.mark.parametrize(
    "file", [b"", b"   ", codecs.BOM_UTF8, b"not xml", b"{}", b"\0\0\0\0", b"PK\x03\x04", hoso(XML1)]
)
def test_what_is_not_an_envelope_is_unreadable(file):
    found, broken = broken_at(file)
    assert found == []
    assert broken.issues[0].severity == "error"


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE GIAMDINHHS>",
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    ],
)
def test_a_doctype_ends_the_reading(doctype):
    _, broken = broken_at(envelope(visit()).replace(b"<GIAMDINHHS", doctype + b"<GIAMDINHHS", 1))
    assert [issue.code for issue in broken.issues] == ["security"]


def test_a_cut_file_yields_all_visits_before_the_cut():
    first, second = visit("A"), visit("B")
    file = envelope(first, second)
    ends = [file.index(first) + len(first), file.index(second) + len(second)]
    cuts = {*range(0, len(file) - 1, 97), *(end + by for end in ends for by in range(-9, 10))}
    for cut in cuts:
        if cut < len(file.rstrip()):
            found = before_break(file[:cut])
            assert [one.raw for one in found] == [first, second][: sum(cut >= end for end in ends)]


def test_says_in_which_visit_a_file_breaks():
    file = envelope(visit("A"), visit("B"))
    _, broken = broken_at(file[: file.rindex(b"</HOSO>")])
    assert broken.issues[0].row == 2
    assert "ends before" in broken.issues[0].message


def test_a_visit_above_the_limit_is_refused_alone():
    large = hoso(XML1, b"<x>" + b"x" * 300_000 + b"</x>")
    first, second, third = outcomes(envelope(visit("A"), large, visit("C")), hoso_bytes=200_000)
    assert (first.episode, third.episode) == ("A", "C")
    assert isinstance(second, Refusal)
    assert second.raw == b""
    assert places(second) == [("too-long", "HOSO", 2, None)]


@pytest.mark.parametrize(
    "markup", [b"<!--" + b"x" * 300_000 + b"-->", b'<x a="' + b"x" * 300_000 + b'"/>', b"<" + b"x" * 300_000 + b"/>"]
)
def test_markup_without_end_is_unreadable(markup):
    file = envelope(visit("A"), markup, visit("B"))
    assert [one.episode for one in before_break(file, markup_bytes=100_000)] == ["A"]
    assert len(outcomes(file)) == 2


def test_deep_nesting_is_unreadable():
    file = envelope(visit("A"), b"<a>" * 100_000)
    assert [one.episode for one in before_break(file)] == ["A"]


def test_a_file_may_be_limited_in_visits():
    assert len(before_break(envelope(visit("A"), visit("B")), visits=1)) == 1


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_unreadable(noise):
    assert read_through(noise) == []


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_refused_or_unreadable(at, damage):
    file = bytearray(envelope(visit("A"), visit("B")))
    file[at % len(file) : at % len(file) + len(damage)] = damage
    assert all(outcome.raw in file for outcome in read_through(bytes(file)))

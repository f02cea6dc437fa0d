import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange.narrative import plain_text


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml">Sốt&nbsp;cao<br/>ho</div>', "Sốt cao\nho"),
        ("<div><table><tr><td>Tên</td><td>Liều</td></tr></table>hết</div>", "Tên Liều\nhết"),
        ("<div>một <b>hai</b> ba<!-- bốn --> năm</div>", "một hai ba năm"),
        ("<div>a &lt; b &amp; c</div>", "a < b & c"),
        ("<div>chưa <b>đóng", "chưa đóng"),
        ("<div>thấy<script>alert(1)</script></div>", "thấy"),
        ("<div>  </div>", None),
        ("", None),
        (None, None),
    ],
)
def test_keeps_the_words(div, expected):
    assert plain_text(div) == expected


@pytest.mark.parametrize(
    "div",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><div>&a;</div>',
        '<!doctype x [<!ENTITY a SYSTEM "file:///etc/passwd">]><div>&a;</div>',
        "<div>" * 100_000,
    ],
)
def test_refuses_traps(div):
    assert plain_text(div) is None


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('<>/&;"= divbrx#19\u00a0\u0000\ud800'), max_size=60))
def test_survives_any_text(div):
    assert plain_text(div) != ""

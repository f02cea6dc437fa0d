"""Visits as QĐ 4750 envelopes: one HOSO each, base64 tables inside, up to 200 a file (domain reference 3.2).

A facility's dialect decides on byte-order marks, CDATA and spelling. Escaping is done by hand: the texts come from
our own tables, and building element trees would take three times as long.
"""

from base64 import b64encode
from collections.abc import Iterable

from domain.synthetic import qd4750_papers as paper_rows
from domain.synthetic import qd4750_tables as tables
from domain.synthetic.facilities import Dialect
from domain.synthetic.qd4750_tables import Row
from domain.synthetic.visits import Visit

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
# Root, list and row element of the tables with rows; the root alone of those with one.
_LISTS = {
    "XML0": ("CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
    "XML2": ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
    "XML3": ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
    "XML4": ("CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
    "XML5": ("CHITIEU_CHITIET_DIENBIENLAMSANG", "DSACH_CHI_TIET_DIEN_BIEN_BENH", "CHI_TIET_DIEN_BIEN_BENH"),
    "XML6": (
        "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
    ),
    "XML9": ("CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH", "DSACH_GIAYCHUNGSINH", "DU_LIEU_GIAY_CHUNG_SINH"),
    "XML15": ("CHI_TIEU_DIEUTRI_BENHLAO", "DSACH_CHITIET_DIEUTRI_BENHLAO", "CHITIET_DIEUTRI_BENHLAO"),
}
_SINGLES = {
    "XML1": "TONG_HOP",
    "XML7": "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN",
    "XML8": "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN",
    "XML10": "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI",
    "XML11": "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
    "XML13": "CHI_TIEU_GIAYCHUYENTUYEN",
    "XML14": "CHI_TIEU_GIAYHEN_KHAMLAI",
}
_ROWS = {"XML2": tables.drugs, "XML3": tables.services, "XML4": tables.results, "XML5": tables.clinical_course}


def header(facility_code: str, made_on: str) -> bytes:
    """The file up to the number of records, which stands at `COUNT_WIDTH` bytes and is patched at the end."""
    namespaces = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return (
        f"{_DECLARATION}<GIAMDINHHS {namespaces}>\n<THONGTINDONVI><MACSKCB>{facility_code}</MACSKCB></THONGTINDONVI>\n"
        f"<THONGTINHOSO>\n<NGAYLAP>{made_on}</NGAYLAP>\n<SOLUONGHOSO>"
    ).encode()


COUNT_WIDTH = 4
AFTER_COUNT = b"</SOLUONGHOSO>\n<DANHSACHHOSO>\n"
FOOTER = b"</DANHSACHHOSO>\n</THONGTINHOSO>\n<CHUKYDONVI/>\n</GIAMDINHHS>\n"


def record(visit: Visit, number: int) -> tuple[bytes, int]:
    """One HOSO element, and how many rows of XML2 to XML5 it holds. `number` is its place in the file."""
    dialect = visit.facility.dialect
    if visit.form == "check_in":
        return _hoso([("XML0", _listed("XML0", tables.check_in(visit), dialect)[0])]), 0
    inner = [("XML1", _single("XML1", tables.summary(visit, number), dialect))]
    rows = 0
    for table, make in _ROWS.items():
        content, count = _listed(table, make(visit), dialect)
        if count:
            inner.append((table, content))
        rows += count
    for table, row in paper_rows.papers(visit).items():
        inner.append((table, _listed(table, [row], dialect)[0] if table in _LISTS else _single(table, row, dialect)))
    return _hoso(inner), rows


def _hoso(inner: list[tuple[str, bytes]]) -> bytes:
    files = b"".join(
        b"<FILEHOSO><LOAIHOSO>%s</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>"
        % (table.encode(), b64encode(content))
        for table, content in inner
    )
    return b"<HOSO>" + files + b"</HOSO>\n"


def _single(table: str, row: Row, dialect: Dialect) -> bytes:
    return _file(_element(_SINGLES[table], row, dialect), dialect)


def _listed(table: str, rows: Iterable[Row], dialect: Dialect) -> tuple[bytes, int]:
    root, several, one = _LISTS[table]
    elements = [_element(one, row, dialect) for row in rows]
    return _file(f"<{root}><{several}>{''.join(elements)}</{several}></{root}>", dialect), len(elements)


def _file(element: str, dialect: Dialect) -> bytes:
    return (("\ufeff" if dialect.bom else "") + _DECLARATION + element).encode()


def _element(tag: str, row: Row, dialect: Dialect) -> str:
    text = _cdata if dialect.cdata else _escaped
    fields = "".join([f"<{field}>{text(value)}</{field}>" if value else f"<{field}/>" for field, value in row.items()])
    return f"<{tag}>{fields}</{tag}>"


def _escaped(text: str) -> str:
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def _cdata(text: str) -> str:
    """CDATA around words, as some exporters do; plain codes and numbers stay bare."""
    if text.isalnum() and text.isascii():
        return text
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"

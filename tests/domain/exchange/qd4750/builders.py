"""Builds QĐ 4750 files for the tests: fields to rows, rows to inner files, inner files to an envelope."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from xml.sax.saxutils import escape

from domain.exchange.qd4750 import Limits, Refusal, Visit, read
from domain.exchange.qd4750.schema import TABLES

HEAD = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><THONGTINDONVI><MACSKCB>01001</MACSKCB></THONGTINDONVI>'
    b"<THONGTINHOSO><NGAYLAP>20250314</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO>\n"
)
TAIL = b"\n</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>\n"

PATHS = {
    "XML0": "CHI_TIEU_TRANG_THAI_KCB/DSACH_TRANG_THAI_KCB",
    "XML2": "CHITIEU_CHITIET_THUOC/DSACH_CHI_TIET_THUOC",
    "XML3": "CHITIEU_CHITIET_DVKT_VTYT/DSACH_CHI_TIET_DVKT",
    "XML4": "CHITIEU_CHITIET_DICHVUCANLAMSANG/DSACH_CHI_TIET_CLS",
    "XML5": "CHITIEU_CHITIET_DIENBIENLAMSANG/DSACH_CHI_TIET_DIEN_BIEN_BENH",
}

SUMMARY = {
    "MA_LK": "HS25031400123",
    "STT": "1",
    "MA_BN": "BN0001234",
    "HO_TEN": "NGUYỄN THỊ HOÀ XANH",
    "SO_CCCD": "001155000123",
    "NGAY_SINH": "195500000000",
    "GIOI_TINH": "2",
    "NHOM_MAU": "",
    "MA_QUOCTICH": "000",
    "MA_THE_BHYT": "HT2010112345678",
    "MA_DKBD": "01001",
    "GT_THE_TU": "20250101",
    "GT_THE_DEN": "20251231",
    "MA_BENH_CHINH": "I10",
    "MA_BENH_KT": "E11.9;E78.5",
    "MA_DOITUONG_KCB": "1.1",
    "NGAY_VAO": "202503140730",
    "NGAY_RA": "202503141015",
    "KET_QUA_DTRI": "2",
    "MA_LOAI_RV": "1",
    "MA_LOAI_KCB": "01",
    "MA_CSKCB": "01001",
    "CAN_NANG": "52.50",
    "NGAY_TAI_KHAM": "20250411",
    "T_TONGCHI_BV": "350000.00",
    "DU_PHONG": "153",
}
DRUG = {
    "MA_LK": "HS25031400123",
    "STT": "1",
    "MA_THUOC": "40.491",
    "TEN_THUOC": "Amlodipin Xanh",
    "HAM_LUONG": "5 mg",
    "DON_VI_TINH": "viên",
    "DUONG_DUNG": "1.01",
    "LIEU_DUNG": "1 viên/lần * 1 lần/ngày * 28 ngày [1 viên/ngày]",
    "SO_DANG_KY": "VD-00000-00",
    "SO_LUONG": "28.000",
    "DON_GIA": "1000.00",
    "MA_BAC_SI": "000000/XX-CCHN",
    "NGAY_YL": "202503140930",
    "NGUON_CTRA": "1",
    "PHAM_VI": "1",
}
SERVICE = {
    "MA_LK": "HS25031400123",
    "STT": "1",
    "MA_DICH_VU": "23.0083.1523",
    "TEN_DICH_VU": "Định lượng HbA1c",
    "SO_LUONG": "1",
    "MA_BENH": "I10;E11.9",
    "NGAY_YL": "202503140750",
    "NGAY_TH_YL": "202503140800",
    "NGAY_KQ": "202503140900",
    "PHAM_VI": "1",
}
RESULT = {
    "MA_LK": "HS25031400123",
    "STT": "1",
    "MA_DICH_VU": "23.0083.1523",
    "MA_CHI_SO": "HBA1C",
    "TEN_CHI_SO": "HbA1c",
    "GIA_TRI": "7.2",
    "DON_VI_DO": "%",
    "NGAY_KQ": "202503140900",
}
NOTE = {
    "MA_LK": "HS25031400123",
    "STT": "1",
    "DIEN_BIEN_LS": "Tỉnh, tiếp xúc tốt CSST<M75_T37_HA120/70_NT18_HL2>",
    "THOI_DIEM_DBLS": "202503140740",
}

Row = Mapping[str, str]


def row(tag: str, fields: Row) -> str:
    return f"<{tag}>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items()) + f"</{tag}>"


def inner(table: str, *rows: Row) -> bytes:
    """The inner file of a table as UTF-8 bytes."""
    tag = TABLES[table].row
    body = "".join(row(tag, fields) for fields in rows)
    if table in PATHS:
        root, listing = PATHS[table].split("/")
        body = f"<{root}><{listing}>{body}</{listing}></{root}>"
    return f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode()


def filehoso(name: str, content: bytes) -> bytes:
    packed = base64.b64encode(content)
    return b"<FILEHOSO><LOAIHOSO>%s</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % (name.encode(), packed)


def hoso(*documents: bytes) -> bytes:
    return b"<HOSO>" + b"".join(documents) + b"</HOSO>"


def visit(episode: str = "HS25031400123", **changes: str) -> bytes:
    """One HOSO with XML1 to XML5, all of one episode; `changes` are fields of XML1."""
    lines = [("XML2", DRUG), ("XML3", SERVICE), ("XML4", RESULT), ("XML5", NOTE)]
    documents = [filehoso("XML1", inner("XML1", {**SUMMARY, **changes, "MA_LK": episode}))]
    documents += [filehoso(name, inner(name, {**fields, "MA_LK": episode})) for name, fields in lines]
    return hoso(*documents)


def large_visit(*, with_money: bool = False) -> bytes:
    """Fifteen detail rows: 4 drugs, 4 services, 5 results, 2 notes; `with_money` fills the columns left out too."""
    counts = [("XML2", DRUG, 4), ("XML3", SERVICE, 4), ("XML4", RESULT, 5), ("XML5", NOTE, 2)]
    money = {name: dict.fromkeys(sorted(TABLES[name].ignored), "1000.00") if with_money else {} for name in TABLES}
    documents = [filehoso("XML1", inner("XML1", SUMMARY | money["XML1"]))]
    documents += [
        filehoso(name, inner(name, *(fields | money[name] | {"STT": str(n)} for n in range(1, count + 1))))
        for name, fields, count in counts
    ]
    return hoso(*documents)


def envelope(*visits: bytes) -> bytes:
    return HEAD + b"\n".join(visits) + TAIL


def outcomes(file: bytes, **limits: int) -> list[Visit | Refusal]:
    return list(read(BytesIO(file), limits=Limits(**limits)))


def only(file: bytes, **limits: int) -> Visit:
    """The one visit of a file that must not be refused."""
    (found,) = outcomes(file, **limits)
    assert isinstance(found, Visit), found.issues
    return found


def refused(file: bytes, **limits: int) -> Refusal:
    (found,) = outcomes(file, **limits)
    assert isinstance(found, Refusal)
    assert any(issue.severity == "error" for issue in found.issues)
    return found


def places(found: Visit | Refusal) -> list[tuple[str, str, int | None, str | None]]:
    """(code, table, row, field) of each issue."""
    return [(issue.code, issue.table, issue.row, issue.field) for issue in found.issues]


class Stream:
    """A readable made of pieces as they are asked for, so that a large file never exists as a whole."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._left = b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, None)) is not None:
            self._left += piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken

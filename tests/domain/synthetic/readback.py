"""Reads generated files with the standard library only, strictly: what does not fit the envelope fails."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

# Root, list and row elements as domain reference 3.3 names them.
LISTS = {
    "XML0": ("CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
    "XML2": ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
    "XML3": ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
    "XML4": ("CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
    "XML5": ("CHITIEU_CHITIET_DIENBIENLAMSANG", "DSACH_CHI_TIET_DIEN_BIEN_BENH", "CHI_TIET_DIEN_BIEN_BENH"),
    "XML9": ("CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH", "DSACH_GIAYCHUNGSINH", "DU_LIEU_GIAY_CHUNG_SINH"),
    "XML15": ("CHI_TIEU_DIEUTRI_BENHLAO", "DSACH_CHITIET_DIEUTRI_BENHLAO", "CHITIET_DIEUTRI_BENHLAO"),
}
SINGLES = {
    "XML1": "TONG_HOP",
    "XML7": "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN",
    "XML8": "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN",
    "XML10": "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI",
    "XML11": "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
    "XML13": "CHI_TIEU_GIAYCHUYENTUYEN",
    "XML14": "CHI_TIEU_GIAYHEN_KHAMLAI",
}
HIV_ROOT = "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"


@dataclass
class Record:
    """One HOSO: the facility of its file, and the rows of each table."""

    facility: str
    tables: dict[str, list[dict[str, str]]]
    raw: dict[str, bytes]

    @property
    def summary(self) -> dict[str, str]:
        return self.tables["XML1"][0]


def records_in(path: Path) -> list[Record]:
    envelope = ET.parse(path).getroot()
    assert envelope.tag == "GIAMDINHHS"
    facility = envelope.findtext("THONGTINDONVI/MACSKCB")
    stated = int(envelope.findtext("THONGTINHOSO/SOLUONGHOSO"))
    elements = envelope.findall("THONGTINHOSO/DANHSACHHOSO/HOSO")
    assert stated == len(elements)
    assert envelope.find("CHUKYDONVI") is not None
    return [read_record(facility, element) for element in elements]


def read_record(facility: str, hoso: ET.Element) -> Record:
    tables, raw = {}, {}
    for inner in hoso.findall("FILEHOSO"):
        name = inner.findtext("LOAIHOSO")
        raw[name] = b64decode(inner.findtext("NOIDUNGFILE"), validate=True)
        tables[name] = list(rows_of(name, ET.fromstring(raw[name].decode("utf-8-sig"))))
    return Record(facility, tables, raw)


def rows_of(table: str, root: ET.Element) -> Iterator[dict[str, str]]:
    if table in SINGLES:
        assert root.tag == SINGLES[table]
        yield {field.tag: field.text or "" for field in root}
        return
    if table == "XML6":
        assert root.tag == HIV_ROOT
    else:
        assert (root.tag, root[0].tag, root[0][0].tag) == LISTS[table]
    for row in root[0]:
        yield {field.tag: field.text or "" for field in row}


def bundles_in(path: Path) -> list[dict]:
    text = path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]

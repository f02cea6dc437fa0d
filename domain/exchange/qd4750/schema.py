"""The tables of QĐ 4750 that are read: their elements, their rows, and the fields known but left to the raw file (3.3).

Left out on purpose are prices, rates and shares of single lines and the settlement period: accounting between the
facility and the insurer, nothing of a health book. Tables that are only kept are listed with their restriction.
"""

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from domain.exchange.qd4750.codes import CodeList, code_lists
from domain.exchange.qd4750.fields import Column, Reader, columns
from domain.exchange.qd4750.papers import DischargePaper, RecordSummary, ReexaminationPaper, ReferralPaper
from domain.exchange.qd4750.tables import CheckIn, ClinicalNote, Drug, Result, Service, Summary
from domain.exchange.qd4750.visit import Restriction

Known = tuple[str, Reader, int, Column]  # attribute, its reader, the longest text that needs no second look, column


@dataclass(frozen=True)
class Table:
    """One table: the root elements of its inner file, the element of a row, the dataclass a row becomes.

    `attribute` is where its rows stand in a Visit; `is_list` tells one row from many.
    """

    name: str
    row_type: type[Any]
    attribute: str
    roots: frozenset[str]
    row: str
    is_list: bool
    ignored: frozenset[str] = frozenset()

    @cached_property
    def columns(self) -> dict[str, Known | None]:
        """What an element fills, by every name it had; None for those known and left out."""
        declared = columns(self.row_type)
        known = {
            name: (attribute, column.read, column.size or sys.maxsize, column)
            for name, (attribute, column) in declared.items()
        }
        return {**known, **dict.fromkeys(self.ignored)}

    @cached_property
    def coded(self) -> tuple[tuple[str, str, CodeList], ...]:
        """(attribute, element name, list) of each field that should hold a listed code."""
        lists = code_lists()
        found = dict(columns(self.row_type).values())
        return tuple((slot, column.names[0], lists[column.codes]) for slot, column in found.items() if column.codes)


def _several(name: str, row_type: type[Any], attribute: str, path: str, ignored: str = "") -> Table:
    root, listing, row = path.split("/")
    return Table(name, row_type, attribute, frozenset({root, listing}), row, True, frozenset(ignored.split()))


def _single(name: str, row_type: type[Any], attribute: str, root: str, ignored: str = "") -> Table:
    return Table(name, row_type, attribute, frozenset({root}), root, False, frozenset(ignored.split()))


_OTHER_SOURCES = "T_NGUONKHAC T_NGUONKHAC_NSNN T_NGUONKHAC_VTNN T_NGUONKHAC_VTTN T_NGUONKHAC_CL"
_LINE_MONEY = f"""TT_THAU TYLE_TT_BH THANH_TIEN_BV THANH_TIEN_BH MUC_HUONG T_BNTT T_BNCCT T_BHTT MA_PTTT
    {_OTHER_SOURCES}"""

TABLES = {
    table.name: table
    for table in (
        _several("XML0", CheckIn, "check_in", "CHI_TIEU_TRANG_THAI_KCB/DSACH_TRANG_THAI_KCB/TRANG_THAI_KCB"),
        _single(
            "XML1",
            Summary,
            "summary",
            "TONG_HOP",
            "T_THUOC T_VTYT T_TONGCHI_BH T_NGUONKHAC T_BHTT_GDV NAM_QT THANG_QT",
        ),
        _several(
            "XML2",
            Drug,
            "drugs",
            "CHITIEU_CHITIET_THUOC/DSACH_CHI_TIET_THUOC/CHI_TIET_THUOC",
            f"{_LINE_MONEY} DON_GIA VET_THUONG_TP",
        ),
        _several(
            "XML3",
            Service,
            "services",
            "CHITIEU_CHITIET_DVKT_VTYT/DSACH_CHI_TIET_DVKT/CHI_TIET_DVKT",
            f"{_LINE_MONEY} GOI_VTYT MA_XANG_DAU DON_GIA_BV DON_GIA_BH TYLE_TT_DV T_TRANTT MA_HIEU_SP TAI_SU_DUNG",
        ),
        _several("XML4", Result, "results", "CHITIEU_CHITIET_DICHVUCANLAMSANG/DSACH_CHI_TIET_CLS/CHI_TIET_CLS"),
        _several(
            "XML5",
            ClinicalNote,
            "notes",
            "CHITIEU_CHITIET_DIENBIENLAMSANG/DSACH_CHI_TIET_DIEN_BIEN_BENH/CHI_TIET_DIEN_BIEN_BENH",
        ),
        _single("XML7", DischargePaper, "discharge", "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN"),
        _single("XML8", RecordSummary, "record_summary", "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN"),
        _single("XML13", ReferralPaper, "referral", "CHI_TIEU_GIAYCHUYENTUYEN"),
        _single("XML14", ReexaminationPaper, "reexamination", "CHI_TIEU_GIAYHEN_KHAMLAI"),
    )
}

KEPT: dict[str, Restriction] = {
    "XML6": "HIV",
    "XML9": "REPRODUCTIVE",
    "XML10": "REPRODUCTIVE",
    "XML11": "",
    "XML12": "",
    "XML15": "TB",
}

ROOTS = {root: table.name for table in TABLES.values() for root in (*table.roots, table.row)}

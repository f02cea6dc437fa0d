"""The invented hospitals, stations, clinics, pharmacies and vaccination centres, and how each one exports.

Eight facilities serve an area of one province; a small population has three areas, a large one 62 (about
500 facilities). A `Dialect` holds the habits of a facility's software that an importer must survive.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any, Literal

Kind = Literal["hospital", "commune_station", "clinic", "pharmacy", "vaccination_centre"]
_DATA: dict[str, Any] = json.loads(files(__package__).joinpath("places.json").read_text("utf-8"))
PROVINCES: tuple[dict[str, Any], ...] = tuple(_DATA["provinces"])
OLD_CODES = tuple(code for province in PROVINCES for code in province["old"])
_FLOWERS: list[list[str]] = _DATA["flowers"]
_STREETS: list[str] = _DATA["streets"]
MIN_AREAS, MAX_AREAS, PEOPLE_PER_AREA = 3, 62, 3_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """Habits of one facility's software: generation of the tables, encoding of the file, spelling of names."""

    old_tables: bool = False
    bom: bool = False
    cdata: bool = False
    capitals: bool = False
    decomposed: bool = False
    late_tone: bool = False
    bundle: Literal["transaction", "collection", "document"] = "transaction"


@dataclass(frozen=True, slots=True)
class Facility:
    """`code` is MA_CSKCB (5 characters, the first two the old province number)."""

    code: str
    name: str
    name_en: str
    kind: Kind
    level: str
    province: str
    commune: str
    address: str
    dialect: Dialect

    def as_dict(self) -> dict[str, str]:
        fields = ("code", "name", "name_en", "kind", "level", "province", "commune", "address")
        return {field: getattr(self, field) for field in fields}


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune under its code and names before and since 1/7/2025."""

    code: str
    old_code: str
    name: str
    old_name: str
    district: str
    district_code: str


@dataclass(frozen=True, slots=True)
class Area:
    """One province's corner: its communes and the facilities people go to."""

    province: str
    province_name: str
    old_province: str
    old_province_name: str
    communes: tuple[Commune, ...]
    hospitals: tuple[Facility, ...]
    stations: tuple[Facility, ...]
    clinic: Facility
    pharmacies: tuple[Facility, ...]
    vaccination_centre: Facility

    @property
    def facilities(self) -> tuple[Facility, ...]:
        return (*self.hospitals, *self.stations, self.clinic, *self.pharmacies, self.vaccination_centre)


_PLAN: tuple[tuple[Kind, str, str, str], ...] = (
    ("hospital", "chuyên sâu", "Bệnh viện Đa khoa", "General Hospital"),
    ("hospital", "cơ bản", "Bệnh viện Khu vực", "Regional Hospital"),
    ("commune_station", "ban đầu", "Trạm Y tế", "Commune Health Station"),
    ("commune_station", "ban đầu", "Trạm Y tế", "Commune Health Station"),
    ("clinic", "ban đầu", "Phòng khám Đa khoa", "Polyclinic"),
    ("pharmacy", "", "Nhà thuốc", "Pharmacy"),
    ("pharmacy", "", "Quầy thuốc", "Drug Counter"),
    ("vaccination_centre", "", "Trung tâm Tiêm chủng", "Vaccination Centre"),
)


def areas(seed: int, people: int) -> tuple[Area, ...]:
    """The areas of a population of `people`; the same seed and size give the same areas."""
    count = min(MAX_AREAS, max(MIN_AREAS, people // PEOPLE_PER_AREA))
    rng = Random(f"{seed}:facilities")  # noqa: S311 - invented data, not secrets
    return tuple(_area(rng, number) for number in range(count))


def _area(rng: Random, number: int) -> Area:
    province = PROVINCES[number % len(PROVINCES)]
    olds = list(province["old"].items())
    old_code, old_name = olds[(number // len(PROVINCES)) % len(olds)]
    communes = tuple(_commune(rng, number, place, old_code, province["code"]) for place in range(2))
    built = tuple(
        _facility(rng, number, place, old=old_code, province=province, communes=communes) for place in range(len(_PLAN))
    )
    return Area(
        province["code"], province["name"], old_code, old_name, communes,
        built[0:2], built[2:4], built[4], built[5:7], built[7],
    )  # fmt: skip


def _commune(rng: Random, number: int, place: int, old: str, province: str) -> Commune:
    name = _FLOWERS[(number * 2 + place) % len(_FLOWERS)][0]
    kind, old_kind = rng.choice((("Phường", "Phường"), ("Xã", "Xã"), ("Xã", "Thị trấn")))
    # Codes 9xxxx and 8xxxx are in no list of real communes.
    local = (number // len(PROVINCES)) * 10 + place
    code, old_code = f"9{province}{local:02d}", f"8{old[-2:]}{local:02d}"
    district = f"{'Quận' if kind == 'Phường' else 'Huyện'} {rng.choice(_FLOWERS)[0]}"
    return Commune(code, old_code, f"{kind} {name}", f"{old_kind} {name} {place + 1}", district, f"9{old[-2:]}")


def _facility(
    rng: Random, number: int, place: int, *, old: str, province: dict[str, Any], communes: tuple[Commune, ...]
) -> Facility:
    kind, level, title, title_en = _PLAN[place]
    flower, flower_en = _FLOWERS[(number * 3 + place * 7) % len(_FLOWERS)]
    commune = communes[place % 2]
    repeat = number // len(PROVINCES)
    if kind == "commune_station":
        flower = commune.name
        flower_en = next(english for name, english in _FLOWERS if commune.name.endswith(name))
    address = f"Số {rng.randint(1, 199)} {rng.choice(_STREETS)}, {commune.name}, {province['name']}"
    code = f"{old[-2:]}{900 + repeat * 10 + place:03d}"
    english = f"{flower_en} {title_en}"
    dialect = _dialect(number, place)
    return Facility(code, f"{title} {flower}", english, kind, level, province["code"], commune.code, address, dialect)


def _dialect(number: int, place: int) -> Dialect:
    """Habits by position, so that the first three areas together show every one of them."""
    turn = number * len(_PLAN) + place
    bundles: tuple[Literal["transaction", "collection", "document"], ...] = ("transaction", "collection", "document")
    return Dialect(
        old_tables=turn % 4 == 1,
        bom=turn % 3 == 0,
        cdata=turn % 5 == 2,  # noqa: PLR2004
        capitals=turn % 2 == 0,
        # The clinic of the first area is the one that decomposes accents.
        decomposed=turn == 4,  # noqa: PLR2004
        late_tone=turn % 3 == 1,
        bundle=bundles[turn % 3],
    )

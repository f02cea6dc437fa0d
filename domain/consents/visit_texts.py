"""What a citizen is shown before he makes a QR for the desk, or chooses what his card opens there.

Which facility it will be is not known yet, nor the hour; the text says who gets it and for how long instead. The rest
are the words of every consent text.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from domain.consents import words
from domain.consents.tables import CATEGORIES
from domain.consents.texts import Language, Text, TextChanged, base64url
from domain.sections import SECTIONS

Way = Literal["qr", "card", "pass"]
PURPOSES = ("TREAT",)
TEMPLATE_VERSION = 1

WHO: Mapping[Way, Mapping[str, str]] = {
    "qr": {
        "vi": "Ai được xem: cơ sở y tế đầu tiên quét mã QR này, trong vòng 5 phút sau khi mã được tạo.",
        "en": "Who may read: the first health facility that scans this QR code, within 5 minutes of its making.",
    },
    "card": {
        "vi": (
            "Ai được xem: cơ sở y tế nơi bạn đến khám và làm thủ tục bằng căn cước hoặc thẻ bảo hiểm y tế, từ nay cho "
            "đến khi bạn đổi lựa chọn này."
        ),
        "en": (
            "Who may read: a health facility that you visit and where you check in with your citizen card or "
            "health-insurance card, from now until you change this choice."
        ),
    },
    "pass": {
        "vi": (
            "Ai được xem: chỉ cơ sở y tế của lịch hẹn mà bạn tạo mã QR này, khi bạn đến đó vào ngày hẹn. Nếu lúc bạn "
            "đến cơ sở đang mất mạng thì cơ sở xem được khi có mạng trở lại, chậm nhất sau một ngày."
        ),
        "en": (
            "Who may read: only the health facility of the appointment that you make this QR code for, when you come "
            "there on its day. If the facility is offline as you come, it can read once it is online again, within a "
            "day."
        ),
    },
}
UNTIL: Mapping[str, str] = {
    "vi": "Được xem đến khi nào: đến khi lần khám kết thúc, lâu nhất 24 giờ sau khi bạn làm thủ tục.",
    "en": "Until when: until the visit ends, at most 24 hours after you checked in.",
}


def document(way: Way, sections: Collection[str], language: Language) -> Text:
    """The text for these sections; equal ones give equal bytes. `sections` are known names."""
    body = "\n".join(_lines(way, sections, language)) + "\n"
    digest = hashlib.sha256(body.encode()).digest()
    return Text(body=body, hash=digest, language=language, template=f"visit_{way}", version=TEMPLATE_VERSION)


def agreed(way: Way, sections: Collection[str], language: Language, shown_hash: str) -> Text:
    """The text, if its hash (base64url) is the one that came back. TextChanged if not."""
    text = document(way, sections, language)
    if base64url(text.hash) != shown_hash:
        raise TextChanged("The text that was shown is not the one for these sections.")
    return text


def _lines(way: Way, sections: Collection[str], language: Language) -> Iterable[str]:
    say = words.TEXT[language]
    yield words.KINDS["visit"][language]
    yield ""
    yield WHO[way][language]
    yield say["purposes"]
    yield from (f"- {words.PURPOSES[purpose][language]}" for purpose in PURPOSES)
    yield say["sections"]
    yield from (f"- {one.vi if language == 'vi' else one.en}" for one in SECTIONS if one.name in sections)
    yield say["none_sensitive"]
    yield from (f"- {words.CATEGORIES[label][language]}" for label in CATEGORIES)
    yield say["all_days"]
    yield UNTIL[language]
    yield say["no_erase"]
    yield ""
    yield from (say[part] for part in ("law", "written", "withdraw", "copies"))

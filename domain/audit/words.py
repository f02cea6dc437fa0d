"""An entry of the log in one or two plain sentences; Vietnamese is the language that is shown first.

Whoever adds an action to the API (`context.act(..., "grantConsent", ...)`) gives it its words in ACTIONS; a test
compares. Names of facilities, apps and clinicians come from their registration, one line each.
"""

from collections.abc import Iterable, Mapping

from domain.audit.reading import Entry
from domain.consents.texts import Language
from domain.consents.words import PURPOSES
from domain.sections import SECTIONS

_SECTIONS: Mapping[str, Mapping[str, str]] = {one.name: {"vi": one.vi, "en": one.en} for one in SECTIONS}
_WHY: Mapping[str, Mapping[str, str]] = {**PURPOSES, "BTG": {"vi": "Cấp cứu", "en": "An emergency"}}

_KIN: Mapping[str, Mapping[str, str]] = {
    "parent": {"vi": "cha hoặc mẹ", "en": "parent"},
    "guardian": {"vi": "người giám hộ", "en": "guardian"},
    "legal_representative": {"vi": "người đại diện theo pháp luật", "en": "legal representative"},
    "delegate": {"vi": "người được ủy quyền", "en": "delegate"},
}

_WHO: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "YOU": "Bạn",
        "PERSON": "Chủ sổ sức khỏe",
        "REPRESENTATIVE": "Một người khác là {kin}",
        "PRACTITIONER": "{practitioner} ({organization})",
        "ORGANIZATION": "{organization}",
        "APP": "Ứng dụng {client}",
        "STRANGER": "Một người dùng ứng dụng {client}",
        "NOBODY_KNOWN": "Một ứng dụng không còn đăng nhập",
    },
    "en": {
        "YOU": "You",
        "PERSON": "The person whose book it is",
        "REPRESENTATIVE": "Somebody else who is the {kin}",
        "PRACTITIONER": "{practitioner} ({organization})",
        "ORGANIZATION": "{organization}",
        "APP": "The app {client}",
        "STRANGER": "Somebody with the app {client}",
        "NOBODY_KNOWN": "An app that was no longer signed in",
    },
}

_READ: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "all": "{who} đã xem: {opened}.",
        "part": "{who} đã xem: {opened}; không được xem: {shut}.",
        "none": "{who} đã hỏi xem: {sections}; không xem được gì.",
        "REFUSED": "{who} đã hỏi xem: {sections}; không có quyền nên không xem được gì.",
        "SCOPE": "{who} đã hỏi xem: {sections}; ngoài phạm vi của ứng dụng nên không xem được gì.",
        "DEAD": "{who} đã hỏi xem: {sections}; phiên đăng nhập đã kết thúc nên không xem được gì.",
        "why": "Mục đích: {why}.",
    },
    "en": {
        "all": "{who} read: {opened}.",
        "part": "{who} read: {opened}; was not shown: {shut}.",
        "none": "{who} asked for: {sections}; was shown nothing.",
        "REFUSED": "{who} asked for: {sections}; had no right and was shown nothing.",
        "SCOPE": "{who} asked for: {sections}; the app may not ask for it and was shown nothing.",
        "DEAD": "{who} asked for: {sections}; the sign-in had ended and nothing was shown.",
        "why": "Purpose: {why}.",
    },
}

_RIGHT: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "kin": "Với tư cách {kin}.",
        "consent": "Theo sự cho phép đã có.",
        "emergency": "Mở khẩn cấp, không có sự cho phép trước.",
    },
    "en": {"kin": "As {kin}.", "consent": "Under a permission that was given.", "emergency": "Opened in an emergency."},
}

_ACT: Mapping[Language, Mapping[str, str]] = {
    "vi": {"ALLOWED": "{who} đã {did}.", "refused": "{who} đã định {tried}, nhưng bị từ chối."},
    "en": {"ALLOWED": "{who} {did}.", "refused": "{who} tried to {tried} and was refused."},
}

ACTIONS: Mapping[str, tuple[str, str, str]] = {
    "archive": ("cất tin trong hộp tin", "put notices away", "put notices away"),
    "devices": (
        "xem danh sách thiết bị nhận thông báo",
        "looked at the devices that get notices",
        "look at the devices that get notices",
    ),
    "inbox": ("xem hộp tin", "looked at the inbox", "look at the inbox"),
    "markAllRead": ("đánh dấu đã đọc tất cả tin", "marked all notices read", "mark all notices read"),
    "markRead": ("đánh dấu tin đã đọc", "marked notices read", "mark notices read"),
    "notificationOpened": ("mở một thông báo", "opened a notice", "open a notice"),
    "notificationSettings": ("xem cách nhận thông báo", "looked at how notices come", "look at how notices come"),
    "registerDevice": (
        "đăng ký thiết bị nhận thông báo",
        "registered a device for notices",
        "register a device for notices",
    ),
    "removeDevice": ("bỏ một thiết bị nhận thông báo", "removed a device", "remove a device"),
    "renameDevice": ("đổi tên một thiết bị", "renamed a device", "rename a device"),
    "rotateDeviceToken": ("cập nhật thiết bị nhận thông báo", "renewed a device's address", "renew a device's address"),
    "setNotificationPreference": (
        "đổi kênh nhận thông báo",
        "changed how some notices come",
        "change how some notices come",
    ),
    "setNotificationSettings": ("đổi cách nhận thông báo", "changed how notices come", "change how notices come"),
    "unreadCount": ("đếm tin chưa đọc", "counted the unread notices", "count the unread notices"),
    "acceptDelegation": (
        "nhận việc xem giúp sổ sức khỏe này",
        "agreed to look after this book",
        "look after this book",
    ),
    "accessLog": ("xem nhật ký truy cập này", "looked at this log", "look at this log"),
    "answerConsentRequest": (
        "trả lời một đề nghị xem sổ sức khỏe",
        "answered a request to read the book",
        "answer a request to read the book",
    ),
    "cancelConsentRequest": (
        "hủy một đề nghị xem sổ sức khỏe",
        "took back a request to read the book",
        "take back a request to read the book",
    ),
    "checkIn": ("ghi nhận bạn đến khám", "checked you in for a visit", "check you in for a visit"),
    "checkOut": ("kết thúc lần khám", "checked you out of a visit", "check you out of a visit"),
    "chooseVisitSections": ("chọn những phần mở cho nơi khám", "chose what a visit opens", "choose what a visit opens"),
    "closeEmergency": ("đóng lần mở khẩn cấp", "closed an emergency access", "close an emergency access"),
    "consentChanged": (
        "theo dõi những thay đổi về sự cho phép",
        "followed changes of permissions",
        "follow changes of permissions",
    ),
    "consentPreview": (
        "xem trước một thay đổi về sự cho phép",
        "previewed a change of permissions",
        "preview a change of permissions",
    ),
    "consentReceipt": (
        "xem biên nhận của một sự cho phép",
        "looked at the receipt of a permission",
        "look at the receipt of a permission",
    ),
    "consentRequests": (
        "xem những đề nghị xem sổ sức khỏe",
        "looked at requests to read the book",
        "look at requests to read the book",
    ),
    "consentText": (
        "xem nội dung một sự cho phép trước khi quyết định",
        "looked at the text of a permission",
        "look at the text of a permission",
    ),
    "consents": ("xem danh sách những sự cho phép", "looked at the permissions", "look at the permissions"),
    "denials": ("xem danh sách những điều đã chặn", "looked at what is blocked", "look at what is blocked"),
    "denyAccess": ("chặn việc xem sổ sức khỏe", "blocked access to the book", "block access to the book"),
    "disputeAccess": (
        "phản ánh một lần truy cập trong nhật ký này",
        "disputed an entry of this log",
        "dispute an entry of this log",
    ),
    "emergencies": (
        "xem danh sách những lần mở khẩn cấp",
        "looked at the emergency accesses",
        "look at the emergency accesses",
    ),
    "endRepresentation": (
        "chấm dứt việc một người xem giúp sổ sức khỏe",
        "ended somebody's right to look after the book",
        "end somebody's right to look after the book",
    ),
    "findPatient": (
        "tìm sổ sức khỏe này cho một lần khám",
        "looked this book up for a visit",
        "look this book up for a visit",
    ),
    "grantConsent": ("cho phép xem sổ sức khỏe", "allowed access to the book", "allow access to the book"),
    "inboxChanged": ("theo dõi hộp thư", "followed the inbox", "follow the inbox"),
    "inviteDelegate": (
        "mời một người xem giúp sổ sức khỏe",
        "invited somebody to look after the book",
        "invite somebody to look after the book",
    ),
    "liftDenial": ("bỏ chặn việc xem sổ sức khỏe", "lifted a block", "lift a block"),
    "narrowConsent": ("thu hẹp một sự cho phép", "narrowed a permission", "narrow a permission"),
    "offerVisit": (
        "tạo mã để cơ sở khám quét",
        "made a code for a facility to scan",
        "make a code for a facility to scan",
    ),
    "openEmergency": ("mở khẩn cấp sổ sức khỏe", "opened the book in an emergency", "open the book in an emergency"),
    "readers": (
        "xem ai đọc được một phần của sổ sức khỏe",
        "looked at who can read a section",
        "look at who can read a section",
    ),
    "representations": (
        "xem danh sách những người xem giúp sổ sức khỏe",
        "looked at who looks after the book",
        "look at who looks after the book",
    ),
    "requestConsent": (
        "đề nghị được xem sổ sức khỏe",
        "asked to be allowed to read the book",
        "ask to be allowed to read the book",
    ),
    "sentRequests": ("xem những đề nghị đã gửi", "looked at the requests it sent", "look at the requests it sent"),
    "shareWithRepresentative": (
        "đổi những gì người xem giúp được xem",
        "changed what a representative sees",
        "change what a representative sees",
    ),
    "visitChoice": ("xem những phần mở cho nơi khám", "looked at what a visit opens", "look at what a visit opens"),
    "visitText": (
        "xem nội dung cho phép của một lần khám",
        "looked at the text for a visit",
        "look at the text for a visit",
    ),
    "widenEmergency": (
        "mở khẩn cấp thêm phần khác của sổ sức khỏe",
        "opened more of the book in an emergency",
        "open more of the book in an emergency",
    ),
    "withdrawConsent": ("rút lại một sự cho phép", "withdrew a permission", "withdraw a permission"),
}
"""In Vietnamese after "đã", in English as done and as tried."""
UNKNOWN_ACTION = (
    "dùng một chức năng khác của sổ sức khỏe",
    "used another function of the book",
    "use another function",
)


def summary(entry: Entry, language: Language) -> str:
    """Who did what, why, by which right, and what came of it."""
    who = _who(entry, language)
    if not entry.is_reading:
        return " ".join([_acted(entry, who, language), *_right(entry, language)])
    sentences = [_read(entry, who, language)]
    if entry.reader not in {"YOU", "PERSON"} and entry.purpose in _WHY:
        sentences.append(_READ[language]["why"].format(why=_WHY[entry.purpose][language]))
    return " ".join([*sentences, *_right(entry, language)])


def _who(entry: Entry, language: Language) -> str:
    is_stranger = entry.reader == "APP" and entry.basis == "none" and not entry.is_you
    return _WHO[language]["STRANGER" if is_stranger else entry.reader].format(
        kin=_KIN.get(entry.basis, {}).get(language, ""),
        practitioner=_one_line(entry.practitioner_name),
        organization=_one_line(_organization(entry, language)),
        client=_one_line(entry.client_name),
    )


def _organization(entry: Entry, language: Language) -> str | None:
    return (entry.organization_name_en if language == "en" else None) or entry.organization_name


def _read(entry: Entry, who: str, language: Language) -> str:
    shut = [name for name in entry.sections if name not in entry.opened]
    shown = "none" if not entry.opened else "part" if shut else "all"
    form = shown if entry.outcome == "ALLOWED" else entry.outcome
    return _READ[language][form].format(
        who=who,
        sections=_listed(entry.sections, language),
        opened=_listed(entry.opened, language),
        shut=_listed(shut, language),
    )


def _acted(entry: Entry, who: str, language: Language) -> str:
    vietnamese, done, tried = ACTIONS.get(entry.purpose, UNKNOWN_ACTION)
    form = _ACT[language]["ALLOWED" if entry.outcome == "ALLOWED" else "refused"]
    if language == "vi":
        return form.format(who=who, did=vietnamese, tried=vietnamese)
    return form.format(who=who, did=done, tried=tried)


def _right(entry: Entry, language: Language) -> Iterable[str]:
    """Nothing of one's own right, nor where there was none, nor where it is said already who it was."""
    if entry.outcome != "ALLOWED":
        return
    if entry.basis in _KIN and entry.reader == "YOU":
        yield _RIGHT[language]["kin"].format(kin=_KIN[entry.basis][language])
    elif entry.basis in {"consent", "emergency"}:
        yield _RIGHT[language][entry.basis]


def _listed(names: Iterable[str], language: Language) -> str:
    return ", ".join(_SECTIONS[name][language] if name in _SECTIONS else name for name in names)


def _one_line(name: str | None) -> str:
    """A registered name may bring invisible characters along, but writes no sentence of its own."""
    return " ".join("".join(char if char.isprintable() else " " for char in name or "").split())

"""The words of the consent text, by language; Vietnamese is the one that is shown first.

Part of the text a citizen agrees to: who changes a word raises `TEMPLATE_VERSION` in `domain/consents/texts.py`.
"""

from collections.abc import Mapping

LANGUAGES = ("vi", "en")

PURPOSES: Mapping[str, Mapping[str, str]] = {
    "TREAT": {"vi": "Khám và chữa bệnh cho bạn", "en": "To examine and treat you"},
    "CAREMGT": {"vi": "Phối hợp chăm sóc bạn giữa các nơi", "en": "To coordinate your care between places"},
    "PATRQT": {"vi": "Để ứng dụng cho bạn xem và dùng", "en": "To show it to you in the app, for your own use"},
    "HPAYMT": {"vi": "Thanh toán bảo hiểm y tế", "en": "To settle a health-insurance claim"},
    "PUBHLTH": {"vi": "Y tế công cộng, phòng chống dịch bệnh", "en": "Public health and control of epidemics"},
    "HRESCH": {"vi": "Nghiên cứu khoa học", "en": "Research"},
}

CATEGORIES: Mapping[str, Mapping[str, str]] = {
    "HIV": {"vi": "HIV/AIDS", "en": "HIV/AIDS"},
    "MENTAL": {"vi": "Sức khỏe tâm thần", "en": "Mental health"},
    "REPRODUCTIVE": {"vi": "Sức khỏe tình dục và sinh sản", "en": "Sexual and reproductive health"},
    "SUBSTANCE": {"vi": "Sử dụng chất gây nghiện", "en": "Use of addictive substances"},
    "GENETIC": {"vi": "Thông tin di truyền", "en": "Genetic information"},
    "VIOLENCE": {"vi": "Bạo lực và xâm hại", "en": "Violence and abuse"},
    "UNKNOWN": {"vi": "Dữ liệu chưa được phân loại", "en": "Data that nobody has classified yet"},
}

KINDS: Mapping[str, Mapping[str, str]] = {
    "app": {"vi": "Cho phép một ứng dụng xem sổ sức khỏe", "en": "Allow an app to read the health book"},
    "written_request": {
        "vi": "Yêu cầu bằng văn bản: cho một cơ sở y tế xem sổ sức khỏe",
        "en": "Written request: let a health facility read the health book",
    },
    "visit": {
        "vi": "Yêu cầu bằng văn bản: cho cơ sở đang khám xem sổ sức khỏe trong lần khám này",
        "en": "Written request: let the facility of this visit read the health book",
    },
}

TEXT: Mapping[str, Mapping[str, str]] = {
    "vi": {
        "who": "Ai được xem: {name}",
        "code": " (mã cơ sở {code})",
        "client": " (mã ứng dụng {code})",
        "purposes": "Để làm gì:",
        "sections": "Được xem những phần nào:",
        "sensitive": "Được xem cả những dữ liệu đặc biệt riêng tư sau:",
        "none_sensitive": "Không được xem những dữ liệu đặc biệt riêng tư:",
        "still_hidden": "Vẫn không được xem:",
        "all_days": "Dữ liệu của thời gian nào: tất cả.",
        "days": "Dữ liệu của thời gian nào: {first} đến {last}.",
        "first": "từ ngày {day}",
        "no_first": "từ đầu",
        "last": "hết ngày {day}",
        "no_last": "nay và cả sau này",
        "until": "Được xem đến khi nào: {moment} (giờ Việt Nam), sau đó tự hết hiệu lực.",
        "erase": "Phải xóa các bản sao trước: {moment} (giờ Việt Nam).",
        "no_erase": "Không đặt thời hạn riêng để xóa các bản sao.",
        "law": (
            "Dữ liệu sức khỏe là dữ liệu cá nhân nhạy cảm và được pháp luật bảo vệ. Bạn tự nguyện quyết định, được "
            "chọn từng phần, và không đồng ý cũng không bị từ chối chăm sóc."
        ),
        "written": (
            "Khi xác nhận, bạn gửi yêu cầu bằng văn bản để sổ sức khỏe đưa những dữ liệu này cho cơ sở nêu trên "
            "(Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15, Điều 26)."
        ),
        "withdraw": (
            "Bạn có thể thu hẹp hoặc rút lại bất cứ lúc nào, ở mục quản lý quyền xem của sổ sức khỏe; việc đó có hiệu "
            "lực ngay với lần xem tiếp theo. Mỗi lần xem đều được ghi lại và bạn đọc được."
        ),
        "copies": "Những gì đã được xem và lưu ở nơi nhận thì sổ sức khỏe không thể lấy lại được.",
    },
    "en": {
        "who": "Who may read: {name}",
        "code": " (facility code {code})",
        "client": " (app id {code})",
        "purposes": "What for:",
        "sections": "Which sections:",
        "sensitive": "Also these especially private data:",
        "none_sensitive": "Not these especially private data:",
        "still_hidden": "Still not:",
        "all_days": "Data of which time: all.",
        "days": "Data of which time: {first} to {last}.",
        "first": "from {day}",
        "no_first": "from the beginning",
        "last": "the end of {day}",
        "no_last": "now and later",
        "until": "Until when it may be read: {moment} (Vietnam time); after that it ends by itself.",
        "erase": "Copies must be deleted before: {moment} (Vietnam time).",
        "no_erase": "No time of its own is set for deleting copies.",
        "law": (
            "Health data are sensitive personal data and protected by law. You decide freely, you may choose section "
            "by section, and nobody is refused care for saying no."
        ),
        "written": (
            "By confirming you make the written request that the health book give these data to the facility named "
            "above (Law on Personal Data Protection 91/2025/QH15, Article 26)."
        ),
        "withdraw": (
            "You can narrow or withdraw this at any time, where the health book shows who may read; it takes effect "
            "with the very next reading. Every reading is recorded, and you can see the record."
        ),
        "copies": "What the reader has already seen and kept cannot be taken back by the health book.",
    },
}

"""A browser in two plain words for the citizen's own list, such as `Chrome · Android`.

Only words of these lists are ever kept: no version, no model, nothing that a browser wrote itself.
"""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("coc_coc_browser", "Cốc Cốc"),
    ("Zalo", "Zalo"),
    ("FBAN", "Facebook"),
    ("FBAV", "Facebook"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
_LOOKED_AT = 512


def device_of(user_agent: str) -> str:
    """Browser and system, either alone, or nothing."""
    seen = user_agent[:_LOOKED_AT]
    found = (next((word for mark, word in family if mark in seen), "") for family in (_BROWSERS, _SYSTEMS))
    return " · ".join(word for word in found if word)

"""Where a code may be sent (RFC 6749 3.1.2, RFC 8252 7, RFC 9700 2.1): compared as text, never normalised.

One exception is the RFC's own: a native app that registered `http://127.0.0.1/...` may listen on any port.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_MAX_LENGTH = 2000
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::[1-9]\d{0,4})?(/[!$-;=?-\[\]_a-z~]*)")
_HTTPS = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9]\d{0,4})?/[!$-;=?-\[\]_a-z~]*")
_APP_SCHEME = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:/(?!/)[!$-;=?-\[\]_a-z~]*")


def is_registered(redirect_uri: str, registered: Iterable[str]) -> bool:
    if len(redirect_uri) > _MAX_LENGTH:
        return False
    return any(redirect_uri == known or _same_loopback(redirect_uri, known) for known in registered)


def _same_loopback(asked: str, known: str) -> bool:
    ours, theirs = _LOOPBACK.fullmatch(known), _LOOPBACK.fullmatch(asked)
    return bool(ours and theirs and ours.groups() == theirs.groups())


def is_registrable(redirect_uri: str) -> bool:
    """An https address with a host, loopback http by address, or a private-use scheme that is a reversed domain name.

    No fragment, user, wildcard or upper-case host; `javascript:` and its kin have no dot (RFC 8252 7.1).
    """
    shapes = (_HTTPS, _LOOPBACK, _APP_SCHEME)
    return len(redirect_uri) <= _MAX_LENGTH and any(shape.fullmatch(redirect_uri) for shape in shapes)


def form_action(redirect_uri: str) -> str:
    """The CSP source that lets a form's answer go to this (validated) address: an origin, or an app's scheme.

    A CSP host source cannot be written for an IPv6 address, so that one opens its scheme (CSP 3, 2.3.1).
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"http", "https"} and not parts.netloc.startswith("["):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


def origin_of(redirect_uri: str) -> str | None:
    """The origin of a registered address that a page can have (RFC 6454 4); None for an app's own scheme."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else None

"""The authorization endpoint (RFC 6749 3.1) for people: who asks, the citizen's answer, and the way back to the client.

    endpoint.py   the requests and which page answers them
    asking.py     the request, read anew at every step
    book.py       the citizen's own book: is there one, may he open it alone
    choice.py     what the citizen chose on the page
    pages.py      the pages; screen.py what they show, words.py what they say
    deciding.py   the answer: code, grant and consent in one transaction

The page is shown for every new authorization: a public client's address can be imitated, so a citizen must see who asks
(RFC 8252 8.6). No box is ticked beforehand, because a default tick is no consent (Luật 91/2025/QH15 Đ9).
"""

from auth.consent.endpoint import Consent
from auth.consent.pages import AUTHORIZE, CONSENT

__all__ = ["AUTHORIZE", "CONSENT", "Consent"]

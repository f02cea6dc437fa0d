"""A citizen's browser between healthbook and the national provider, and the provider itself."""

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tests.auth.flows import ISSUER

CLIENT, SECRET = "healthbook", "a secret of thirty-two characters"
STRONG = "urn:vneid:2"
CALLBACK = f"{ISSUER}/login/national/callback"


@dataclass
class NationalProvider:
    """npm oidc-provider. `sign_in_as` tells it who sits before the screen."""

    issuer: str

    async def sign_in_as(self, sub, *, acr=STRONG, deny=False, ts=None, **claims):
        told = {"sub": sub, "acr": acr, "deny": deny, "claims": claims} | ({"ts": ts} if ts else {})
        async with httpx.AsyncClient() as control:
            (await control.post(f"{self.issuer}/control", json=told)).raise_for_status()

    async def follow(self, address, session=None):
        """The citizen's browser at the provider, until it is sent back; the address it is sent back to."""
        async with httpx.AsyncClient(cookies=session) as browser:
            for _ in range(10):
                answer = await browser.get(address)
                assert answer.status_code in {302, 303}, answer.text
                address = str(answer.next_request.url)
                if address.startswith(ISSUER):
                    if session is not None:
                        session.update(browser.cookies)
                    return address
        raise AssertionError("never sent back")


async def away(http, query="next=/account"):
    """To the provider: the address that healthbook sends the browser to."""
    answer = await http.get(f"/login/national?{query}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def back(http, address):
    """The browser returns to healthbook, from another site."""
    parts = urlsplit(address)
    return await http.get(f"{parts.path}?{parts.query}", headers={"sec-fetch-site": "cross-site"})


async def sign_in(http, provider, query="next=/account", session=None):
    return await back(http, await provider.follow(await away(http, query), session))


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""What a phone and a citizen's browser do, step by step."""

import base64
import hashlib
import re
import secrets
from urllib.parse import parse_qsl, urlsplit

from auth.smart import aliases
from auth.tables import OAuthClient

ISSUER = "http://127.0.0.1:8000"
RECORD_SCOPES = {
    "record:labs:read": {"vi": "Kết quả xét nghiệm", "en": "Lab results"},
    "record:vitals:read": {"vi": "Dấu hiệu sinh tồn", "en": "Vital signs"},
}
OBSERVATION = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category"
ALIASES = aliases(
    {"record:labs:read": [f"{OBSERVATION}|laboratory"], "record:vitals:read": [f"{OBSERVATION}|vital-signs"]}
)
REDIRECT = "http://127.0.0.1:53117/callback"
SCOPE = "openid offline_access record:labs:read record:vitals:read"


def challenge_of(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def query_of(response):
    """The parameters of the address that a redirect leads to."""
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))


def hidden(response, name):
    return re.search(rf'name="{name}" value="([^"]*)"', response.text)[1]


async def suspend(sessions, client_id):
    async with sessions() as session:
        (await session.get(OAuthClient, client_id)).status = "suspended"
        await session.commit()


class Phone:
    """The phone app and the browser it opens, for one citizen."""

    def __init__(self, http, citizen_id, client_id="healthbook-phone", scope=SCOPE):
        self.http = http
        self.scope = scope
        self.citizen_id = citizen_id
        self.client_id = client_id
        self.verifier = secrets.token_urlsafe(48)

    def asks(self, **changes):
        """The parameters of an authorization request; a change to None leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": self.scope,
            "state": "s-123",
            "nonce": "n-456",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | changes).items() if value is not None}

    async def sign_in(self):
        page = await self.http.get("/login", params={"next": "/oauth/authorize"})
        form = {"form_token": hidden(page, "form_token"), "next": "/", "citizen": str(self.citizen_id)}
        return await self.http.post("/login", data=form)

    async def authorize(self, **changes):
        return await self.http.get("/oauth/authorize", params=self.asks(**changes))

    async def decide(self, decision="allow", ticked=tuple(RECORD_SCOPES), **changes):
        """Answer the consent page, and the page with the text of a consent; the response redirects to the client."""
        page = await self.authorize(**changes)
        form = {"form_token": hidden(page, "form_token"), "decision": decision, "scope": list(ticked)}
        answer = await self.http.post("/oauth/consent", params=self.asks(**changes), data=form)
        if answer.status_code == 200 and 'name="shown"' in answer.text:
            form["shown"] = hidden(answer, "shown")
            answer = await self.http.post("/oauth/consent", params=self.asks(**changes), data=form)
        return answer

    async def code(self, **changes):
        await self.sign_in()
        return query_of(await self.decide(**changes))["code"]

    def redemption(self, code, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        }
        return {name: value for name, value in (form | changes).items() if value is not None}

    async def redeem(self, code, **changes):
        return await self.http.post("/oauth/token", data=self.redemption(code, **changes))

    async def tokens(self, **changes):
        return (await self.redeem(await self.code(**changes))).json()

    async def refresh(self, refresh_token, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client_id} | changes
        return await self.http.post(
            "/oauth/token", data={name: value for name, value in form.items() if value is not None}
        )

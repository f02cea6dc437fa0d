"""A phone's key and the proofs it signs (RFC 9449)."""

import base64
import hashlib
import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.auth.flows import ISSUER

TOKEN_URL = f"{ISSUER}/oauth/token"


def ath_of(token):
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


class Key:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.jwk = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(self.private.public_key()))
        members = {name: self.jwk[name] for name in ("crv", "kty", "x", "y")}
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        self.jkt = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    def proof(self, url=TOKEN_URL, method="POST", *, token=None, header=None, **changes):
        """A fresh proof; a change to None leaves a claim or header member out."""
        claims = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(time.time())}
        claims |= {"ath": ath_of(token)} if token else {}
        headers = {"typ": "dpop+jwt", "jwk": self.jwk} | (header or {})
        return jwt.encode(
            {name: value for name, value in (claims | changes).items() if value is not None},
            self.private,
            "ES256",
            headers={name: value for name, value in headers.items() if value is not None},
        )

    def headers(self, *args, **kwargs):
        return {"DPoP": self.proof(*args, **kwargs)}

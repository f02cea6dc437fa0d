"""The national provider over the network: discovery, the authorization address, codes, keys, claims.

Authlib speaks the protocol. Around it: only https (or loopback), one total time limit a call, answers of bounded size
and without compression, no redirects, no proxy from the environment. What a provider says of its addresses is read
again every hour; its keys too, or when a token names one that is not known, at most once a minute.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import import_key

from auth.settings import NationalSettings, is_safe_address

CALL_LIMIT_S = 8.0
ANSWER_LIMIT_BYTES = 256 * 1024
ALGORITHMS = ("ES256", "ES384", "RS256", "PS256")
_LIVES_S = 3600.0
_KEYS_AGAIN_S = 60.0
_ASSERTION_LIVES_S = 60


class ProviderDown(Exception):
    """It does not answer in time, or not as OpenID Connect says."""


class CodeRefused(Exception):
    """The provider answered that the code is not good (RFC 6749 5.2)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of OpenID Connect Discovery 1.0, 3; `names_itself` is RFC 9207 3."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    id_token: str
    access_token: str


class OpenIDProvider:
    """One for the life of the process. `redirect_uri` is where the provider sends the citizen back to."""

    def __init__(self, settings: NationalSettings, redirect_uri: str) -> None:
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    async def metadata(self) -> Metadata:
        if self._metadata is None or self._metadata[0] + _LIVES_S < time.monotonic():
            address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            document = await self._json(address)
            self._metadata = time.monotonic(), _metadata(document, self.settings.issuer)
        return self._metadata[1]

    async def keys(self, *, unknown_kid: bool = False) -> list[dict[str, Any]]:
        """The JWK set (RFC 7517 5); read again because of an unknown kid at most once a minute."""
        lives_s = _KEYS_AGAIN_S if unknown_kid else _LIVES_S
        if self._keys is None or self._keys[0] + lives_s < time.monotonic():
            document = await self._json((await self.metadata()).jwks_uri)
            keys = document.get("keys")
            if not isinstance(keys, list):
                raise ProviderDown("no keys")
            self._keys = time.monotonic(), [key for key in keys if isinstance(key, dict)]
        return self._keys[1]

    async def authorization_address(self, *, state: str, nonce: str, verifier: str, max_age: int, lang: str) -> str:
        """Where the citizen signs in: code flow, PKCE S256, the accepted acr values, and how fresh it must be."""
        metadata = await self.metadata()
        async with self._client(metadata) as client:
            address, _ = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                acr_values=" ".join(self.settings.acr),
                max_age=str(max_age),
                ui_locales=lang,
            )
        return str(address)

    async def redeem(self, code: str, verifier: str) -> Tokens:
        """The code for an id_token. CodeRefused, ProviderDown."""
        metadata = await self.metadata()
        try:
            async with asyncio.timeout(CALL_LIMIT_S), self._client(metadata) as client:
                token = await client.fetch_token(
                    metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError as error:
            raise (CodeRefused if error.error == "invalid_grant" else ProviderDown)("token endpoint") from None
        except (httpx2.HTTPError, TimeoutError, ValueError, TypeError, KeyError, AttributeError):
            raise ProviderDown("token endpoint") from None
        found = [token.get(name) for name in ("id_token", "access_token")]
        if not all(isinstance(text, str) and text for text in found):
            raise ProviderDown("no id_token")
        return Tokens(*found)

    async def userinfo(self, access_token: str) -> dict[str, Any]:
        """The claims that the provider keeps out of the id_token (OpenID Connect Core 5.3); empty without endpoint."""
        endpoint = (await self.metadata()).userinfo_endpoint
        return await self._json(endpoint, {"Authorization": f"Bearer {access_token}"}) if endpoint else {}

    async def _json(self, address: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            async with asyncio.timeout(CALL_LIMIT_S), httpx2.AsyncClient(**self._options) as client:
                response = await client.get(address, headers=headers)
                response.raise_for_status()
                document = response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError):
            raise ProviderDown("no answer") from None
        if not isinstance(document, dict):
            raise ProviderDown("no object")
        return document

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "transport": _Bounded(httpx2.AsyncHTTPTransport(verify=self._tls)),
            "headers": {"Accept-Encoding": "identity"},
            "timeout": CALL_LIMIT_S,
            "trust_env": False,
        }

    @cached_property
    def _tls(self) -> SSLContext:
        return httpx2.create_ssl_context(trust_env=False)

    def _client(self, metadata: Metadata) -> AsyncOAuth2Client:
        settings = self.settings
        told: dict[str, Any] = {
            "client_id": settings.client_id,
            "scope": settings.scope,
            "redirect_uri": self._redirect_uri,
            "code_challenge_method": "S256",
            **self._options,
        }
        if settings.client_key is None:
            basic = "client_secret_basic" in metadata.auth_methods
            method = "client_secret_basic" if basic else "client_secret_post"
            return AsyncOAuth2Client(client_secret=settings.client_secret, token_endpoint_auth_method=method, **told)
        key, method = import_key(dict(settings.client_key)), PrivateKeyJWT.name
        client = AsyncOAuth2Client(client_secret=key, token_endpoint_auth_method=method, **told)
        client.register_client_auth_method(_assertion(settings, metadata))
        return client


def _assertion(settings: NationalSettings, metadata: Metadata) -> PrivateKeyJWT:
    """RFC 7523 3, a minute long; ES256 or RS256 by the kind of key."""
    key = settings.client_key or {}
    return PrivateKeyJWT(
        metadata.token_endpoint,
        claims={"exp": int(time.time()) + _ASSERTION_LIVES_S},
        headers={"kid": key["kid"]} if "kid" in key else {},
        alg="ES256" if key.get("kty") == "EC" else "RS256",
    )


def _metadata(document: dict[str, Any], issuer: str) -> Metadata:
    if document.get("issuer") != issuer:
        raise ProviderDown("another issuer")
    algorithms = document.get("id_token_signing_alg_values_supported")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        authorization_endpoint=_address(document, "authorization_endpoint", issuer),
        token_endpoint=_address(document, "token_endpoint", issuer),
        jwks_uri=_address(document, "jwks_uri", issuer),
        userinfo_endpoint=_address(document, "userinfo_endpoint", issuer) if "userinfo_endpoint" in document else None,
        algorithms=tuple(a for a in ALGORITHMS if a in algorithms) if isinstance(algorithms, list) else ("RS256",),
        auth_methods=tuple(methods) if isinstance(methods, list) else ("client_secret_basic",),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(document: dict[str, Any], name: str, issuer: str) -> str:
    """An absolute address that a secret may be sent to; a public provider never leads to this machine."""
    address = document.get(name)
    try:
        is_safe = isinstance(address, str) and is_safe_address(address) and bool(urlsplit(address).hostname)
    except ValueError:
        is_safe = False
    if not is_safe or (issuer.startswith("https://") and not str(address).startswith("https://")):
        raise ProviderDown(f"unusable {name}")
    return str(address)


class _Bounded(httpx2.AsyncBaseTransport):
    """Answers of at most ANSWER_LIMIT_BYTES, not compressed: a small answer cannot become a large one."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.DecodingError("compressed", request=request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Limited(response.stream, request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream, self._request = stream, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > ANSWER_LIMIT_BYTES:
                raise httpx2.ReadError("too long", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()

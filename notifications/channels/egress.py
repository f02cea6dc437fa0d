"""Requests to addresses that others gave us: to the public internet only, once, briefly, and no further than asked.

The name is resolved once; every address it has must be public, and the one that was looked at is the one that is
connected to, so nothing changes in between (DNS rebinding). No redirects, no proxy of the environment, no cookies.
"""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx2

from notifications.channels.retry_after import retry_after

LONGEST_URL, MOST_BYTES = 2048, 64 * 1024
LIMIT = timedelta(seconds=10)
_TRANSLATED = (
    ip_network("64:ff9b::/96"),
    ip_network("64:ff9b:1::/48"),
    ip_network("2002::/16"),
    ip_network("2001::/32"),
)


class Refused(Exception):
    """An address that nothing may be sent to. The message says which rule, never the address."""


class Unreachable(Exception):
    """No answer, or none that could be read in time and size."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Egress:
    """`reach`: `public`, `loopback` (also this machine, for tests), or `any` (a gateway the operator named himself)."""

    reach: str = "public"
    limit: timedelta = LIMIT

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Refused and Unreachable; any status is an answer."""
        host, port = self.checked(url)
        try:
            async with asyncio.timeout(self.limit.total_seconds()):
                return await self._ask(url, host, await self._address(host, port), body, headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, ValueError) as failure:
            raise Unreachable(type(failure).__name__) from None

    def checked(self, url: str) -> tuple[str, int]:
        """Host and port of an address of the right form; Refused otherwise."""
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
            raise Refused("not an address")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise Refused("not an address") from None
        if parts.scheme != "https" and not (parts.scheme == "http" and self.reach != "public"):
            raise Refused("https only")
        if not host or parts.username is not None or parts.password is not None or parts.fragment:
            raise Refused("host, port, path and query only")
        return host, port

    async def _address(self, host: str, port: int) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if not addresses or not all(self.allows(one) for one in addresses):
            raise Refused("not a public address")
        return str(addresses[0])

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether this may be connected to; an IPv6 form of an IPv4 address is judged as that."""
        if self.reach == "any":
            return True
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        plain = mapped or address
        if self.reach == "loopback" and plain.is_loopback:
            return True
        hidden = isinstance(plain, IPv6Address) and any(plain in network for network in _TRANSLATED)
        return plain.is_global and not plain.is_multicast and not hidden

    async def _ask(self, url: str, host: str, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        pinned = parts._replace(netloc=_netloc(address, parts.port)).geturl()
        told = {**headers, "Host": _netloc(host, parts.port), "Accept-Encoding": "identity"}
        async with (
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=self.limit.total_seconds()) as client,
            client.stream("POST", pinned, content=body, headers=told, extensions={"sni_hostname": host}) as answer,
        ):
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > MOST_BYTES:
                    raise ValueError("too long an answer")
            return Answer(answer.status_code, retry_after(answer.headers.get("retry-after"), datetime.now(UTC)))


def _netloc(host: str, port: int | None) -> str:
    plain = f"[{host}]" if ":" in host else host
    return plain if port is None else f"{plain}:{port}"

"""Where a request comes from, as far as counting and warning need it."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

_SHARED_BITS = {4: 24, 6: 56}


def address_of(request: Request) -> str:
    """The peer's address as text, behind a trusted proxy the one it names; empty where there is none."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def network_of(address: str) -> str:
    """The network that one household or office usually has: /24 of IPv4, /56 of IPv6."""
    if not address:
        return ""
    version = ip_address(address).version
    return str(ip_network(f"{address}/{_SHARED_BITS[version]}", strict=False))


def counted(address: str) -> str:
    """Who is counted for tries: one IPv4 address, or an IPv6 network, whose holder has all its addresses."""
    return network_of(address) if ":" in address else address

"""Which machines anybody may be sent to: those of the public internet, and no others. Pure.

A link that an editor pasted may name our own network (169.254.169.254 gives away the keys of a
cloud machine). What counts is the address that is connected to, not the name that led there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the IPv4 address stands in the last 32 bits."""
_LOCAL_ENDINGS = (
    *(".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".private"),
    ".home.arpa",
)
"""Names of a network of one's own (RFC 6761, 6762 appendix G, 8375; ICANN on .internal)."""


def is_public(address: str, *, loopback: bool = False) -> bool:
    """Whether this IP address belongs to the public internet; never for what is no address.

    IPv6 forms that carry an IPv4 address (mapped, 6to4, Teredo, NAT64) are judged by that one.
    `loopback` lets this machine itself through: for tests.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if loopback and found.is_loopback:
        return True
    carried = _carried(found)
    return all(map(_is_global, carried)) if carried else _is_global(found)


def is_local_name(host: str) -> bool:
    """Whether a host's name or literal address can lead no reader anywhere: `localhost`, `nas`."""
    bare = host.strip("[]").rstrip(".").lower()
    try:
        return not is_public(str(ip_address(bare)))
    except ValueError:
        pass
    return "." not in bare or f".{bare}".endswith(_LOCAL_ENDINGS)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    # is_global of Python 3.11 lets multicast through.
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    inside = [address.ipv4_mapped, address.sixtofour]
    if address.teredo:
        inside += address.teredo
    if address in _NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [one for one in inside if one is not None]

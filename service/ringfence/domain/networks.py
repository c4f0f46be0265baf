"""For whom attempts from an address count."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

OWN_BITS: Final = 64
"""Of an IPv6 address: the rest of it each machine chooses itself, as often as it likes."""


def counted_as(address: str) -> str:
    """An IPv4 address as it is. Of IPv6 the network, as `2001:db8:1:2::/64`: whoever has one address there has 2^64,
    and could take a new one for each try. Another text stays as it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), OWN_BITS), strict=False))

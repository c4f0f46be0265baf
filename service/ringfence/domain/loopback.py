"""Which hosts are this machine itself: what stays on it needs no TLS, and bears witness to nothing."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True for an address or name that never leaves this machine. An IPv6 address may be in brackets, as in a URL."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

"""What programs of this machine may read without a sign-in, and everybody else only with one: metrics, which have the
names of platforms and trunks in them, and the schema. What a supervisor asks (`/healthz`, `/readyz`) is not among it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from ringfence.domain.access import Caller, Permission

METRICS: Final = "/metrics"
NEAR: Final[Mapping[str, Permission | None]] = MappingProxyType({METRICS: Permission.SEE, "/openapi.json": None})
"""Path -> what somebody who has signed in needs besides."""
FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")


class Near:
    """`metrics_from`: addresses or networks whose programs may read the metrics, too."""

    def __init__(self, metrics_from: Collection[str] = ()) -> None:
        self._metrics_from: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(given) for given in metrics_from)

    def refuses(self, scope: Scope, headers: Headers, asking: Caller | None) -> bool:
        """Whether the path is one of those, and neither who asks nor from where will do."""
        path: str = scope["path"]
        if path not in NEAR:
            return False
        needed = NEAR[path]
        if asking is not None and (needed is None or asking.may(needed)):
            return False
        address = _address(scope)
        if address is None:
            return True
        # A proxy on this machine passes on what strangers ask: what it passes on is not the machine's own.
        if address.is_loopback and not any(header in headers for header in FORWARDED):
            return False
        return path != METRICS or not any(address in network for network in self._metrics_from)


def _address(scope: Scope) -> IPv4Address | IPv6Address | None:
    """Where the request comes from; None: from none, as at the local socket."""
    client = scope.get("client")
    try:
        found = ip_address(client[0]) if client else None
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found

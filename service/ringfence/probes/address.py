"""Where a target is: its name's address, and how either is written in a URI."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from typing import Final

RESOLVE_AGAIN_SECONDS: Final = 30.0

# Our own fault or nobody's: it says nothing of the target.
_CANNOT_TELL: Final = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EPERM, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOBUFS}
    | {errno.EADDRNOTAVAIL, errno.ENOMEM}
)


class Address:
    """A name's address. The last good one is kept for ever: a name service that is out is not the target's outage."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._good: str | None = host if is_numeric(host) else None
        self._numeric = self._good is not None
        self._looking: asyncio.Future[str | None] | None = None
        self._looked_at = float("-inf")

    async def get(self, timeout_seconds: float) -> str | None:
        if self._numeric:
            return self._good
        now = asyncio.get_running_loop().time()
        due = self._good is None or now - self._looked_at >= RESOLVE_AGAIN_SECONDS
        if due and (self._looking is None or self._looking.done()):
            self._looked_at = now
            # Never more than one at a time: a name service that hangs must not eat every thread.
            self._looking = asyncio.ensure_future(self._look_up())
        if self._good is None and self._looking is not None:
            await asyncio.wait([self._looking], timeout=timeout_seconds)
        return self._good

    async def _look_up(self) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        except (OSError, OverflowError, ValueError):
            return None
        addresses = [str(entry[4][0]) for entry in found]
        # The address in use stays while it is still one of them: no change of target between two probes for nothing.
        if addresses and self._good not in addresses:
            self._good = addresses[0]
        return self._good


def fault_words(error: OSError) -> tuple[bool | None, str]:
    """What an error of the network says of the target: a miss, or nothing."""
    if isinstance(error, ConnectionRefusedError):
        return False, "refused"
    if error.errno in _CANNOT_TELL:
        return None, f"cannot send: {error.strerror or type(error).__name__}"
    return False, (error.strerror or type(error).__name__).lower()


def is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def in_uri(host: str) -> str:
    """RFC 3261 section 25.1: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host

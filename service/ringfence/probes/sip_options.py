"""Asks a SIP target whether it is there: one OPTIONS over UDP, from a socket of its own.

Any final answer is a sign of life, a refusal too: only who is there can refuse. Not so 503 (it says itself that it is
not serving) and 408 (a proxy says that what lies behind it did not answer). The socket is connected, so that the
kernel hands us the ICMP message of a closed port within a millisecond.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from typing import Final, cast

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.sip_message import BRANCH_COOKIE, OptionsAnswer, OptionsRequest, read_answer

RETRANSMIT_SECONDS: Final = 0.5  # T1 of RFC 3261 section 17.1.2.2, not doubled: a probe is over in a moment
NOT_SERVING: Final = frozenset({503, 408})
RESOLVE_AGAIN_SECONDS: Final = 30.0

# Our own fault or nobody's: it says nothing of the target.
_CANNOT_TELL: Final = frozenset(
    {errno.ENETUNREACH, errno.ENETDOWN, errno.EPERM, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOBUFS}
    | {errno.EADDRNOTAVAIL, errno.ENOMEM}
)


@dataclass(frozen=True, slots=True)
class SipOptionsConfig:
    """`host`: an address or a name (A or AAAA; no SRV). `port` 1 to 65535. `from_user`: some platforms want a known
    one. `local_host`: the address to send from, None: the kernel's choice."""

    target: TargetId
    host: str
    port: int = 5060
    from_user: str = "ringfence"
    local_host: str | None = None


class SipOptionsProbe:
    """The port `Probe`. Never raises for what the network does, nor for an address that cannot be used."""

    kind = EvidenceKind.SIP_OPTIONS

    def __init__(self, config: SipOptionsConfig) -> None:
        self.target = config.target
        self._config = config
        self._address = _Address(config.host, config.port)

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        address = await self._address.get(timeout_seconds)
        if address is None:
            return None, f"the name {self._config.host} does not resolve"
        try:
            return await self._ask(address, timeout_seconds)
        except OSError as error:
            return _fault(error)
        except (OverflowError, ValueError) as error:
            return None, f"cannot send: {error}"

    async def _ask(self, address: str, timeout_seconds: float) -> tuple[bool | None, str]:
        loop = asyncio.get_running_loop()
        config, began = self._config, loop.time()
        deadline = began + timeout_seconds
        local = (config.local_host, 0) if config.local_host else None
        transport, protocol = await loop.create_datagram_endpoint(
            _Conversation, remote_addr=(address, config.port), local_addr=local
        )
        try:
            request = _request(address, config, cast(tuple[str, int], transport.get_extra_info("sockname")))
            protocol.begin(request)
            while (left := deadline - loop.time()) > 0 and not protocol.over.done():
                transport.sendto(protocol.datagram)
                await asyncio.wait([protocol.over], timeout=min(left, RETRANSMIT_SECONDS))
        finally:
            transport.close()
        if not protocol.over.done():
            return False, "only a provisional answer" if protocol.provisional else "no answer"
        answer = protocol.over.result()
        if isinstance(answer, OSError):
            return _fault(answer)
        milliseconds = (loop.time() - began) * 1000
        return answer.status not in NOT_SERVING, f"answered {answer.status} in {milliseconds:.0f} ms"


class _Conversation(asyncio.DatagramProtocol):
    """One question on one socket. `over` gets the final answer, or the error that the kernel reported."""

    def __init__(self) -> None:
        self.over: asyncio.Future[OptionsAnswer | OSError] = asyncio.get_running_loop().create_future()
        self.provisional = False
        self.datagram = b""
        self._request: OptionsRequest | None = None

    def begin(self, request: OptionsRequest) -> None:
        self._request = request
        self.datagram = request.encode()

    def datagram_received(self, data: bytes, addr: object) -> None:
        answer = read_answer(data)
        if answer is None or self._request is None or not answer.answers(self._request):
            return
        if not answer.final:
            self.provisional = True
        elif not self.over.done():
            self.over.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and not self.over.done():
            self.over.set_result(exc)


class _Address:
    """A name's address. The last good one is kept for ever: a name service that is out is not the target's outage."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._good: str | None = host if _is_numeric(host) else None
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


def _request(address: str, config: SipOptionsConfig, local: tuple[str, int]) -> OptionsRequest:
    token = secrets.token_hex(8)
    host = config.host if not _is_numeric(config.host) else address
    return OptionsRequest(
        host=_in_uri(host),
        port=config.port,
        local_host=_in_uri(local[0]),
        local_port=local[1],
        branch=f"{BRANCH_COOKIE}{token}",
        call_id=f"{secrets.token_hex(8)}@ringfence",
        tag=secrets.token_hex(4),
        from_user=config.from_user,
    )


def _fault(error: OSError) -> tuple[bool | None, str]:
    if isinstance(error, ConnectionRefusedError):
        return False, "refused"
    if error.errno in _CANNOT_TELL:
        return None, f"cannot send: {error.strerror or type(error).__name__}"
    return False, (error.strerror or type(error).__name__).lower()


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _in_uri(host: str) -> str:
    """RFC 3261 section 25.1: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host

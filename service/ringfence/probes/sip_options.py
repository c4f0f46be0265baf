"""Asks a SIP target whether it is there: one OPTIONS over UDP, TCP or TLS.

Any final answer is a sign of life, a refusal too: only who is there can refuse. Not so 503 (it says itself that it is
not serving) and 408 (a proxy says that what lies behind it did not answer). A connection that is taken and brings no
answer is a miss like any other silence. A datagram's answer may be late: it is a pass all the same, of the question
that is out when it comes, for a platform that is slow must not be taken for one that is dead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.sip_transport import Lines, NoAnswer, Peer, Transport

NOT_SERVING: Final = frozenset({503, 408})


@dataclass(frozen=True, slots=True)
class SipOptionsConfig:
    """`from_user`: some platforms want a known one."""

    target: TargetId
    peer: Peer
    from_user: str = "ringfence"


class SipOptionsProbe:
    """The port `Probe`. Never raises for what the network does, nor for an address that cannot be used."""

    kind = EvidenceKind.SIP_OPTIONS

    def __init__(self, config: SipOptionsConfig) -> None:
        self.target = config.target
        self._config = config
        self._lines = Lines(config.peer)

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self._lines.open(timeout_seconds) as (line, question):
                answer = await line.ask(replace(question(), from_user=self._config.from_user))
        except NoAnswer as error:
            late = self._lines.late.heard(loop.time()) if error.passed is False else None
            if late is not None and late.status not in NOT_SERVING:
                return True, f"answered {late.status}, too late for the question"
            return error.passed, error.words
        transport = self._config.peer.transport
        over = "" if transport is Transport.UDP else f" over {transport.upper()}"
        milliseconds = (loop.time() - began) * 1000
        return answer.status not in NOT_SERVING, f"answered {answer.status}{over} in {milliseconds:.0f} ms"

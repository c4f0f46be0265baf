"""Whether a port takes a TCP connection. It shows that a machine runs and listens, and nothing of what listens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.address import Address
from ringfence.probes.stream import Connector, NoStream


@dataclass(frozen=True, slots=True)
class TcpConfig:
    """`host`: an address or a name. `port` 1 to 65535."""

    target: TargetId
    host: str
    port: int


class TcpProbe:
    """The port `Probe`."""

    kind = EvidenceKind.TCP

    def __init__(self, config: TcpConfig) -> None:
        self.target = config.target
        self._config = config
        self._address = Address(config.host, config.port)
        self._connector = Connector(config.port)

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        address = await self._address.get(timeout_seconds)
        if address is None:
            return None, f"the name {self._config.host} does not resolve"
        try:
            async with self._connector.open(address, began + timeout_seconds):
                pass
        except NoStream as error:
            return error.passed, f"port {self._config.port}: {error.words}"
        return True, f"port {self._config.port} takes connections, in {(loop.time() - began) * 1000:.0f} ms"

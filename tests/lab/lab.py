"""The whole lab in one hand: Asterisk, carrier, primary platform and two mobile networks.

    async with Lab(await provision()) as lab:
        ...write into lab.asterisk.etc, which needs lab's ports...
        await lab.asterisk.start()
        await lab.platform.freeze()

Every port is known before anything is started, so that configuration can name them. The far ends
run from the beginning; Asterisk waits for its files.
"""

from __future__ import annotations

from types import TracebackType

from tests.lab.asterisk import AsteriskInstance
from tests.lab.caller import CallerAgent
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.lab.records import Account, settle
from tests.lab.sipp import CarrierLoad


class Lab:
    """Nothing of it outlives the `async with`, whatever happened within."""

    def __init__(self, installation: Installation, *, name: str = "lab") -> None:
        self.ports = Ports()
        self.asterisk = AsteriskInstance(installation.asterisk, self.ports, name=f"{name}-asterisk")
        self.platform = Platform(self.ports)
        self.mobile_network = MobileNetwork(self.ports)
        self.other_mobile_network = MobileNetwork(self.ports, name="other-mobile-network")
        """Behind the alternative egress trunk."""
        self.carrier = CarrierLoad(installation.sipp, self.ports)
        self.door = self.asterisk.ports.sip
        """Where the carrier calls."""
        self.caller = CallerAgent(self.ports, self.asterisk.ports.sip)
        """For single calls, from a port of its own: a second carrier trunk as Asterisk sees it."""

    async def __aenter__(self) -> Lab:
        try:
            for far_end in (self.platform, self.mobile_network, self.other_mobile_network):
                await far_end.start()
            await self.caller.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def bring_calls(
        self,
        dids: list[str],
        *,
        call_count: int,
        calls_per_second: float,
        hold_seconds: float = 1.0,
        patience_seconds: float = 60.0,
    ) -> None:
        """The carrier's load on this Asterisk; see `CarrierLoad.start`."""
        await self.carrier.start(
            self.door,
            dids,
            call_count=call_count,
            calls_per_second=calls_per_second,
            hold_seconds=hold_seconds,
            patience_seconds=patience_seconds,
        )

    def accounts(self, since: float = 0.0) -> list[Account]:
        """Every call the carrier has brought so far, or since a moment (monotonic), with who answered it."""
        mobiles = [*self.mobile_network.calls(), *self.other_mobile_network.calls()]
        return settle(
            [record for record in self.carrier.records() if record.invited_at >= since],
            [leg for leg in self.platform.calls() if leg.at >= since],
            [leg for leg in mobiles if leg.at >= since],
        )

    async def close(self) -> None:
        await self.carrier.close()
        await self.caller.close()
        await self.asterisk.close()
        for far_end in (self.platform, self.mobile_network, self.other_mobile_network):
            await far_end.close()
        self.ports.close()

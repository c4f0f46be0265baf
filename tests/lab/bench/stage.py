"""Everything brought up together: the shared far ends, and each contestant with a carrier and a caller of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.lab.bench.configurations import Peers
from tests.lab.bench.contestants import (
    OURS,
    TITLES,
    AsteriskAlone,
    Contestant,
    KamailioAlone,
    Missing,
    Ringfence,
)
from tests.lab.bench.kamailio import ensure_kamailio, version
from tests.lab.caller import CallerAgent
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.people import Organisation
from tests.lab.sipp import CarrierLoad
from tests.lab.waiting import LabError

ORGANISATION = Organisation()
FIRST_CALLER = 441_632_000_000
CALLERS_EACH = 100_000
CALLED_DIDS = 25
"""So few that each has been delivered before the fault: only such a one speaks against the platform later."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One contestant, and who calls it. Callers' numbers tell the lanes apart at the far ends."""

    contestant: Contestant
    carrier: CarrierLoad
    caller: CallerAgent

    @property
    def name(self) -> str:
        return self.contestant.name


@dataclass
class Stage:
    """What a measurement has in its hands."""

    lab: Lab
    lanes: list[Lane]
    missing: list[Missing]
    versions: dict[str, str]

    @property
    def dids(self) -> list[str]:
        """The DIDs called in turn."""
        return ORGANISATION.owned_dids()[:CALLED_DIDS]

    async def restore(self) -> None:
        """Healthy far ends, and contestants that remember no fault."""
        for far_end in (self.lab.platform, self.lab.mobile_network):
            if not far_end.process.running:
                await far_end.start()
                continue
            await far_end.thaw()
            await far_end.healthy()
        await asyncio.gather(*(lane.contestant.restore() for lane in self.lanes))


@asynccontextmanager
async def opened(
    installation: Installation, wanted: Sequence[str] = tuple(TITLES), doing: Callable[[str], None] = lambda what: None
) -> AsyncIterator[Stage]:
    """All that can be had, up and healthy; what cannot is in `Stage.missing`."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(installation, name="bench"))
        peers = Peers(lab.carrier.host, lab.platform.address, lab.mobile_network.address)
        stage = Stage(lab, [], [], {})
        for number, name in enumerate(wanted):
            doing(TITLES[name])
            try:
                contestant = _contestant(name, installation, lab, peers, stage)
                stack.push_async_callback(contestant.close)
                await contestant.start()
            except LabError as error:
                if name == OURS:
                    raise
                stage.missing.append(Missing(name, str(error)))
                continue
            first_caller = FIRST_CALLER + number * CALLERS_EACH
            carrier = CarrierLoad(installation.sipp, lab.ports, name=f"carrier-{name}", first_caller=first_caller)
            stack.push_async_callback(carrier.close)
            caller = CallerAgent(lab.ports, contestant.port)
            stack.push_async_callback(caller.close)
            await caller.start()
            stage.lanes.append(Lane(contestant, carrier, caller))
            if name == OURS:
                stage.versions["asterisk"] = await lab.asterisk.version()
        yield stage


def _contestant(name: str, installation: Installation, lab: Lab, peers: Peers, stage: Stage) -> Contestant:
    if name == OURS:
        return Ringfence(lab, peers, ORGANISATION)
    if name == "kamailio":
        home = ensure_kamailio()
        stage.versions[name] = version(home)
        return KamailioAlone(home, lab, peers)
    return AsteriskAlone(name, installation.asterisk, lab, peers, ORGANISATION)

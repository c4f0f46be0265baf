"""Lab, node and directory brought up together, and brought back to health between two faults."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.far_end import FarEnd
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.mode_watch import ModeWatch
from tests.lab.node import RingfenceNode
from tests.lab.people import Organisation
from tests.lab.records import Account, settle
from tests.lab.small_disk import SmallDisk
from tests.lab.waiting import WaitTimeoutError, wait_until

# Beside the node's own configuration of the lab, for all rows alike: what a caller who was already ringing at a
# platform that dies without a daemon has to wait for.
PLATFORM = {"ring_seconds": "20"}
NO_PROGRESS_SECONDS = 8.0
EGRESS_NO_PROGRESS_SECONDS = 1.5
SMALL = Organisation()
CALLED_DIDS = 60
"""So few that each has been delivered before the fault: 20 calls/s for 3 s."""
SOON_SECONDS, HEALED_SECONDS = 5.0, 15.0

LOGGER = "[general]\ndateformat=%F %T.%3q\n[logfiles]\nmessages=notice,warning,error\n"
"""As Asterisk is shipped. The lab's own log of every dialplan line would be most of what a line costs."""

BARE_DIAL = """
[lab-bare]
exten => _[+0-9]!,1,Dial(PJSIP/ringfence-uc/sip:${{EXTEN}}@{platform},20)
"""
BARE_TRUNK = """
[global]
type=global
endpoint_identifier_order=header,ip,username
taskprocessor_overload_trigger=pjsip_only
[bare]
type=endpoint
context=lab-bare
disallow=all
allow=alaw,ulaw
direct_media=no
[bare_identify]
type=identify
endpoint=bare
match_header=X-Lab-Trunk: bare
"""


@dataclass
class Stage:
    """What a fault has in its hands."""

    lab: Lab
    node: RingfenceNode
    watch: ModeWatch
    egress_watch: ModeWatch
    organisation: Organisation
    disk: SmallDisk | None = None

    @property
    def dids(self) -> list[str]:
        """The owned DIDs the carrier calls in turn."""
        return self.organisation.owned_dids()[:CALLED_DIDS]

    def accounts(self, since: float) -> list[Account]:
        """The calls offered since then, with who answered."""
        lab = self.lab
        mobiles = [*lab.mobile_network.calls(), *lab.other_mobile_network.calls()]
        return settle(
            [record for record in lab.carrier.records() if record.invited_at >= since],
            [leg for leg in lab.platform.calls() if leg.at >= since],
            [leg for leg in mobiles if leg.at >= since],
        )

    async def order(self, mode: str) -> None:
        await self.node.must("PUT", "/v1/override", {"mode": mode, "scope": "uc", "reason": "a fault's stage"})

    async def release(self) -> None:
        await self.node.must("DELETE", "/v1/override?scope=uc&reason=healthy")

    async def heal(self) -> None:
        """Everything runs, the mode is NORMAL without any override, Asterisk holds the table."""
        lab = self.lab
        for far_end in (lab.platform, lab.mobile_network, lab.other_mobile_network):
            await _heal(far_end)
        if not self.node.process.running:
            await self.node.start(ready=False)
        self.node.process.thaw()
        await self.node.wait_ready()
        await self.release()
        await self._back_to_normal()
        try:
            await self._wait_well(SOON_SECONDS)
        except WaitTimeoutError:
            # A trunk that refused calls stays suspect until one has gone well: that, too, a restart forgets.
            await self.restart_daemon()
            await self._wait_well(HEALED_SECONDS)

    async def restart_daemon(self) -> None:
        await self.node.process.stop()
        await self.node.start()

    async def _back_to_normal(self) -> None:
        """The calls that were refused lately are forgotten by a restart; waiting for them to grow old would do too."""
        if await self.node.mode() == "FAILED_OVER":
            try:
                await self.node.wait_mode("HOLD_DOWN", "TRIAL", deadline_seconds=2)
            except WaitTimeoutError:
                await self.restart_daemon()
                await self.node.wait_mode("HOLD_DOWN", "TRIAL", deadline_seconds=HEALED_SECONDS)
        while await self.node.mode() != "NORMAL":
            await self.node.ask("POST", "/v1/failback", {"scope": "uc", "reason": "the next fault"})

    async def _wait_well(self, deadline_seconds: float) -> None:
        await wait_until(
            self._all_well,
            what="every verdict to be up and the table to be equal",
            deadline_seconds=deadline_seconds,
            diagnose=self.node.process.log_tail,
        )

    async def _all_well(self) -> bool:
        status = await self.node.must("GET", "/v1/status")
        up = all(target["verdict"]["state"] == "up" for target in status["targets"])
        equal = status["table"]["state"] == "equal"
        return up and equal and status["store"]["up"] and await self.published() == "normal"

    async def published(self) -> str:
        """The decision Asterisk holds for the scope's calls."""
        fields = (await self.node.published_mode()).split("|")
        return fields[1] if len(fields) > 1 else ""


@asynccontextmanager
async def opened(
    installation: Installation,
    organisation: Organisation = SMALL,
    *,
    small_disk: bool = False,
    filled: bool = True,
    platform: Mapping[str, str] = PLATFORM,
    more: str = "",
    prepare: Callable[[RingfenceNode], None] = lambda node: None,
) -> AsyncIterator[Stage]:
    """A stage that is up, with the organisation published when `filled`. `more`: as `RingfenceNode`'s; `prepare` makes
    what that needs."""
    async with Lab(installation, name="faults") as lab:
        node = RingfenceNode(lab, platform, more)
        prepare(node)
        configure(node, lab)
        disk = SmallDisk(node.state_dir) if small_disk else None
        if disk is not None:
            disk.mount()
        try:
            await lab.asterisk.start()
            await node.start(ready=False)
            async with ModeWatch(lab.asterisk) as watch, ModeWatch(lab.asterisk, "a", "ringfence/egress") as egress:
                stage = Stage(lab, node, watch, egress, organisation, disk)
                await wait_until(node.socket.exists, what="the daemon's door", deadline_seconds=10)
                if filled:
                    await node.import_directory(organisation)
                    await stage.heal()
                yield stage
        finally:
            if node.process.running:
                await node.process.stop()
            if disk is not None:
                disk.unmount()
            await node.close()


def configure(node: RingfenceNode, lab: Lab) -> None:
    """The node's own configuration, and a bare `Dial` to the same platform to compare with."""
    (lab.asterisk.etc / "logger.conf").write_text(LOGGER)
    node.configure()
    _append(lab.asterisk.etc / "extensions.conf", BARE_DIAL.format(platform=lab.platform.address))
    _append(lab.asterisk.etc / "pjsip.conf", BARE_TRUNK)


async def _heal(far_end: FarEnd) -> None:
    if not far_end.process.running:
        await far_end.start()
        return
    await far_end.thaw()
    await far_end.open_port()
    await far_end.healthy()


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def now() -> float:
    """Seconds since 1970, the clock of every record in the lab."""
    return time.time()

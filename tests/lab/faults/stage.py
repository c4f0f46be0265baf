"""Lab, node and directory brought up together, and brought back to health between two faults."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.far_end import FarEnd
from tests.lab.faults.result import Bound
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.mode_watch import ModeWatch
from tests.lab.node import READY_SECONDS, RingfenceNode
from tests.lab.people import Organisation
from tests.lab.records import Account, AnsweredBy
from tests.lab.small_disk import SmallDisk
from tests.lab.step_clock import StepClock
from tests.lab.waiting import LabError, WaitTimeoutError, wait_until

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
class Gap:
    """A time without an Asterisk that takes calls (seconds since 1970), and what became of the callers it concerns."""

    began_at: float
    ended_at: float

    def had(self, account: Account) -> bool:
        """Whether Asterisk had this caller when the gap began."""
        offered = account.offered
        over_at = offered.ended_at
        return offered.invited_at < self.began_at and (over_at is None or over_at >= self.began_at)

    def kept_out(self, account: Account) -> bool:
        """Whether the caller came while nobody was there; a repeated INVITE may have found it again."""
        return self.began_at <= account.offered.invited_at < self.ended_at

    def takes(self, account: Account) -> bool:
        return self.had(account) or self.kept_out(account)

    def words(self, accounts: list[Account]) -> str:
        had = [account for account in accounts if self.had(account)]
        out = [account for account in accounts if self.kept_out(account)]
        return (
            f"not in the row: {len(had)} callers whom Asterisk had at that moment, {_unanswered(had)} of them not put "
            f"through, and {len(out)} who came in the {self.ended_at - self.began_at:.1f} s without it, "
            f"{_unanswered(out)} of them in vain"
        )


def _unanswered(accounts: list[Account]) -> int:
    return sum(1 for account in accounts if account.answered_by is AnsweredBy.NOBODY)


@dataclass
class Stage:
    """What a fault has in its hands."""

    lab: Lab
    node: RingfenceNode
    watch: ModeWatch
    egress_watch: ModeWatch
    organisation: Organisation
    disk: SmallDisk | None = None
    clock: StepClock | None = None
    """The clock that Asterisk and the daemon go by, where it is not the machine's."""
    began_at: float = 0.0
    struck_at: float | None = None
    """When the platform was hurt, for a fault in which something else comes first."""
    gaps: list[Gap] = field(default_factory=list)
    rows_before: dict[str, str] = field(default_factory=dict)
    """Of AstDB, for a fault that must change none."""
    bounds: list[Bound] = field(default_factory=list)
    """What else had to hold."""
    notes: list[str] = field(default_factory=list)
    """What a row has to tell beside its numbers."""

    def begin(self) -> None:
        """A new fault: what the last one noted is forgotten."""
        self.began_at, self.struck_at = now(), None
        self.gaps, self.bounds, self.notes = [], [], []

    async def strike(self) -> None:
        """The platform dies, and the fault's time begins."""
        self.struck_at = now()
        await self.lab.platform.kill()

    def must(self, what: str, measured: float | None, limit: float, unit: str = "") -> None:
        """One more bound of this row."""
        self.bounds.append(Bound(what, measured, limit, unit))

    def words(self) -> list[str]:
        """The notes, and who was not routed."""
        accounts = self.accounts(self.began_at)
        return [*self.notes, *(gap.words(accounts) for gap in self.gaps)]

    @property
    def dids(self) -> list[str]:
        """The owned DIDs the carrier calls in turn."""
        return self.organisation.owned_dids()[:CALLED_DIDS]

    def accounts(self, since: float) -> list[Account]:
        """The calls offered since then, with who answered."""
        return self.lab.accounts(since)

    async def order(self, mode: str) -> None:
        await self.node.must("PUT", "/v1/override", {"mode": mode, "scope": "uc", "reason": "a fault's stage"})

    async def release(self) -> None:
        await self.node.must("DELETE", "/v1/override?scope=uc&reason=healthy")

    async def wait_stored(self, deadline_seconds: float) -> None:
        """Until the database holds everything that was decided."""

        async def stored() -> bool:
            status = await self.node.must("GET", "/v1/status")
            return bool(status["store"]["up"]) and status["unstored_changes"] == 0

        await wait_until(stored, what="everything to be stored", deadline_seconds=deadline_seconds)

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
    clock: StepClock | None = None,
    made_as: type[RingfenceNode] = RingfenceNode,
) -> AsyncIterator[Stage]:
    """A stage that is up, with the organisation published when `filled`. `more`: as `RingfenceNode`'s; `prepare` makes
    what that needs. `clock`: what Asterisk and the daemon shall take for the time. `made_as`: another node."""
    async with Lab(installation, name="faults") as lab:
        node = made_as(lab, platform, more)
        prepare(node)
        if clock is not None:
            clock.give(lab.asterisk)
            node.environment = clock.environment
        configure(node, lab)
        disk = SmallDisk(node.state_dir) if small_disk else None
        if disk is not None:
            disk.mount()
        try:
            await lab.asterisk.start()
            await _must_route(lab)
            await node.start(ready=False)
            async with ModeWatch(lab.asterisk) as watch, ModeWatch(lab.asterisk, "a", "ringfence/egress") as egress:
                stage = Stage(lab, node, watch, egress, organisation, disk, clock)
                # The socket's file is there a moment before anybody listens on it.
                await node.process.wait_ready(node.alive, what="its door", deadline_seconds=READY_SECONDS)
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


async def _must_route(lab: Lab) -> None:
    """Asterisk starts without any dialplan where one included file is missing, and every call is refused: so it was
    when the checkout got a new file while a process that knew the older list was running. The daemon is well then, and
    it would look as if the fault had lost the calls. Raises LabError."""
    if "Context 'ringfence-inbound'" not in await lab.asterisk.cli("dialplan show ringfence-inbound"):
        raise LabError(f"Asterisk did not take the dialplan; no call can be routed\n{lab.asterisk.log_tail()}")


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

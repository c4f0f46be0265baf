"""The contestants, each with the processes that are only its own, brought up and taken down alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.lab.asterisk import AsteriskInstance
from tests.lab.bench.configurations import (
    FALLBACK_NUMBER,
    GLOBAL,
    LOGGER,
    RINGFENCE,
    Peers,
    agi_script,
    asterisk_files,
)
from tests.lab.bench.kamailio import Kamailio
from tests.lab.installation import Home
from tests.lab.lab import Lab
from tests.lab.node import RingfenceNode
from tests.lab.people import Organisation
from tests.lab.process import SupervisedProcess
from tests.lab.waiting import LabError, WaitTimeoutError, tail_of, wait_until

TITLES: Final = {
    "usual": "Asterisk, usual",
    "tuned": "Asterisk, hand-tuned",
    "kamailio": "Kamailio dispatcher",
    "agi": "AGI script per call",
    "stasis": "Stasis application",
    "ringfence": "Ringfence",
}
BARE: Final = "usual"
OURS: Final = "ringfence"
ALONE: Final = "ringfence-alone"
"""Ours with its daemon stopped: no contestant, but it shows what of the cost is whose."""
START_DEADLINE_SECONDS = 60.0
HEALED_SECONDS = 30.0
CHECKOUT = Path(__file__).parents[3]


class Contestant(Protocol):
    """What a measurement needs of each."""

    name: str

    @property
    def port(self) -> int:
        """Where it takes the carrier's calls."""

    @property
    def pids(self) -> Sequence[int]:
        """Its processes; their children count with them."""

    async def start(self) -> None:
        """Ready for calls."""

    async def restore(self) -> None:
        """As after `start`, on a healthy platform: nothing of a fault is remembered."""

    async def settled(self) -> bool:
        """Whether it says that it has found the platform down; those that never say so are always settled."""

    async def close(self) -> None:
        """Nothing of it is left."""


class AsteriskAlone:
    """An Asterisk without us; with `agi` its script, with `stasis` its application."""

    def __init__(self, name: str, home: Home, lab: Lab, peers: Peers, organisation: Organisation) -> None:
        self.name = name
        self._asterisk = AsteriskInstance(home, lab.ports, name=f"bench-{name}")
        bind = f"{self._asterisk.host}:{self._asterisk.ports.sip}"
        for file, text in asterisk_files(name, peers, bind).items():
            (self._asterisk.etc / file).write_text(text, encoding="utf-8")
        self._app: SupervisedProcess | None = None
        if name == "agi":
            lay_agi(self._asterisk.directory / "agi", organisation)

    @property
    def port(self) -> int:
        return self._asterisk.ports.sip

    @property
    def pids(self) -> Sequence[int]:
        app = [self._app.pid] if self._app is not None else []
        return [self._asterisk.process.pid, *app]

    async def start(self) -> None:
        await self._asterisk.start()
        if self.name == "stasis":
            self._app = stasis_app(self._asterisk)
            self._app.start()
            log_path = self._app.log_path
            await self._app.wait_ready(
                lambda: "ready" in tail_of(log_path, 3).splitlines(),
                what="its events",
                deadline_seconds=START_DEADLINE_SECONDS,
            )

    async def restore(self) -> None:
        if self._app is not None:
            await self._app.stop()
            self._app.log_path.unlink()
        await self._asterisk.process.kill()
        await self.start()

    async def settled(self) -> bool:
        return True

    async def close(self) -> None:
        if self._app is not None:
            await self._app.stop()
        await self._asterisk.close()


class KamailioAlone:
    """Kamailio and nothing else."""

    name = "kamailio"

    def __init__(self, home: Home, lab: Lab, peers: Peers) -> None:
        self._kamailio = Kamailio(home, lab.ports.take(), peers)
        self.port = self._kamailio.port

    @property
    def pids(self) -> Sequence[int]:
        return [self._kamailio.process.pid]

    async def start(self) -> None:
        await self._kamailio.start()

    async def restore(self) -> None:
        await self._kamailio.stop()
        await self._kamailio.start()

    async def settled(self) -> bool:
        return True

    async def close(self) -> None:
        await self._kamailio.close()


class Ringfence(RingfenceNode):
    """As `ringfence init` lays it, with the daemon. The lab's own Asterisk is its."""

    name = OURS

    def __init__(self, lab: Lab, peers: Peers, organisation: Organisation) -> None:
        self._peers = peers
        self._bench_lab = lab
        self._organisation = organisation
        super().__init__(lab)

    def _template(self, extra: str) -> str:
        """The defaults: nothing of what other uses of the lab set to be quick."""
        ports, own = self._bench_lab.asterisk.ports, f"{self._bench_lab.asterisk.etc}/ringfence"
        places = (
            f'state_dir = "{self.state_dir}"\nsocket = "{self.socket}"\nasterisk_conf_dir = "{own}"\n'
            f"[asterisk]\nari_port = {ports.http}\nami_port = {ports.ami}\n"
        )
        return RINGFENCE.format(
            asterisk=places, http=self.http_port, platform=self._peers.platform, carrier=self._peers.carrier,
            number=FALLBACK_NUMBER, fallback=self._peers.fallback,
        )  # fmt: skip

    @property
    def port(self) -> int:
        return self._bench_lab.asterisk.ports.sip

    @property
    def pids(self) -> Sequence[int]:
        return [self._bench_lab.asterisk.process.pid, self.process.pid]

    async def start(self, ready: bool = True) -> None:
        """Asterisk too, the first time."""
        asterisk = self._bench_lab.asterisk
        if not asterisk.process.running:
            (asterisk.etc / "logger.conf").write_text(LOGGER)
            self.configure()
            pjsip = asterisk.etc / "pjsip.conf"
            pjsip.write_text(GLOBAL + pjsip.read_text())
            await asterisk.start()
            if "Context 'ringfence-inbound'" not in await asterisk.cli("dialplan show ringfence-inbound"):
                raise LabError(f"Asterisk did not take the dialplan; no call can be routed\n{asterisk.log_tail()}")
            await super().start(ready=False)
            await self.process.wait_ready(self.alive, what="its door", deadline_seconds=START_DEADLINE_SECONDS)
            await self.import_directory(self._organisation)
            await self._wait_well()
            return
        await super().start(ready)

    async def restore(self) -> None:
        # Refused calls are remembered for two minutes: a restart forgets them.
        await self.process.stop()
        await super().start(ready=False)
        await self.wait_ready(START_DEADLINE_SECONDS)
        while await self.mode() != "NORMAL":
            if await self.mode() == "FAILED_OVER":
                try:
                    await self.wait_mode("HOLD_DOWN", "TRIAL", deadline_seconds=HEALED_SECONDS)
                except WaitTimeoutError:
                    raise LabError(f"still failed over\n{self.process.log_tail()}") from None
            await self.ask("POST", "/v1/failback", {"scope": "uc", "reason": "the next fault"})
        await self._wait_well()

    async def _wait_well(self) -> None:
        async def well() -> bool:
            status = await self.must("GET", "/v1/status")
            up = all(target["verdict"]["state"] == "up" for target in status["targets"])
            return up and status["table"]["state"] == "equal" and "|normal|" in await self.published_mode()

        await wait_until(
            well, what="every verdict to be up", deadline_seconds=HEALED_SECONDS, diagnose=self.process.log_tail
        )

    async def settled(self) -> bool:
        return "|divert|" in await self.published_mode()


@dataclass(frozen=True, slots=True)
class Missing:
    """A contestant that could not be had, and why."""

    name: str
    why: str


def lay_agi(directory: Path, organisation: Organisation) -> None:
    """The script, and the table it looks in."""
    script = directory / "route.py"
    script.write_text(agi_script(), encoding="utf-8")
    script.chmod(0o755)
    rows = [f"{did},PJSIP/{did}@platform,PJSIP/{FALLBACK_NUMBER}@fallback" for did in organisation.all_dids()]
    (directory / "routes.csv").write_text("\n".join([*rows, ""]), encoding="ascii")


def stasis_app(asterisk: AsteriskInstance) -> SupervisedProcess:
    """Not started yet."""
    return SupervisedProcess(
        "stasis app",
        [sys.executable, "-m", "tests.lab.bench.stasis_app", "--http", str(asterisk.ports.http)],
        asterisk.directory / "log" / "stasis-app",
        environment={**os.environ, "RINGFENCE_BENCH_ARI": asterisk.secret},
        working_directory=CHECKOUT,
    )

"""The site of a soak: Asterisk, the daemon on SQLite, carrier, platform, mobile networks, an HR feed and a chat."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from ringfence import config
from ringfence.backup.seal import new_key
from tests.lab.far_end import CHECKOUT
from tests.lab.faults.stage import Gap, configure, now
from tests.lab.hr_site import HrSite, prepare
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.node import SECRET, RingfenceNode, write_private
from tests.lab.people import SITES, Organisation
from tests.lab.process import SupervisedProcess
from tests.lab.records import Account
from tests.lab.soak.hours import FIRST_HOUR_OF_DAY
from tests.lab.step_clock import StepClock
from tests.lab.waiting import wait_until

TEAMS = 10
MEMBERS = 5
PLATFORM = {
    "ring_seconds": "20",
    "hold_down_seconds": "3",
    "max_hold_down_seconds": "6",
    "trial_one_in": "2",
    "trial_calls": "3",
}
KEEP = "keep_calls_days = 1\nkeep_callers_days = 1\nkeep_notices_days = 1\nkeep_incidents_days = 1\n"
BACKUPS_KEPT = 3
MORE = """
[access]
session_hours = 72
idle_minutes = 1440

[backup]
recipients = ["{recipient}"]
directory = "{{directory}}/backups"
at = ["02:15", "14:15"]
keep = {kept}

[hr]
time_zone = "Europe/London"
quarantine_days = 0.25
retention_days = 1
guard_percent = 100
guard_rows = 100000

[[hr_source]]
name = "payroll"
type = "folder"
path = "{{directory}}/feeds"
stable_seconds = 0
every_minutes = 10000
archive_days = 1
[hr_source.fields]
key = "key"
name = "name"
site = "site"
did = "did"
private_number = "private_number"
active = "active"

[[notify]]
name = "desk"
type = "webhook"
url = "http://127.0.0.1:{sink}/notices"
"""
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Town(Organisation):
    """Four fifths of the DIDs are somebody's, the last ten are team lines, and what is left is for those who join: HR
    states them, nobody else."""

    @classmethod
    def of(cls, dids: int) -> Town:
        """One of so many DIDs, at least 200."""
        return cls(people=dids * 4 // 5, dids=dids, teams=tuple(f"team {number}" for number in range(TEAMS)))

    @property
    def joining(self) -> range:
        """Numbers of people and of their DIDs alike."""
        return range(self.people, self.dids - TEAMS)

    def team_dids(self) -> list[str]:
        return [self.did(number) for number in range(self.dids - TEAMS, self.dids)]

    def dids_csv(self) -> str:
        rows = ["did,owner,site,platform,kind,critical,team"]
        for n in range(self.dids):
            owner = f"p{n}" if n < self.people else ""
            team = self.teams[n - self.dids + TEAMS] if n >= self.dids - TEAMS else ""
            rows.append(f"{self.did(n)},{owner},{SITES[n % 2]},{self.platform},voice,no,{team}")
        return "\n".join(rows) + "\n"

    def teams_csv(self) -> str:
        rows = ["name,site,strategy,members"]
        for number, name in enumerate(self.teams):
            members = " ".join(f"p{number + place * TEAMS}" for place in range(MEMBERS))
            strategy = ("all", "order", "rotation")[number % 3]
            rows.append(f"{name},{SITES[number % 2]},{strategy},{members}")
        return "\n".join(rows) + "\n"

    def renumbered_csv(self, turn: int) -> str:
        """The people's file; in every second turn some have another mobile."""
        lines = self.people_csv().splitlines()
        for number in range(100, 120) if turn % 2 else ():
            lines[number + 1] = lines[number + 1].replace("+447700", "+447701")
        return "\n".join(lines) + "\n"

    def files(self, turn: int = 0) -> dict[str, dict[str, str]]:
        """As `/v1/import` takes them."""
        parts = {
            "people": self.renumbered_csv(turn),
            "dids": self.dids_csv(),
            "sites": self.sites_csv(),
            "teams": self.teams_csv(),
        }
        return {part: {"name": f"{part}.csv", "text": text} for part, text in parts.items()}


class SoakNode(RingfenceNode):
    """The daemon with its long rounds shortened, and what is kept for days kept for one."""

    def __init__(self, lab: Lab, compress: float, more: str, *, trace: bool = False) -> None:
        self._compress, self._trace = compress, trace
        super().__init__(lab, PLATFORM, more)

    @property
    def counts(self) -> Path:
        return self.directory / "counts.json"

    def toml(self) -> str:
        return KEEP + super().toml()

    def write_configuration(self) -> None:
        super().write_configuration()
        for place in config.reading.secret_places(self.config_path, config.load(self.config_path)).values():
            if not place.exists() and place.name.startswith("notify"):
                write_private(place, SECRET)

    def _process(self) -> SupervisedProcess:
        trace = ["--trace"] if self._trace else []
        command = [sys.executable, "-m", "tests.lab.soak.hurried", str(self.config_path), str(self._compress)]
        return SupervisedProcess(
            "ringfence",
            [*command, str(self.counts), *trace],
            self.directory / "daemon.log",
            environment=self.environment,
            working_directory=CHECKOUT,
        )


@dataclass
class Site:
    """What an hour has in its hands."""

    lab: Lab
    node: SoakNode
    town: Town
    hr: HrSite
    clock: StepClock
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    told: int = 0
    """Notices that came to the sink."""

    def now(self) -> datetime:
        """What Asterisk and the daemon take for the time."""
        return datetime.now(UTC) + timedelta(seconds=self.clock.offset_seconds)

    def accounts(self, since: float) -> list[Account]:
        """The calls offered since then, with who answered."""
        return self.lab.accounts(since)

    async def mode_and_word(self) -> tuple[str, str]:
        """The scope's mode, and the decision as Asterisk holds it."""
        fields = (await self.node.published_mode()).split("|")
        return await self.node.mode(), fields[1] if len(fields) > 1 else ""

    async def wait_word(self, word: str, deadline_seconds: float) -> None:
        """Until Asterisk's key says so."""

        async def said() -> bool:
            return (await self.node.published_mode()).split("|")[1:2] == [word]

        await wait_until(
            said,
            what=f"Asterisk to be told {word}",
            deadline_seconds=deadline_seconds,
            interval_seconds=0.1,
            diagnose=self.node.process.log_tail,
        )


@asynccontextmanager
async def opened(installation: Installation, dids: int, compress: float, *, trace: bool = False) -> AsyncIterator[Site]:
    """A site that is up, with its directory published and the clock at the first hour of a soak."""
    async with Lab(installation, name="soak") as lab, _sink(lab) as sink:
        _, recipient = new_key()
        more = MORE.format(recipient=recipient, kept=BACKUPS_KEPT, sink=sink.port)
        node = SoakNode(lab, compress, more, trace=trace)
        clock = StepClock()
        clock.give(lab.asterisk)
        clock.step(_until_first_hour(datetime.now(UTC)))
        node.environment = clock.environment
        prepare(node)
        configure(node, lab)
        try:
            await lab.asterisk.start()
            await node.start(ready=False)
            await wait_until(node.alive, what="the daemon's door", deadline_seconds=READY_SECONDS)
            town = Town.of(dids)
            await node.must("POST", "/v1/import", {**town.files(), "dry_run": False, "accept_cautions": True})
            await node.wait_table(dids, READY_SECONDS)
            await node.wait_ready(READY_SECONDS)
            site = Site(lab, node, town, HrSite(node, town), clock)
            sink.site = site
            yield site
        finally:
            await node.close()


class _Sink:
    """Takes every notice, as somebody's chat would."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.site: Site | None = None

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        if self.site is not None:
            self.site.told += 1
        return web.Response(text="taken")


@asynccontextmanager
async def _sink(lab: Lab) -> AsyncIterator[_Sink]:
    sink = _Sink(lab.ports.take())
    application = web.Application()
    application.router.add_post("/notices", sink.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", sink.port).start()
        yield sink
    finally:
        await runner.cleanup()


def _until_first_hour(at: datetime) -> int:
    """Seconds to the next day's begin of a soak."""
    first = (at + timedelta(days=1)).replace(hour=FIRST_HOUR_OF_DAY, minute=0, second=0, microsecond=0)
    return round((first - at).total_seconds())


def since(moment: float) -> float:
    """Seconds, on the lab's clock."""
    return now() - moment

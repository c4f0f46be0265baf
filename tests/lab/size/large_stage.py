"""A stage with a large organisation, and what is looked at from outside: the daemon's CPU and memory, its imports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.lab.faults.large_table import equal_at
from tests.lab.faults.stage import Stage, now, opened
from tests.lab.hr_site import SOURCES, prepare
from tests.lab.installation import Installation
from tests.lab.size.organisation import LargeOrganisation, platforms
from tests.lab.waiting import LabError, wait_until

IMPORT_DEADLINE_SECONDS = 600.0
TABLE_DEADLINE_SECONDS = 600.0
READY_DEADLINE_SECONDS = 300.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Spent:
    """What something took: seconds on the wall's clock and of the daemon's CPU time."""

    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.cpu_seconds:.2f} s of CPU)"


class Stopwatch:
    """Both clocks from now on. `pid` is the daemon's: it must be the same process all the time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.began_at = now()
        self._cpu = cpu_seconds(pid)

    def spent(self, at: float | None = None) -> Spent:
        """Until now, or until `at` as far as the wall's clock goes."""
        return Spent((at or now()) - self.began_at, cpu_seconds(self._pid) - self._cpu)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> tuple[int, int]:
    """Resident now, and the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sizes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name[:2] == "Vm"
    }
    return round(sizes["VmRSS"] / 1024), round(sizes["VmHWM"] / 1024)


@asynccontextmanager
async def large_stage(installation: Installation, organisation: LargeOrganisation) -> AsyncIterator[Stage]:
    """With all its platforms and HR's sources configured and an empty directory; the daemon's database is there."""
    more = SOURCES + platforms(organisation)
    async with opened(installation, organisation, filled=False, more=more, prepare=prepare) as stage:
        await wait_until(stage.node.alive, what="the daemon's answer", deadline_seconds=20)
        await wait_until(stage.node.stored, what="the database", deadline_seconds=20)
        yield stage


def files_of(organisation: LargeOrganisation) -> dict[str, str]:
    """The whole organisation's files by name."""
    return {
        "people": organisation.people_csv(),
        "dids": organisation.dids_csv(),
        "sites": organisation.sites_csv(),
        "teams": organisation.teams_csv(),
    }


async def imported(stage: Stage, files: dict[str, str]) -> None:
    """Returns with the daemon's answer: stored, and on its way to Asterisk."""
    body = {part: {"name": f"{part}.csv", "text": text} for part, text in files.items()}
    order = {**body, "dry_run": False, "accept_cautions": True}
    connector = aiohttp.UnixConnector(str(stage.node.socket))
    timeout = aiohttp.ClientTimeout(total=IMPORT_DEADLINE_SECONDS)
    headers = {"X-Ringfence-Who": "lab"}
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session,
        session.post("http://ringfence/v1/import", json=order) as answer,
    ):
        if answer.status != 200:
            raise LabError(f"the import was refused: {answer.status} {await answer.text()}")


async def verified_at(stage: Stage, since: float) -> float:
    """When the table was first verified as a whole after `since`; the daemon's own word."""
    return await equal_at(stage, since, TABLE_DEADLINE_SECONDS)


async def publishing(stage: Stage) -> None:
    """Returns while the table's records are being written."""

    async def under_way() -> bool:
        return bool((await stage.node.must("GET", "/v1/status"))["table"]["state"] == "publishing")

    await wait_until(
        under_way, what="a publish", deadline_seconds=IMPORT_DEADLINE_SECONDS, interval_seconds=LOOK_SECONDS
    )


async def ready_again(stage: Stage) -> Spent:
    """Kills the daemon and starts it: until it is ready."""
    await stage.node.process.kill()
    began = now()
    await stage.node.start(ready=False)
    await wait_until(
        stage.node.is_ready,
        what="the daemon to be ready",
        deadline_seconds=READY_DEADLINE_SECONDS,
        diagnose=stage.node.process.log_tail,
        interval_seconds=LOOK_SECONDS,
    )
    return Spent(now() - began, cpu_seconds(stage.node.process.pid))


@asynccontextmanager
async def changing_all(stage: Stage, organisation: LargeOrganisation) -> AsyncIterator[None]:
    """Everybody's number changes there and back as long as this lasts; what is under way is waited for afterwards."""
    texts: Sequence[str] = (organisation.renumbered(range(organisation.people)), organisation.people_csv())
    stopping = asyncio.Event()

    async def again_and_again() -> None:
        while not stopping.is_set():
            for text in texts:
                await imported(stage, {"people": text})

    changing = asyncio.create_task(again_and_again(), name="changing all")
    try:
        yield
    finally:
        stopping.set()
        await changing

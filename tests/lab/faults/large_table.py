"""Imports into a large directory, and when each of its steps is over as the outside sees it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from ringfence.domain.route_table import did_path
from tests.lab.faults.stage import Stage, now
from tests.lab.mode_watch import ModeWatch
from tests.lab.people import Organisation
from tests.lab.waiting import LabError, wait_until

LOOK_SECONDS = 0.005
EQUAL_DEADLINE_SECONDS = 40.0


@dataclass
class Commit:
    """When a change of the directory was first seen in the database file by another program."""

    at: float | None = None

    def seen_at(self) -> float:
        if self.at is None:
            raise LabError("no commit of the directory was seen")
        return self.at


async def imported(stage: Stage, people_csv: str) -> None:
    """Imports the stage's organisation with these people; returns with the daemon's answer."""
    organisation = stage.organisation
    await stage.node.must(
        "POST",
        "/v1/import",
        {
            "people": {"name": "people.csv", "text": people_csv},
            "dids": {"name": "dids.csv", "text": _dids_csv(organisation)},
            "sites": {"name": "sites.csv", "text": organisation.sites_csv()},
            "dry_run": False,
            "accept_cautions": True,
        },
    )


@cache
def _dids_csv(organisation: Organisation) -> str:
    """Made once: this process measures, and must not keep itself waiting."""
    return organisation.dids_csv()


def renumbered(organisation: Organisation, numbers: Iterable[int]) -> str:
    """The people's file with a new mobile for each of these people."""
    changed = organisation.people_csv()
    lines = changed.splitlines()
    for number in numbers:
        lines[number + 1] = lines[number + 1].replace("+447700", "+447701")
    return "\n".join(lines) + "\n"


async def equal_at(stage: Stage, since: float, deadline_seconds: float = EQUAL_DEADLINE_SECONDS) -> float:
    """When the daemon verified the whole table in Asterisk, for the first time after `since`."""
    found: list[float] = []

    async def equal() -> bool:
        table = (await stage.node.must("GET", "/v1/status"))["table"]
        if table["state"] != "equal" or table["rows"] != stage.organisation.dids or not table["verified_at"]:
            return False
        at = datetime.fromisoformat(table["verified_at"]).timestamp()
        found[:] = [at]
        return at >= since

    await wait_until(
        equal,
        what="the whole table to be verified",
        deadline_seconds=deadline_seconds,
        diagnose=stage.node.process.log_tail,
        interval_seconds=0.05,
    )
    return found[0]


def has_tables(stage: Stage) -> bool:
    """Whether the daemon has made its database."""
    if not (stage.node.state_dir / "ringfence.db").exists():
        return False
    with closing(_reading(stage)) as connection:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'directory_changes'").fetchall())


@asynccontextmanager
async def watching_commits(stage: Stage) -> AsyncIterator[Commit]:
    """Looks into the database every 5 ms, from this process."""
    with closing(_reading(stage)) as connection:

        def version() -> int:
            return int(connection.execute("SELECT coalesce(max(version), 0) FROM directory_changes").fetchone()[0])

        before, commit = version(), Commit()

        async def look() -> None:
            while version() == before:
                await asyncio.sleep(LOOK_SECONDS)
            commit.at = now()

        looking = asyncio.create_task(look(), name="watch commits")
        try:
            yield commit
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


@asynccontextmanager
async def watching_records(stage: Stage, dids: Iterable[str]) -> AsyncIterator[list[ModeWatch]]:
    """The records of some DIDs as Asterisk holds them, each looked at every 10 ms."""
    async with AsyncExitStack() as stack:
        watches = []
        for did in dids:
            family = did_path(did).rpartition("/")[0]
            watches.append(await stack.enter_async_context(ModeWatch(stage.lab.asterisk, did, f"ringfence/{family}")))
        await wait_until(lambda: all(watch.changes for watch in watches), what="the records", deadline_seconds=10)
        yield watches


def _reading(stage: Stage) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{stage.node.state_dir / 'ringfence.db'}?mode=ro", uri=True, timeout=5)

"""Great feeds through a running node: how long until they are routed by, and what the daemon needs for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import Stage, opened
from tests.lab.hr_site import SOURCES, Employee, HrSite, prepare
from tests.lab.installation import Installation
from tests.lab.people import Organisation
from tests.lab.waiting import wait_until

SECONDS = {2_500: 1.5, 100_000: 20.0}
MEMORY_MB = 400
TABLE_DEADLINE_SECONDS = 180.0
CREATES = 500
CREATES_PER_SECOND = 100.0

FEEDS = {f"a feed of {rows:,} rows": rows for rows in SECONDS}
SCIM = "SCIM creates"


def feed_names() -> list[str]:
    return [*FEEDS, SCIM]


async def feed_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Each feed on a stage of its own; the SCIM figure on the smaller one, with everybody loaded."""
    for name, rows in FEEDS.items():
        with_scim = SCIM in wanted and rows == min(SECONDS)
        if name not in wanted and not with_scim:
            continue
        doing(name)
        organisation = Organisation(people=0, dids=rows)
        async with opened(installation, organisation, filled=False, more=SOURCES, prepare=prepare) as stage:
            site = HrSite(stage.node, organisation)
            row = await guarded(name, _fed(stage, site, name, rows))
            if name in wanted:
                yield row
            if with_scim:
                doing(SCIM)
                yield await guarded(SCIM, _creates(site, rows))


async def _fed(stage: Stage, site: HrSite, name: str, rows: int) -> Row:
    await _vacant(stage)
    # Anew, so that the most it ever needed is the feed's and not the import's.
    await stage.restart_daemon()
    await stage.node.wait_table(rows, TABLE_DEADLINE_SECONDS)
    began = time.monotonic()
    run = await site.feed(Employee(n) for n in range(rows))
    read = time.monotonic() - began
    approved_at = time.monotonic()
    await site.approve(run["plan"])
    applied = time.monotonic() - approved_at
    await stage.node.wait_table(rows, TABLE_DEADLINE_SECONDS)
    published = time.monotonic() - approved_at
    return Row(
        name,
        f"a first load: read and planned in {read:.1f} s, applied {applied:.1f} s after the approval, in Asterisk and "
        f"verified after {published:.1f} s",
        (
            Bound("read, planned and applied in", round(read + applied, 2), SECONDS[rows], "s"),
            Bound("memory at most", round(_peak_mb(stage)), MEMORY_MB, "MB"),
        ),
    )


async def _vacant(stage: Stage) -> None:
    """All DIDs, nobody's."""
    organisation = stage.organisation

    async def up() -> bool:
        status = await stage.node.must("GET", "/v1/status")
        return bool(status["store"]["up"])

    await wait_until(up, what="the database", deadline_seconds=20)
    files = {
        "dids": {"name": "dids.csv", "text": organisation.dids_csv()},
        "sites": {"name": "sites.csv", "text": organisation.sites_csv()},
    }
    await stage.node.must("POST", "/v1/import", {**files, "dry_run": False, "accept_cautions": True})
    await stage.node.wait_table(organisation.dids, TABLE_DEADLINE_SECONDS)


async def _creates(site: HrSite, people: int) -> Row:
    await site.push(0)  # the first request loads the library
    began = time.monotonic()
    async with site.provider() as provider:
        for number in range(1, CREATES + 1):
            await provider.push(number)
    rate = CREATES / (time.monotonic() - began)
    return Row(
        SCIM,
        f"{CREATES} people of {people:,} created one after the other over one connection, each stored: "
        f"{rate:.0f} a second",
        (Bound("seconds for each hundred", round(100 / rate, 2), 100 / CREATES_PER_SECOND, "s"),),
    )


def _peak_mb(stage: Stage) -> float:
    lines = Path(f"/proc/{stage.node.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

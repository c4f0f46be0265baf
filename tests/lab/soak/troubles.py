"""What befalls a soak's hour: each begins while calls come in and ends with everything mended."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.lab.faults.stage import Gap, now
from tests.lab.soak.hours import Trouble
from tests.lab.soak.site import Site

LASTS_SECONDS = 3.0
"""From the decision, or from the begin where nothing is to be decided."""
NOTICED_SECONDS = 15.0
LOCKED_SECONDS = 6.0
SLOW_RING_SECONDS = 2.0
FLAPS = 3


async def _quiet(_: Site) -> None:
    """An hour as most are."""


async def _frozen(site: Site) -> None:
    await site.lab.platform.freeze()
    try:
        await _noticed(site)
    finally:
        await site.lab.platform.thaw()


async def _killed(site: Site) -> None:
    await site.lab.platform.kill()
    try:
        await _noticed(site)
    finally:
        await site.lab.platform.start()


async def _refusing(site: Site) -> None:
    await site.lab.platform.answer(503)
    try:
        await _noticed(site)
    finally:
        await site.lab.platform.healthy()


async def _slow(site: Site) -> None:
    """Nothing may be decided: it is healthy."""
    await site.lab.platform.slow_ring(SLOW_RING_SECONDS)
    await asyncio.sleep(LASTS_SECONDS)
    mode, _ = await site.mode_and_word()
    if mode != "NORMAL":
        site.notes.append(f"failed over from a slow platform: {mode}")
    await site.lab.platform.healthy()


async def _reloaded(site: Site) -> None:
    await site.lab.asterisk.reload()


async def _restarted(site: Site) -> None:
    began_at = now()
    await site.lab.asterisk.kill()
    await site.lab.asterisk.start()
    site.gaps.append(Gap(began_at, now()))


async def _locked(site: Site) -> None:
    """Another program holds the writers' lock; a person gives an order meanwhile."""
    over = threading.Event()
    holder = asyncio.create_task(asyncio.to_thread(_hold, site.node.state_dir / "ringfence.db", over))
    try:
        await asyncio.sleep(LOCKED_SECONDS / 2)
        order = {"mode": "dr", "did": site.town.did(7), "reason": "while it is locked", "for": "1h"}
        status, _ = await site.node.ask("PUT", "/v1/override", order)
        if status >= 300 and status != 503:
            site.notes.append(f"an order without the database was answered with {status}")
        await asyncio.sleep(LOCKED_SECONDS / 2)
    finally:
        over.set()
        await holder


def _hold(file: Path, over: threading.Event) -> None:
    connection = sqlite3.connect(file, isolation_level=None, timeout=60)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        over.wait(LOCKED_SECONDS * 2)
        connection.execute("COMMIT")
    finally:
        connection.close()


async def _flapping(site: Site) -> None:
    for _ in range(FLAPS):
        await site.lab.mobile_network.kill()
        await asyncio.sleep(LASTS_SECONDS / FLAPS)
        await site.lab.mobile_network.start()
        await asyncio.sleep(LASTS_SECONDS / FLAPS)


async def _diverted(site: Site) -> None:
    await site.node.must("PUT", "/v1/override", {"mode": "dr", "scope": "uc", "reason": "the vendor's maintenance"})
    await site.wait_word("divert", NOTICED_SECONDS)
    await site.lab.mobile_network.kill()
    await asyncio.sleep(LASTS_SECONDS)
    await site.lab.mobile_network.start()
    await asyncio.sleep(LASTS_SECONDS)
    await site.node.must("DELETE", "/v1/override?scope=uc&reason=over")


async def _noticed(site: Site) -> None:
    await site.wait_word("divert", NOTICED_SECONDS)
    await asyncio.sleep(LASTS_SECONDS)


TROUBLES: dict[Trouble, Callable[[Site], Awaitable[None]]] = {
    Trouble.QUIET: _quiet,
    Trouble.FROZEN: _frozen,
    Trouble.KILLED: _killed,
    Trouble.REFUSING: _refusing,
    Trouble.SLOW: _slow,
    Trouble.RELOADED: _reloaded,
    Trouble.LOCKED: _locked,
    Trouble.FLAPPING: _flapping,
    Trouble.DIVERTED: _diverted,
    Trouble.RESTARTED: _restarted,
}

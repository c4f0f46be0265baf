"""What can befall the database file under calls: noise in its pages, and a writer who hardly ever lets go."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.stage import SOON_SECONDS, Stage, now

LOAD = Load(count=260)
LONG = Load(count=400)
"""A start may take its time on a busy machine."""
LATER_SECONDS = 2.0
HELD_SECONDS, LET_GO_SECONDS = 1.5, 0.02
STORED_SECONDS = 30.0
POLITE = frozenset({200, 503})
HEADER_BYTES = 4096
"""The first page. What is noise is all that lies behind it."""


def database_faults() -> list[Fault]:
    """In the order of the table, all on one stage; each of the first three leaves a database begun anew."""
    return [
        Fault(
            "database overwritten",
            "noise is written over its pages and its log while the daemon runs; then the platform is killed, and a "
            "person gives an order",
            Kind.SILENT,
            _overwrite,
            mend=_begin_anew,
            verdict_seconds=2,
            load=LOAD,
        ),
        Fault(
            "database corrupt at start",
            "the daemon is stopped, noise is written over its pages, it starts; then the platform is killed",
            Kind.SILENT,
            _start_on_noise,
            mend=_begin_anew,
            verdict_seconds=2,
            load=LONG,
        ),
        Fault(
            "database corrupt at start, in DR",
            "the same with the scope in DR by a person's word, and the platform well",
            Kind.DIVERTED,
            _start_on_noise_in_dr,
            in_dr,
            mend=_begin_anew,
            load=LOAD,
        ),
        Fault(
            "database slow",
            f"another program holds the writers' lock for {HELD_SECONDS:g} s again and again and lets go for "
            f"{LET_GO_SECONDS * 1000:.0f} ms; then the platform is killed",
            Kind.SILENT,
            _slow_down,
            witness=_everything_stored,
            verdict_seconds=2,
            load=LOAD,
        ),
    ]


async def _overwrite(stage: Stage) -> None:
    _make_noise(stage)
    await asyncio.sleep(LATER_SECONDS)
    await stage.strike()
    await stage.watch.wait("divert", stage.began_at, SOON_SECONDS)
    await _refuses_politely(stage)


async def _start_on_noise(stage: Stage) -> None:
    await _stop_and_start_on_noise(stage)
    # What it knew of the platform is gone with the database: it has to be seen answering once.
    await asyncio.sleep(LATER_SECONDS)
    await stage.strike()
    await stage.watch.wait("divert", stage.began_at, SOON_SECONDS)
    await _refuses_politely(stage)


async def _start_on_noise_in_dr(stage: Stage) -> None:
    await _stop_and_start_on_noise(stage)
    await asyncio.sleep(LATER_SECONDS)
    await _refuses_politely(stage)


async def _stop_and_start_on_noise(stage: Stage) -> None:
    await stage.node.process.stop()
    _make_noise(stage)
    await stage.node.start(ready=False)
    await stage.node.process.wait_ready(stage.node.alive, what="its door", deadline_seconds=SOON_SECONDS * 4)


def _make_noise(stage: Stage) -> None:
    for file in (stage.node.state_dir / "ringfence.db", stage.node.state_dir / "ringfence.db-wal"):
        if file.exists():
            size = file.stat().st_size
            with file.open("r+b") as pages:
                pages.seek(HEADER_BYTES)
                pages.write(os.urandom(max(0, size - HEADER_BYTES)))


async def _refuses_politely(stage: Stage) -> None:
    """An order is carried out all the same; what needs the database is refused with what to do."""
    node = stage.node
    ordered, _ = await node.ask("PUT", "/v1/override", {"mode": "dr", "scope": "uc", "reason": "while it is broken"})
    files = {"people": {"name": "people.csv", "text": stage.organisation.people_csv()}}
    imported, said = await node.ask("POST", "/v1/import", {**files, "dry_run": False, "accept_cautions": True})
    asked, _ = await node.ask("GET", "/v1/audit")
    status = await node.must("GET", "/v1/status")
    why = str(said.get("error", "")).replace(str(node.state_dir), "")
    stage.notes.append(f"an order was answered with {ordered}, an import with {imported} ({why})")
    stage.must("orders not taken", int(ordered != 200), 0)
    stage.must("impolite answers", sum(one not in POLITE for one in (imported, asked)), 0)
    stage.must("not said", int(status["store"]["up"]), 0)


async def _begin_anew(stage: Stage) -> None:
    """As `docs/howto/runbook.md` says: without the file it begins an empty one, and the directory is imported."""
    await stage.node.process.stop()
    for file in stage.node.state_dir.glob("ringfence.db*"):
        file.unlink()
    await stage.node.start(ready=False)
    await stage.node.process.wait_ready(stage.node.alive, what="its door", deadline_seconds=30)
    await stage.node.import_directory(stage.organisation)


async def _slow_down(stage: Stage) -> None:
    with _holding_again_and_again(stage.node.state_dir / "ringfence.db"):
        await asyncio.sleep(LATER_SECONDS)
        await stage.strike()
        await stage.lab.carrier.wait_finished()


@contextmanager
def _holding_again_and_again(file: Path) -> Iterator[None]:
    """In a thread, which waits for the lock as any program would."""
    over = threading.Event()

    def hold() -> None:
        connection = sqlite3.connect(file, isolation_level=None, timeout=60)
        while not over.is_set():
            connection.execute("BEGIN EXCLUSIVE")
            over.wait(HELD_SECONDS)
            connection.execute("COMMIT")
            over.wait(LET_GO_SECONDS)
        connection.close()

    holder = threading.Thread(target=hold, name="holds the database")
    holder.start()
    try:
        yield
    finally:
        over.set()
        holder.join()


async def _everything_stored(stage: Stage) -> None:
    began_at = now()
    await stage.wait_stored(STORED_SECONDS)
    stage.must("all stored after", round(now() - began_at, 1), STORED_SECONDS, "s")
    history = (await stage.node.must("GET", "/v1/history?limit=200&scope=uc"))["history"]
    ours = [row for row in history if datetime.fromisoformat(row["at"]).timestamp() >= stage.began_at]
    stage.must("failovers not recorded once", abs(sum(row["after"] == "FAILED_OVER" for row in ours) - 1), 0)

"""A node with 10,000 DIDs: how fast the table gets to Asterisk, and a daemon that is stopped in the middle of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from tests.lab.faults import measuring
from tests.lab.faults.doors import live_viewers
from tests.lab.faults.large_table import equal_at, has_tables, imported, renumbered, watching_commits, watching_records
from tests.lab.faults.measuring import Fault, Kind
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.small import CALLS_PER_SECOND, first_rerouted, override_figure
from tests.lab.faults.stage import Stage, now, opened
from tests.lab.installation import Installation
from tests.lab.mode_watch import ModeWatch
from tests.lab.people import Organisation
from tests.lab.waiting import wait_until

ORGANISATION = Organisation(people=9_000, dids=10_000, teams=tuple(f"team {number}" for number in range(9)))
CHANGED_ROWS = 10
FIRST_PUBLISH_SECONDS = 3.0
CHANGED_MS = 200
TEAM_MS = 300
TEAM_CALLED_DIDS = 60
TEAM_ROUNDS = 3
RECONCILED_SECONDS = 3.0
READY_SECONDS = 5.0
MEMORY_MB = 150
MIDDLE = range(100, 450)
"""Pieces still to go of 500: neither just begun nor nearly done."""


async def large_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """All wanted rows, in order, on one stage of their own; the directory is imported in any case."""
    if not wanted:
        return
    async with opened(installation, ORGANISATION, filled=False) as stage:
        doing("first publish of 10,000")
        first = await _first_publish(stage)
        if first.name in wanted:
            yield first
        for name in wanted:
            if name != first.name:
                doing(name)
                yield await guarded(name, _healed(name, stage))


async def _healed(name: str, stage: Stage) -> Row:
    await stage.heal()
    return await LARGE[name](stage)


async def _first_publish(stage: Stage) -> Row:
    await wait_until(lambda: has_tables(stage), what="the database", deadline_seconds=10)
    async with watching_commits(stage) as commit:
        began_at = now()
        await imported(stage, ORGANISATION.people_csv())
        published_at = await equal_at(stage, since=began_at)
    return Row(
        "10,000: first publish",
        "from the import's commit until all of it is written and verified by reading back",
        (Bound("published after", round(published_at - commit.seen_at(), 2), FIRST_PUBLISH_SECONDS, "s"),),
    )


async def _ten_rows(stage: Stage) -> Row:
    dids = [ORGANISATION.did(number) for number in range(CHANGED_ROWS)]
    async with watching_records(stage, dids) as records, watching_commits(stage) as commit:
        await imported(stage, renumbered(ORGANISATION, range(CHANGED_ROWS)))
        await wait_until(
            lambda: all(len(watch.changes) > 1 for watch in records), what="the changed records", deadline_seconds=20
        )
    changed_at = max(watch.changes[-1].at for watch in records)
    return Row(
        "10,000: ten changed rows",
        "from the database's commit until Asterisk holds the last of ten changed records",
        (Bound("in Asterisk after", round((changed_at - commit.seen_at()) * 1000), CHANGED_MS, "ms"),),
    )


async def _override_in_publish(stage: Stage) -> Row:
    publishing = asyncio.create_task(_publish_again_and_again(stage))
    try:
        return await override_figure(
            stage,
            "10,000: override in a publish",
            "as `override`, while 10,000 changed rows are imported and published",
        )
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await stage.node.wait_table(ORGANISATION.dids)


async def _publish_again_and_again(stage: Stage) -> None:
    """Everybody's number changes there and back until cancelled."""
    texts = (renumbered(ORGANISATION, range(ORGANISATION.people)), ORGANISATION.people_csv())
    while True:
        for text in texts:
            await imported(stage, text)


async def _team_overridden(stage: Stage) -> Row:
    """The worst of some rounds, under traffic to the team."""
    dids = [ORGANISATION.did(number) for number in range(0, ORGANISATION.people, len(ORGANISATION.teams))]
    team = {"team": ORGANISATION.teams[0], "reason": "a fault's stage"}
    carrier, rerouted_ms, held_ms = stage.lab.carrier, list[float](), list[float]()
    already = len(carrier.records())
    await stage.lab.bring_calls(
        dids[:TEAM_CALLED_DIDS],
        call_count=int(CALLS_PER_SECOND * TEAM_ROUNDS * 6),
        calls_per_second=CALLS_PER_SECOND,
        hold_seconds=0.2,
    )
    await carrier.wait_records(already + 20, deadline_seconds=10)
    async with watching_records(stage, [dids[0], dids[-1]]) as records:
        for _ in range(TEAM_ROUNDS):
            before, ordered_at = [len(watch.changes) for watch in records], now()
            done = await stage.node.must("PUT", "/v1/override", {"mode": "dr", **team})
            rerouted_ms.append((await first_rerouted(stage, ordered_at) - ordered_at) * 1000)
            await _all_changed(records, before)
            held_ms.append((max(watch.changes[-1].at for watch in records) - ordered_at) * 1000)
            before = [len(watch.changes) for watch in records]
            await stage.node.must("DELETE", f"/v1/override?id={done['override']['id']}&reason=healthy")
            await _all_changed(records, before)
    await carrier.finish()
    return Row(
        "10,000: a team of 1,000 overridden",
        "from a person's `dr on --team` to the INVITE of the first call sent to a default number, and until Asterisk "
        "holds the last of the team's records; worst of 3",
        (
            Bound("first rerouted call after", round(max(rerouted_ms)), TEAM_MS, "ms"),
            Bound("all in Asterisk after", round(max(held_ms)), 2 * TEAM_MS, "ms"),
        ),
    )


async def _all_changed(records: Sequence[ModeWatch], before: Sequence[int]) -> None:
    await wait_until(
        lambda: all(len(watch.changes) > count for watch, count in zip(records, before, strict=True)),
        what="the team's records",
        deadline_seconds=10,
        interval_seconds=0.005,
    )


async def _asterisk_restarted(stage: Stage) -> Row:
    """With an AstDB that has lost everything: the most there can be to do."""
    await stage.lab.asterisk.kill()
    for path in (stage.lab.asterisk.directory / "db").glob("astdb*"):
        path.unlink()
    killed_at = now()
    await stage.lab.asterisk.start()
    booted_at = now()
    reconciled_at = await equal_at(stage, since=killed_at)
    return Row(
        "10,000: asterisk restarted",
        "killed, its AstDB lost; from fully booted until the whole table is there and verified",
        (Bound("reconciled after", round(max(0.0, reconciled_at - booted_at), 2), RECONCILED_SECONDS, "s"),),
    )


async def _daemon_restarted(stage: Stage) -> Row:
    await stage.node.process.kill()
    began = time.monotonic()
    await stage.node.start()
    seconds = time.monotonic() - began
    return Row(
        "10,000: daemon restarted",
        "SIGKILL; from its start until it is ready: modes published, 10,000 records read back and equal",
        (Bound("ready after", round(seconds, 2), READY_SECONDS, "s"),),
    )


async def _memory(stage: Stage) -> Row:
    memory = _status(stage.node.process.pid)
    return Row(
        "10,000: memory",
        "of the daemon, resident; the most it ever was since its start is told beside it: "
        f"{memory['VmHWM'] / 1024:.0f} MB",
        (Bound("resident", round(memory["VmRSS"] / 1024), MEMORY_MB, "MB"),),
    )


async def _stopped_publishing(stage: Stage) -> Row:
    async def inject(on: Stage) -> None:
        order = asyncio.create_task(imported(on, renumbered(ORGANISATION, range(ORGANISATION.people))))
        try:
            await _stop_in_the_middle(on)
        finally:
            order.cancel()
            await asyncio.gather(order, return_exceptions=True)

    await imported(stage, ORGANISATION.people_csv())
    what = "SIGSTOP in the middle of publishing 10,000 changed records"
    return await measuring.run(Fault("10,000: stopped publishing", what, Kind.TRANSPARENT, inject, mend=_thaw), stage)


async def _stopped_reading(stage: Stage) -> Row:
    async def inject(on: Stage) -> None:
        await on.node.process.kill()
        await on.node.start(ready=False)
        await _stop_in_the_middle(on)

    what = "SIGSTOP in the middle of reading 10,000 records back"
    return await measuring.run(Fault("10,000: stopped reading", what, Kind.TRANSPARENT, inject, mend=_thaw), stage)


async def _stop_in_the_middle(stage: Stage) -> None:
    async def halfway() -> bool:
        try:
            _, status = await stage.node.ask("GET", "/v1/status")
        except OSError:
            return False  # its door is not open yet
        words = str(status["table"]["detail"]).split()
        return bool(words) and words[0].isdecimal() and int(words[0]) in MIDDLE

    await wait_until(halfway, what="the table to be half way", deadline_seconds=20, interval_seconds=0.005)
    await stage.node.process.freeze()


async def _thaw(stage: Stage) -> None:
    stage.node.process.thaw()


def _status(pid: int) -> dict[str, Any]:
    """The kernel's words on a process, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name[:2] == "Vm"}


LARGE: dict[str, Callable[[Stage], Awaitable[Row]]] = {
    "10,000: first publish": _first_publish,
    "10,000: ten changed rows": _ten_rows,
    "10,000: override in a publish": _override_in_publish,
    "10,000: a team of 1,000 overridden": _team_overridden,
    "10,000: asterisk restarted": _asterisk_restarted,
    "10,000: memory": _memory,
    "10,000: 200 live viewers": live_viewers,
    "10,000: daemon restarted": _daemon_restarted,
    "10,000: stopped publishing": _stopped_publishing,
    "10,000: stopped reading": _stopped_reading,
}

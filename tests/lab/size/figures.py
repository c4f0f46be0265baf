"""What must hold with 100,000 DIDs, each figure with its bound, on one stage and in this order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles

import aiohttp

from ringfence.domain.access import Role
from ringfence.web.sessions import COOKIE
from tests.lab.faults.large_table import watching_commits, watching_records
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.small import override_figure
from tests.lab.faults.stage import Stage, now
from tests.lab.sign_ins import Somebody, sign_in
from tests.lab.size.hr_file import hr_file
from tests.lab.size.large_stage import (
    READY_DEADLINE_SECONDS,
    TABLE_DEADLINE_SECONDS,
    Spent,
    Stopwatch,
    changing_all,
    files_of,
    imported,
    memory_mb,
    publishing,
    ready_again,
    verified_at,
)
from tests.lab.size.organisation import LargeOrganisation
from tests.lab.waiting import wait_until

FIRST_PUBLISH_SECONDS = 20.0
DELAYED_MS = 50
RECONCILED_SECONDS = 10.0
FIRST_BYTE_MS = 300
MEMORY_MB = 600
QUIET_SECONDS = 5.0
AT_MOST_SECONDS = 300.0
ENOUGH_CALLS = 20
CALLS_PER_SECOND = 10.0
CHANGED_ROWS = 10
LOOKS = 5
VIEWS = ("/", "/calls", "/people", "/people?page=400", "/people/p77", "/did/{did}", "/teams", "/plans", "/sources")
MORE_VIEWS = ("/coverage", "/incidents", "/audit", "/notices", "/access")


@dataclass(frozen=True, slots=True)
class Delays:
    """Post-dial delays of the calls in a span of time, in milliseconds over the usual one: the latest one in a hundred,
    and the latest."""

    calls: int
    late: float
    latest: float


async def figures(stage: Stage, organisation: LargeOrganisation, doing: Callable[[str], None]) -> AsyncIterator[Row]:
    """All of them; the first fills the directory."""
    for name, step in FIGURES.items():
        doing(name)
        yield await guarded(name, step(stage, organisation))


async def _first_publish(stage: Stage, organisation: LargeOrganisation) -> Row:
    """Under calls: first some without any work, to know what the machine itself delays."""
    files = await asyncio.to_thread(files_of, organisation)
    pid = stage.node.process.pid
    async with _calls(stage) as began_at:
        await asyncio.sleep(QUIET_SECONDS)
        watch = Stopwatch(pid)
        async with watching_commits(stage) as commit:
            await imported(stage, files)
            answered = watch.spent()
            at = await verified_at(stage, since=watch.began_at)
        whole = watch.spent(at)
    committed_at = commit.seen_at()
    usual = _usual_seconds(stage, began_at, watch.began_at)
    quiet = _delays(stage, began_at, watch.began_at, usual)
    publishing = _delays(stage, committed_at, at, usual)
    return Row(
        "first publish",
        f"the import was answered after {answered}, all of it verified after {whole}; bound: from its commit until "
        f"all is written and verified. Calls to the healthy platform meanwhile: {publishing.calls}, their delay over "
        f"the median, p99 {publishing.late:.0f} ms; before it, with nothing to do, the latest of {quiet.calls} "
        f"was {quiet.latest:.0f} ms late",
        (
            Bound("published after", round(at - committed_at, 2), FIRST_PUBLISH_SECONDS, "s"),
            _latest(publishing),
        ),
    )


def _latest(delays: Delays) -> Bound:
    """Too few calls prove nothing."""
    return Bound("the latest call", round(delays.latest) if delays.calls >= ENOUGH_CALLS else None, DELAYED_MS, "ms")


async def _ten_changed(stage: Stage, organisation: LargeOrganisation) -> Row:
    """From the commit: an import is read and compared as a whole, and that is its own figure."""
    taken, spent = await changed_rows(stage, organisation)
    what = (
        f"ten people's numbers in an import of all people: until Asterisk holds the last of their records, from the "
        f"order {spent}, from the database's commit {taken * 1000:.0f} ms"
    )
    return Row("ten changed rows", what, ())


async def changed_rows(stage: Stage, organisation: LargeOrganisation) -> tuple[float, Spent]:
    """Seconds from the database's commit until Asterisk holds the last one; what it took from the order."""
    dids = [organisation.did(number) for number in range(CHANGED_ROWS)]
    watch = Stopwatch(stage.node.process.pid)
    async with watching_records(stage, dids) as records, watching_commits(stage) as commit:
        await imported(stage, {"people": organisation.renumbered(range(CHANGED_ROWS))})
        await wait_until(
            lambda: all(len(record.changes) > 1 for record in records), what="the records", deadline_seconds=60
        )
        at = max(record.changes[-1].at for record in records)
    spent = watch.spent(at)
    await imported(stage, {"people": organisation.people_csv()})
    await verified_at(stage, since=now())
    return max(0.0, at - commit.seen_at()), spent


async def _flip(stage: Stage, _: LargeOrganisation) -> Row:
    return await override_figure(
        stage, "flip", "from a person's `dr on` for a platform to the INVITE of the first call that goes elsewhere"
    )


async def _flip_in_import(stage: Stage, organisation: LargeOrganisation) -> Row:
    """The first seconds of an import are all reading and comparing."""
    async with changing_all(stage, organisation):
        row = await override_figure(stage, "flip during an import", "the same, while everybody's new number is read")
    await stage.node.wait_table(organisation.dids, TABLE_DEADLINE_SECONDS)
    return row


async def _flip_in_publish(stage: Stage, organisation: LargeOrganisation) -> Row:
    async with changing_all(stage, organisation):
        await publishing(stage)
        row = await override_figure(
            stage,
            "flip during a publish",
            "the same, while everybody's new number is published and the next file is read",
        )
    await stage.node.wait_table(organisation.dids, TABLE_DEADLINE_SECONDS)
    return row


async def _coverage(stage: Stage, organisation: LargeOrganisation) -> Row:
    watch = Stopwatch(stage.node.process.pid)
    found = await stage.node.must("GET", "/v1/coverage?uncovered=200")
    what = f"the first question after a change: {found['dids']} DIDs weighed, answered after {watch.spent()}"
    return Row("coverage", what, (Bound("weighed too few", max(0, organisation.people - found["dids"]), 0),))


async def _reconciled(stage: Stage, _: LargeOrganisation) -> Row:
    """Under calls, which want to be known of while AstDB is read and locked."""
    async with _calls(stage) as began_at:
        await asyncio.sleep(QUIET_SECONDS)
        usual = _usual_seconds(stage, began_at, now())
        spent = await reconciled_after(stage)
        until = now()
    delays = _delays(stage, until - spent.seconds, until, usual)
    return Row(
        "unchanged reconcile",
        "Asterisk was restarted, its table as it was; from fully booted until all of it is read back: "
        f"{spent}. The latest of {delays.calls} calls meanwhile: {delays.latest:.0f} ms over the median",
        (Bound("equal after", round(spent.seconds, 2), RECONCILED_SECONDS, "s"),),
    )


async def reconciled_after(stage: Stage) -> Spent:
    """Asterisk goes away and comes back with the same table."""
    await stage.lab.asterisk.restart()
    watch = Stopwatch(stage.node.process.pid)
    return watch.spent(await verified_at(stage, since=watch.began_at))


async def _memory(stage: Stage, _: LargeOrganisation) -> Row:
    resident, peak = memory_mb(stage.node.process.pid)
    what = f"of the daemon that has done all of the above; resident now: {resident} MB"
    return Row("memory", what, (Bound("at most", peak, MEMORY_MB, "MB"),))


async def _started(stage: Stage, _: LargeOrganisation) -> Row:
    spent = await ready_again(stage)
    peak = memory_mb(stage.node.process.pid)[1]
    what = f"SIGKILL; from its start until it is ready, every record read back and equal: {spent}; then {peak} MB"
    return Row("daemon's start", what, ())


async def _page_views(stage: Stage, organisation: LargeOrganisation) -> Row:
    """Each view several times, right after a start and then after a change of the directory: nothing is kept ready."""
    (token,) = await sign_in(stage.node, [Somebody("agent", frozenset(Role) - {Role.STAFF})], READY_DEADLINE_SECONDS)
    await stage.node.wait_table(organisation.dids, TABLE_DEADLINE_SECONDS)
    did = organisation.did(33).replace("+", "%2B")
    views = [view.format(did=did) for view in (*VIEWS, *MORE_VIEWS)]
    waited: dict[str, list[float]] = {view: [] for view in views}
    async with aiohttp.ClientSession(headers={"Cookie": f"{COOKIE}={token}"}) as browser:
        for _ in range(2):
            for _ in range(LOOKS):
                for view in views:
                    waited[view].append(await _first_byte_ms(browser, f"http://localhost:{stage.node.http_port}{view}"))
                await asyncio.sleep(1.1)  # a page is kept for a second
            await imported(stage, {"people": organisation.renumbered([77])})
    bounds = (
        Bound(f"{view}: median {median(found):.0f}, latest", round(max(found)), FIRST_BYTE_MS, "ms")
        for view, found in waited.items()
    )
    return Row("page views", f"until the first byte, each {2 * LOOKS} times, over HTTP", tuple(bounds))


async def _first_byte_ms(browser: aiohttp.ClientSession, address: str) -> float:
    began = time.monotonic()
    async with browser.get(address, allow_redirects=False) as answer:
        await answer.content.readany()
        seconds = time.monotonic() - began
        await answer.read()
        assert answer.status == 200, f"{address}: {answer.status}"
    return seconds * 1000


@asynccontextmanager
async def _calls(stage: Stage) -> AsyncIterator[float]:
    """The carrier's calls as long as this lasts; gives when they began."""
    began_at = now()
    await stage.lab.bring_calls(
        stage.dids,
        call_count=int(CALLS_PER_SECOND * AT_MOST_SECONDS),
        calls_per_second=CALLS_PER_SECOND,
        hold_seconds=0.3,
    )
    yield began_at
    await stage.lab.carrier.finish()


def _usual_seconds(stage: Stage, since: float, until: float) -> float:
    found = _ringing_after(stage, since, until)
    return median(found) if found else 0.0


def _delays(stage: Stage, since: float, until: float, usual: float) -> Delays:
    over = sorted((seconds - usual) * 1000 for seconds in _ringing_after(stage, since, until))
    if len(over) < 2:
        return Delays(len(over), 0.0, 0.0)
    return Delays(len(over), quantiles(over, n=100)[-1], over[-1])


def _ringing_after(stage: Stage, since: float, until: float) -> Sequence[float]:
    records = [record for record in stage.lab.carrier.records() if since <= record.invited_at < until]
    return [seconds for record in records if (seconds := record.ringing_after_seconds) is not None]


FIGURES: dict[str, Callable[[Stage, LargeOrganisation], Awaitable[Row]]] = {
    "first publish": _first_publish,
    "ten changed rows": _ten_changed,
    "flip": _flip,
    "flip during an import": _flip_in_import,
    "flip during a publish": _flip_in_publish,
    "coverage": _coverage,
    "unchanged reconcile": _reconciled,
    "memory": _memory,
    "daemon's start": _started,
    "page views": _page_views,
    "HR file": hr_file,
}

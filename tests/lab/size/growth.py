"""How each figure grows from 1,000 to 100,000 DIDs: a stage of its own for each size, and the operations beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from tests.lab.faults.large_table import watching_commits
from tests.lab.faults.stage import Stage, now
from tests.lab.installation import Installation
from tests.lab.size.figures import changed_rows, reconciled_after
from tests.lab.size.large_stage import (
    Spent,
    Stopwatch,
    files_of,
    imported,
    large_stage,
    memory_mb,
    ready_again,
    verified_at,
)
from tests.lab.size.operations import Operations, operations
from tests.lab.size.organisation import LargeOrganisation

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
FLIPS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One size. `publish`, `changed`: from the database's commit, in seconds; `flip`: the median from the order to the
    key in Asterisk."""

    dids: int
    counted: Operations
    imported: Spent
    publish_seconds: float
    changed_seconds: float
    changed: Spent
    flip_ms: float
    reconciled: Spent
    ready: Spent
    peak_mb: int


async def growth(
    installation: Installation, sizes: Sequence[int], doing: Callable[[str], None]
) -> AsyncIterator[Point]:
    for dids in sizes:
        doing(f"growth: {dids:,} DIDs")
        organisation = LargeOrganisation.of(dids)
        counted = await operations(dids)
        async with large_stage(installation, organisation) as stage:
            yield await _point(stage, organisation, counted)


async def _point(stage: Stage, organisation: LargeOrganisation, counted: Operations) -> Point:
    watch = Stopwatch(stage.node.process.pid)
    async with watching_commits(stage) as commit:
        await imported(stage, files_of(organisation))
        answered = watch.spent()
        published_at = await verified_at(stage, since=watch.began_at)
    changed_seconds, changed = await changed_rows(stage, organisation)
    flip = await _flip_ms(stage)
    reconciled = await reconciled_after(stage)
    _, peak = memory_mb(stage.node.process.pid)
    return Point(
        organisation.dids,
        counted,
        answered,
        published_at - commit.seen_at(),
        changed_seconds,
        changed,
        flip,
        reconciled,
        await ready_again(stage),
        peak,
    )


async def _flip_ms(stage: Stage) -> float:
    """The key is looked at every 10 ms."""
    taken = []
    for _ in range(FLIPS):
        ordered_at = now()
        await stage.order("dr")
        change = await stage.watch.wait("divert", ordered_at, deadline_seconds=10)
        taken.append((change.at - ordered_at) * 1000)
        await stage.release()
        await stage.watch.wait("normal", ordered_at, deadline_seconds=10)
    return sorted(taken)[FLIPS // 2]

"""Everything of one run, in order, and what it found."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.lab.faults.result import Row
from tests.lab.installation import Installation
from tests.lab.page_parts import machine
from tests.lab.provision import provision
from tests.lab.size.fifty import PROFILES, Together, together
from tests.lab.size.figures import FIGURES, figures
from tests.lab.size.growth import SIZES, Point, growth
from tests.lab.size.large_stage import large_stage
from tests.lab.size.organisation import LargeOrganisation
from tests.lab.size.verdicts import PLATFORMS, Look, look


@dataclass
class Results:
    """`load` is the machine's at the beginning and at the end: processes that wanted to run, over the last minute."""

    dids: int
    machine: str
    rows: list[Row] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    fifty: list[Together] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def sizes(self) -> list[int]:
        return [size for size in SIZES if size <= self.dids]


def steps(dids: int) -> int:
    """How many there are, for the progress bar."""
    return len(FIGURES) + len([size for size in SIZES if size <= dids]) + len(PLATFORMS) + len(PROFILES)


async def run_all(
    dids: int, doing: Callable[[str], None], done: Callable[[Row | None], None], *, only_figures: bool = False
) -> Results:
    """`doing` is told what begins, `done` what has ended: with its row, where it has one."""
    installation = await provision()
    results = Results(dids, machine())
    results.load.append(os.getloadavg()[0])
    organisation = LargeOrganisation.of(dids)
    async with large_stage(installation, organisation) as stage:
        results.machine = machine(await stage.lab.asterisk.version())
        async for row in figures(stage, organisation, doing):
            results.rows.append(row)
            done(row)
    if not only_figures:
        await _grown(installation, results, doing, done)
    results.load.append(os.getloadavg()[0])
    return results


async def _grown(
    installation: Installation, results: Results, doing: Callable[[str], None], done: Callable[[Row | None], None]
) -> None:
    async for point in growth(installation, results.sizes, doing):
        results.points.append(point)
        done(None)
    for platforms in PLATFORMS:
        doing(f"verdicts of {platforms} platforms")
        results.looks.append(look(platforms))
        done(None)
    for profile in PROFILES:
        doing(f"fifty nodes, {profile}")
        results.fifty.append(await together(profile))
        done(None)

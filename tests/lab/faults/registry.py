"""All rows by name, and the stages they run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.lab.faults import measuring
from tests.lab.faults.at_once import AT_ONCE, at_once_rows
from tests.lab.faults.crowds import CROWDS, crowd_rows
from tests.lab.faults.doors import DOOR_FIGURES
from tests.lab.faults.feeds import feed_names, feed_rows
from tests.lab.faults.large import LARGE, large_rows
from tests.lab.faults.loops import LOOP_FIGURES
from tests.lab.faults.measuring import Fault
from tests.lab.faults.node_faults import egress_faults, node_faults
from tests.lab.faults.page import PAGE_FIGURES
from tests.lab.faults.people import PEOPLE, people_rows
from tests.lab.faults.platform_faults import platform_faults
from tests.lab.faults.rescue import RESCUE_FIGURES
from tests.lab.faults.result import Row, guarded
from tests.lab.faults.small import SMALL_FIGURES, Figure
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.provision import provision
from tests.lab.small_disk import MountRefused

FAULTS = {fault.name: fault for fault in (*platform_faults(), *egress_faults(), *node_faults())}

FIGURES = {**SMALL_FIGURES, **RESCUE_FIGURES, **LOOP_FIGURES, **PAGE_FIGURES, **DOOR_FIGURES}


def names() -> list[str]:
    return [*FAULTS, *FIGURES, *CROWDS, *AT_ONCE, *PEOPLE, *LARGE, *feed_names()]


async def run_all(
    only: Sequence[str], doing: Callable[[str], None], done: Callable[[Row], None]
) -> tuple[list[Row], str]:
    """The wanted rows, and the Asterisk they ran on. `doing` and `done` are told of the progress."""
    wanted = [name for name in names() if not only or name in only]
    installation = await provision()
    rows: list[Row] = []
    version = ""

    def note(row: Row) -> None:
        rows.append(row)
        done(row)

    shared = [FAULTS[name] for name in wanted if name in FAULTS and not FAULTS[name].alone]
    figures = [name for name in wanted if name in FIGURES]
    if shared or figures:
        async with opened(installation) as stage:
            version = (await stage.lab.asterisk.cli("core show version")).split(" built")[0].strip()
            for fault in shared:
                doing(fault.name)
                note(await guarded(fault.name, measuring.run(fault, stage)))
            for name in figures:
                doing(name)
                note(await guarded(name, _healed(FIGURES[name], stage)))
    for name in wanted:
        if name in FAULTS and FAULTS[name].alone:
            doing(name)
            note(await _alone(FAULTS[name], installation))
    async for row in crowd_rows(installation, [name for name in wanted if name in CROWDS], doing):
        note(row)
    async for row in at_once_rows([name for name in wanted if name in AT_ONCE], doing):
        note(row)
    async for row in people_rows(installation, [name for name in wanted if name in PEOPLE], doing):
        note(row)
    async for row in feed_rows(installation, [name for name in wanted if name in feed_names()], doing):
        note(row)
    async for row in large_rows(installation, [name for name in wanted if name in LARGE], doing):
        note(row)
    order = {name: number for number, name in enumerate(names())}
    return sorted(rows, key=lambda row: order[row.name]), version


async def _alone(fault: Fault, installation: Installation) -> Row:
    try:
        async with opened(installation, small_disk=fault.small_disk) as stage:
            return await guarded(fault.name, measuring.run(fault, stage))
    except MountRefused as error:
        return Row(fault.name, fault.what, (), skipped=str(error))


async def _healed(figure: Figure, stage: Stage) -> Row:
    await stage.heal()
    return await figure(stage)

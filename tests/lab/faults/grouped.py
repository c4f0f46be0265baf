"""Rows of the node that share a stage: what befalls Asterisk, the daemon, the database and what people bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.lab.faults import measuring
from tests.lab.faults.asterisk_faults import asterisk_faults
from tests.lab.faults.change_faults import change_faults, change_stage
from tests.lab.faults.clock_faults import clock_faults, clock_stage
from tests.lab.faults.daemon_faults import daemon_faults
from tests.lab.faults.database_faults import database_faults
from tests.lab.faults.measuring import Fault
from tests.lab.faults.result import Row, guarded
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation


@dataclass(frozen=True, slots=True)
class Group:
    """Rows on one stage."""

    faults: tuple[Fault, ...]
    stage: Callable[[Installation], AbstractAsyncContextManager[Stage]]


GROUPS = (
    Group(tuple(asterisk_faults()), opened),
    Group(tuple(clock_faults()), clock_stage),
    Group(tuple(daemon_faults()), opened),
    Group(tuple(database_faults()), opened),
    Group(tuple(change_faults()), change_stage),
)
GROUPED = tuple(fault.name for group in GROUPS for fault in group.faults)


async def rows_of(
    group: Group, installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, on their common stage."""
    faults = [fault for fault in group.faults if fault.name in wanted]
    if not faults:
        return
    async with group.stage(installation) as stage:
        for fault in faults:
            doing(fault.name)
            yield await guarded(fault.name, measuring.run(fault, stage))

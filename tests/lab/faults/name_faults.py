"""The name service dies under a node whose far ends are given by name."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from tests.lab.faults import measuring
from tests.lab.faults.measuring import Fault, Kind, Load, Measured
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import EGRESS_NO_PROGRESS_SECONDS, NO_PROGRESS_SECONDS, Stage, opened
from tests.lab.faults.told import moves
from tests.lab.installation import Installation
from tests.lab.name_server import DOMAIN, NameServer
from tests.lab.node import RingfenceNode
from tests.lab.small_disk import MountRefused

NAMES_DEAD = "network: DNS dead"
WHAT = (
    "platform and trunk A are given by name, B by its address; the name service falls silent, so that Asterisk reaches "
    "neither of the first two"
)
MARGIN_MS = 300


async def name_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    if NAMES_DEAD in wanted:
        doing(NAMES_DEAD)
        yield await guarded(NAMES_DEAD, _row(installation))


async def _row(installation: Installation) -> Row:
    servers: list[NameServer] = []

    def prepare(node: RingfenceNode) -> None:
        lab, server = node.lab, servers[0]
        for name, far_end in (("platform", lab.platform), ("a", lab.mobile_network)):
            far_end.reached_at = f"{name}.{DOMAIN}:{far_end.port}"
        server.serve(lab.asterisk.process, lab.asterisk.home.outside("/etc/resolv.conf"))
        server.serve(node.process, Path("/etc/resolv.conf"))

    async def die(stage: Stage) -> None:
        servers[0].die()

    async def live(stage: Stage) -> None:
        servers[0].live()

    fault = Fault(NAMES_DEAD, WHAT, Kind.SILENT, die, mend=live, load=Load(per_second=10.0), judge=_judge)
    try:
        # By a number that no other lab on this machine has.
        async with NameServer(os.getpid() & 0xFFFF) as server:
            servers.append(server)
            async with opened(installation, prepare=prepare) as stage:
                return await measuring.run(fault, stage)
    except MountRefused as error:
        return Row(NAMES_DEAD, WHAT, (), skipped=str(error))


def _judge(stage: Stage, measured: Measured) -> list[Bound]:
    """A call that meets no name waits as with any silence: at the platform, and at the first trunk."""
    after = None if measured.decided_at is None else measured.worst_added_ms(measured.decided_at)
    waits = (NO_PROGRESS_SECONDS + EGRESS_NO_PROGRESS_SECONDS) * 1000 + MARGIN_MS
    return [
        Bound("moves", moves(stage, measured), 1),
        Bound("added", measured.worst_added_ms(0), waits, "ms"),
        Bound("added after verdict", after, EGRESS_NO_PROGRESS_SECONDS * 1000 + MARGIN_MS, "ms"),
    ]

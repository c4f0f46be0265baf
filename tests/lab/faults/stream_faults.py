"""A platform reached over TCP or TLS: a connection that opens says nothing of the calls behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from tests.lab.faults import measuring
from tests.lab.faults.measuring import Act, Fault, Kind, Load
from tests.lab.faults.result import Row, guarded
from tests.lab.faults.stage import CALLED_DIDS, Stage, opened
from tests.lab.installation import Installation
from tests.lab.streams import StreamFront

QUICK = Load(per_second=30.0, before_seconds=2.5)
EXPIRED_DAYS, VALID_DAYS = -1, 30


async def _worked_before(stage: Stage) -> None:
    """Were the way to it broken from the beginning, the calls would go on by themselves and the row look well."""
    taken = sum(leg.final_status == 200 for leg in stage.lab.platform.calls())
    stage.must("taken too few before it", max(0, CALLED_DIDS - taken), 0)


HALF_OPEN = Fault(
    "platform over TCP half-open",
    "calls and OPTIONS reach it over TCP; it takes every connection and says nothing any more",
    Kind.SILENT,
    measuring.nothing,
    witness=_worked_before,
    verdict_seconds=3,
    load=QUICK,
)
EXPIRED = Fault(
    "platform's TLS certificate expired",
    "calls and OPTIONS reach it over TLS, which Asterisk verifies; its connections end, and whoever connects anew is "
    "shown a certificate that has expired",
    Kind.SILENT,
    measuring.nothing,
    witness=_worked_before,
    verdict_seconds=3,
    load=QUICK,
)
STREAMS = (HALF_OPEN.name, EXPIRED.name)


async def stream_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, each on a stage of its own, for a platform has one transport."""
    if HALF_OPEN.name in wanted:
        doing(HALF_OPEN.name)
        front = StreamFront("tcp")
        fault = replace(HALF_OPEN, inject=lambda stage: front.mute(), mend=lambda stage: front.speak())
        yield await guarded(fault.name, _row(fault, front, installation))
    if EXPIRED.name in wanted:
        doing(EXPIRED.name)
        front = StreamFront("tls")
        fault = replace(EXPIRED, inject=_show(front, EXPIRED_DAYS), mend=_show(front, VALID_DAYS))
        yield await guarded(fault.name, _row(fault, front, installation))


async def _row(fault: Fault, front: StreamFront, installation: Installation) -> Row:
    try:
        async with opened(installation, prepare=front.stand) as stage:
            await front.enter(stage.node)
            return await measuring.run(fault, stage)
    finally:
        await front.close()


def _show(front: StreamFront, days: int) -> Act:
    async def act(stage: Stage) -> None:
        await front.show_certificate(days=days)

    return act

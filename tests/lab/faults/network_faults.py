"""What the network between Asterisk and everybody else can do, on a stage whose far ends are hosts of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tests.lab.faults import measuring
from tests.lab.faults.measuring import Act, Fault, Kind, Load, Measured
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import NO_PROGRESS_SECONDS, Stage, opened
from tests.lab.faults.told import Verdicts, moves
from tests.lab.installation import Installation
from tests.lab.lines import CARRIER, EVERYBODY, Lines
from tests.lab.weather import Weather

QUICK = Load(per_second=30.0, before_seconds=2.5)
CUT_SECONDS = 6.0
MARGIN_MS = 300
FIRST_AGAIN_MS, SENT_AGAIN_MS = 500, 3500
"""When an INVITE that was lost comes again, from T1 of RFC 3261: the first time, and the third. The carrier's own are
counted as well, for a caller waits from his first one on."""

WEATHERS = {
    "network: 5 % lost": ("a twentieth of all packets, both ways, on every line", Weather(loss_share=0.05), 0),
    "network: 20 % lost": ("a fifth of all packets, both ways, on every line", Weather(loss_share=0.2), 4),
    "network: bursts": (
        "for 1 s of every 3 nothing passes, on any line",
        Weather(burst_seconds=1.0, burst_every_seconds=3.0),
        0,
    ),
    "network: delay and jitter": (
        "every packet takes 100 to 250 ms, and they overtake one another",
        Weather(delay_ms=100, jitter_ms=150),
        0,
    ),
    "network: duplicated": ("three packets in ten come twice", Weather(duplicate_share=0.3, jitter_ms=5), 0),
}


def network_faults(lines: Lines) -> list[Fault]:
    """In the order of the table."""
    return [
        *(_bad_weather(lines, name, *given) for name, given in WEATHERS.items()),
        _cut_off(lines),
        _no_way_in(lines),
    ]


def _bad_weather(lines: Lines, name: str, what: str, weather: Weather, diverted: int) -> Fault:
    """Nobody is down: no failover. A few single calls may give up on a platform whose every answer was lost."""

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        calls = {leg.call_id for leg in measured.platform_legs}
        return [
            Bound("moves", moves(stage, measured), 0),
            Bound("single calls diverted", measured.diverted, diverted),
            Bound("rung twice", max(0, len(calls) - len(measured.accounts)), 0),
            Bound("added", measured.worst_added_ms(0), NO_PROGRESS_SECONDS * 1000 + SENT_AGAIN_MS + MARGIN_MS, "ms"),
        ]

    return Fault(
        name,
        f"{what}; the platform is healthy",
        Kind.TRANSPARENT,
        lambda stage: lines.change(weather),
        mend=lambda stage: lines.calm(),
        load=QUICK,
        judge=judge,
    )


def _cut_off(lines: Lines) -> Fault:
    """Our own cable: everybody off this machine is silent at once."""
    verdicts = Verdicts()

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        return [
            Bound("moves", moves(stage, measured), 0),
            Bound("told `down`", verdicts.seen.count("down"), 0),
            verdicts.bound("unknown"),
        ]

    return Fault(
        "network: node cut off",
        f"platform, both trunks and the carrier are silent for {CUT_SECONDS:g} s: it is us, and nothing is moved; the "
        "carrier's INVITEs of that time come when it sends them again",
        Kind.TRANSPARENT,
        verdicts.during(_cut(lines, EVERYBODY)),
        mend=lambda stage: lines.calm(),
        load=QUICK,
        judge=judge,
    )


def _no_way_in(lines: Lines) -> Fault:
    """Nothing can be routed that does not come; what matters is that nothing is decided on it."""

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        came = [leg for leg in measured.platform_legs if _within(leg.at, measured.injected_at)]
        return [
            Bound("moves", moves(stage, measured), 0),
            Bound("diverted", measured.diverted, 0),
            Bound("calls that came in meanwhile", len(came), 0),
        ]

    return Fault(
        "inbound trunk gone",
        f"the carrier reaches us no more for {CUT_SECONDS:g} s, and then again; all else is well. Its INVITEs of that "
        "time come when it sends them again",
        Kind.TRANSPARENT,
        _cut(lines, (CARRIER,)),
        mend=lambda stage: lines.calm(),
        load=QUICK,
        judge=judge,
    )


def _within(at: float, injected_at: float) -> bool:
    """What had come in before the cut is at the platform a moment later."""
    return injected_at + FIRST_AGAIN_MS / 1000 <= at <= injected_at + CUT_SECONDS


def _cut(lines: Lines, which: Sequence[str]) -> Act:
    ended: set[asyncio.Task[None]] = set()

    async def act(stage: Stage) -> None:
        await lines.change(Weather(cut=True), which)

        async def end() -> None:
            await asyncio.sleep(CUT_SECONDS)
            await lines.calm()

        task = asyncio.create_task(end(), name="end of the cut")
        ended.add(task)
        task.add_done_callback(ended.discard)

    return act


NETWORK = tuple(fault.name for fault in network_faults(Lines()))


async def network_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, on one stage of their own."""
    if not wanted:
        return
    lines = Lines()
    async with _lined(installation, lines) as stage:
        for fault in network_faults(lines):
            if fault.name in wanted:
                doing(fault.name)
                yield await guarded(fault.name, measuring.run(fault, stage))


@asynccontextmanager
async def _lined(installation: Installation, lines: Lines) -> AsyncIterator[Stage]:
    try:
        async with opened(installation, prepare=lambda node: lines.lay(node.lab)) as stage:
            yield stage
    finally:
        await lines.close()

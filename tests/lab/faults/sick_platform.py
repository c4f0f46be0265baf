"""A platform that is neither dead nor well: slow, flapping, half of it gone, or without sound."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.lab.behaviour import Behaviour
from tests.lab.faults import measuring
from tests.lab.faults.measuring import Act, Fault, Kind, Load, Measured
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.small import Figure
from tests.lab.faults.stage import NO_PROGRESS_SECONDS, Stage
from tests.lab.faults.told import Verdicts, moves

QUICK = Load(per_second=30.0, before_seconds=2.5)
ASTERISK_WAITS_MS = 500
"""For an answer to its own OPTIONS, in the profile `lan`."""
FLAP_SECONDS = 5.0
MOST_MOVES = 2
"""With a hold-down of 5 s: the first outage, and a relapse that doubles it."""
HEARD = 20
MARGIN_MS = 300


def sick_platform_faults() -> list[Fault]:
    """In the order of the table."""
    return [
        _slow("platform slow", 450, "later than a question of ours waits, but not Asterisk's"),
        _slow("platform very slow", 1500, "later than any question waits: alarmed"),
        Fault(
            "platform flapping",
            f"its port refuses for {FLAP_SECONDS:g} s and is open for {FLAP_SECONDS:g} s, in turn; the back-off bounds "
            "how often everybody is moved",
            Kind.SILENT,
            _flap,
            load=Load(count=300, per_second=8.0),
            judge=_flapping_bounds,
        ),
        _half("platform: one node of two refuses", 503, 0.0, "answers its calls with 503"),
        _half("platform: one node of two dead", 0, NO_PROGRESS_SECONDS, "says nothing, to OPTIONS neither"),
    ]


def _slow(name: str, options_ms: int, late: str) -> Fault:
    verdicts = Verdicts()
    slow = replace(Behaviour(), options_delay_ms=options_ms, ring_delay_ms=3000)

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        found = [Bound("diverted", measured.diverted, 0), Bound("moves", moves(stage, measured), 0)]
        return [*found, verdicts.bound("degraded")] if options_ms > ASTERISK_WAITS_MS else found

    return Fault(
        name,
        f"the platform is healthy, rings after 3 s and answers OPTIONS after {options_ms} ms, {late}; nothing is moved",
        Kind.TRANSPARENT,
        verdicts.during(lambda stage: stage.lab.platform.behave(slow)),
        load=QUICK,
        judge=judge,
    )


async def _flap(stage: Stage) -> None:
    platform, carrier = stage.lab.platform, stage.lab.carrier
    while carrier.process is not None and carrier.process.running:
        await platform.close_port()
        await asyncio.sleep(FLAP_SECONDS)
        await platform.open_port()
        await asyncio.sleep(FLAP_SECONDS)


def _flapping_bounds(stage: Stage, measured: Measured) -> list[Bound]:
    return [
        Bound("moves", moves(stage, measured), MOST_MOVES),
        Bound("added", measured.worst_added_ms(0), 2000 + MARGIN_MS, "ms"),
    ]


def _half(name: str, status: int, waits_seconds: float, does: str) -> Fault:
    verdicts = Verdicts()
    sick = replace(Behaviour(), sick_share=0.5, sick_status=status)

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        # When no calls come in any more, five of the misses in a row are chance, and soon there.
        last_call_at = max(account.offered.invited_at for account in measured.accounts)
        return [
            Bound("moves while calls came in", moves(stage, measured, last_call_at), 0),
            verdicts.bound("degraded"),
            Bound("added", measured.worst_added_ms(0), waits_seconds * 1000 + MARGIN_MS, "ms"),
        ]

    what = f"behind one address, every second call meets a node that {does}; each such call goes on by itself"
    act: Act = verdicts.during(lambda stage: stage.lab.platform.behave(sick))
    return Fault(name, f"{what}, and the verdict is degraded", Kind.TRANSPARENT, act, load=QUICK, judge=judge)


async def _media_dead(stage: Stage) -> Row:
    """What is not detected is said, and not bounded."""
    verdicts = Verdicts()
    talking = replace(Behaviour(), talks=True)
    with_sound = [await _hears(stage, talking) for _ in range(2)]
    act = verdicts.during(lambda stage: stage.lab.platform.behave(Behaviour()))
    fault = Fault(MEDIA_DEAD, "", Kind.TRANSPARENT, act, prepare=lambda stage: stage.lab.platform.behave(talking))
    row = await measuring.run(replace(fault, load=QUICK), stage)
    without = [await _hears(stage, Behaviour()) for _ in range(HEARD)].count(False)
    what = (
        f"the platform takes every call and sends no sound: of {HEARD} callers who listened {without} heard nothing, "
        f"and the verdict stayed `{verdicts.words}`: a platform that answers calls and OPTIONS is not moved"
    )
    return replace(row, what=what, bounds=(*row.bounds, Bound("silent before it", with_sound.count(False), 0)))


async def _hears(stage: Stage, behaviour: Behaviour) -> bool:
    await stage.lab.platform.behave(behaviour)
    return (await stage.lab.caller.call(stage.dids[0], hold_seconds=0.1)).rtp_packet_count > 0


MEDIA_DEAD = "platform: media dead"
SICK_PLATFORM_FIGURES: dict[str, Figure] = {MEDIA_DEAD: _media_dead}

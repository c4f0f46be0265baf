"""Who is freed from a dead platform, and who is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.app.ports import AsteriskUnavailable, Leg
from ringfence.app.sweep import Sweeper, SweepLimits
from tests.fakes.clock import FakeClock, settle


class FakeSwitchboard:
    """Legs by list; freed ones leave it."""

    def __init__(self, legs: list[Leg]) -> None:
        self.legs = legs
        self.freed: list[str] = []
        self.fault: AsteriskUnavailable | None = None

    async def platform_legs(self, endpoint: str) -> list[Leg]:
        if self.fault:
            raise self.fault
        return [leg for leg in self.legs if leg.endpoint == endpoint]

    async def free(self, leg: Leg) -> bool:
        self.legs.remove(leg)
        self.freed.append(leg.channel)
        return True


WAITING = Leg("waiting", "uc", answered=False, ringing=False)
RINGING = Leg("ringing", "uc", answered=False, ringing=True)
TALKING = Leg("talking", "uc", answered=True, ringing=True)
ELSEWHERE = Leg("elsewhere", "other", answered=False, ringing=False)


async def sweep(
    board: FakeSwitchboard,
    spare_ringing: bool = False,
    at_most: int = 100,
    still: Callable[[], bool] = lambda: True,
    spared: Callable[[str], bool] = lambda did: False,
) -> int:
    clock = FakeClock()
    sweeper = Sweeper(board, clock, SweepLimits(50, at_most))
    task = asyncio.create_task(sweeper.sweep("uc", spare_ringing, still, spared))
    await settle()
    for _ in range(50):
        await clock.advance(0.1)
    assert task.done()
    return task.result()


async def test_whoever_waits_unanswered_is_freed_and_nobody_else() -> None:
    board = FakeSwitchboard([WAITING, RINGING, TALKING, ELSEWHERE])
    assert await sweep(board) == 2
    assert board.freed == ["waiting", "ringing"]


async def test_ringing_legs_are_spared_when_the_platform_only_refuses() -> None:
    board = FakeSwitchboard([WAITING, RINGING, TALKING])
    assert await sweep(board, spare_ringing=True) == 1
    assert board.freed == ["waiting"]


async def test_a_sweep_that_is_no_longer_wanted_stops_at_the_next_leg() -> None:
    board = FakeSwitchboard([Leg(f"w{n}", "uc", answered=False, ringing=False) for n in range(30)])
    assert await sweep(board, still=lambda: len(board.freed) < 3) == 3


async def test_callers_of_a_spared_did_are_left_and_a_leg_of_no_known_did_is_freed() -> None:
    pinned, other = "+441134960001", "+441134960002"
    legs = [Leg(f"for {did}", "uc", answered=False, ringing=False, did=did) for did in (pinned, other, "")]
    board = FakeSwitchboard(legs)
    assert await sweep(board, spared=lambda did: did != other) == 2
    assert board.freed == [f"for {other}", "for "]


async def test_no_more_are_freed_than_there_is_room() -> None:
    board = FakeSwitchboard([Leg(f"w{n}", "uc", answered=False, ringing=False) for n in range(30)])
    assert await sweep(board, at_most=10) == 10


async def test_asterisk_gone_in_mid_sweep_ends_it_without_an_error() -> None:
    board = FakeSwitchboard([WAITING])
    board.fault = AsteriskUnavailable("gone")
    assert await sweep(board) == 0


async def test_freeing_keeps_its_rate_whatever_the_asking_takes() -> None:
    board = FakeSwitchboard([Leg(f"w{n}", "uc", answered=False, ringing=False) for n in range(30)])
    clock = FakeClock()
    task = asyncio.create_task(Sweeper(board, clock, SweepLimits(50, 100)).sweep("uc", False))
    await settle()
    for _ in range(10):
        await clock.advance(0.02)
    assert 9 <= len(board.freed) <= 11
    task.cancel()

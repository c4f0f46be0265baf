"""The garbage collector while great numbers of objects are made."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from ringfence.app.collector import COLLECT_SECONDS, FREEZES, MANY_LOOKS, MANY_OLD, NEVER, OLDEST, collect, resting
from tests.fakes.clock import FakeClock, settle


class Circle:
    """Refers to itself."""

    alive = 0

    def __init__(self) -> None:
        Circle.alive += 1
        self.own = self

    def __del__(self) -> None:
        Circle.alive -= 1


@pytest.fixture(autouse=True)
def usual() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    yield before
    gc.unfreeze()
    gc.set_threshold(*before)


def test_old_objects_are_left_alone_until_the_last_one_is_done(usual: tuple[int, int, int]) -> None:
    with resting():
        with pytest.raises(ValueError, match="it fails"), resting():
            assert gc.get_threshold()[2] == NEVER
            raise ValueError("it fails")
        assert gc.get_threshold()[2] == NEVER
    assert gc.get_threshold() == usual


def test_young_garbage_is_still_collected() -> None:
    with resting():
        for _ in range(50_000):
            Circle()
        assert Circle.alive < 25_000


def test_what_stays_of_very_many_is_never_looked_at_again_and_of_few_it_is() -> None:
    before = gc.get_freeze_count()
    with resting():
        few = [[] for _ in range(10_000)]  # type: ignore[var-annotated]
    assert gc.get_freeze_count() == before
    with resting():
        many = [[] for _ in range(400_000)]  # type: ignore[var-annotated]
    assert gc.get_freeze_count() >= before + len(many) + len(few)


def test_a_small_rest_after_many_looks_leaves_nothing_alone_for_good() -> None:
    gc.collect()
    gc.set_threshold(100, 1, NEVER)
    before = [[] for _ in range(100_000)]  # type: ignore[var-annotated]
    assert gc.get_count()[2] > 3 * MANY_LOOKS
    frozen = gc.get_freeze_count()
    with resting():
        pass
    assert gc.get_freeze_count() == frozen
    assert len(before) == 100_000


def test_what_was_under_way_when_others_were_left_alone_goes_after_some_more_times() -> None:
    under_way = [Circle()]
    for _ in range(FREEZES + 1):
        with resting():
            for _ in range(MANY_LOOKS + 1):
                gc.collect(1)
        under_way.clear()
    assert Circle.alive == 0


async def test_what_refers_to_itself_goes_within_a_minute_but_not_while_many_are_made() -> None:
    clock = FakeClock()
    collecting = asyncio.create_task(collect(clock))
    try:
        await settle()
        Circle()
        gc.collect(1)  # it outlives the short looks, as what is under way does
        with resting():
            await clock.advance(COLLECT_SECONDS)
            looks = gc.get_stats()[2]["collections"]
            await clock.advance(COLLECT_SECONDS)
            assert gc.get_stats()[2]["collections"] == looks
        for _ in range(3):
            held = Circle()
            gc.collect(1)
            assert Circle.alive >= 1
            del held
            await clock.advance(COLLECT_SECONDS)
            assert Circle.alive == 0
    finally:
        collecting.cancel()


async def test_a_look_by_the_clock_is_long_once() -> None:
    """What an import of a few thousand DIDs left is not looked at again each minute."""
    clock = FakeClock()
    collecting = asyncio.create_task(collect(clock))
    try:
        await settle()
        gc.freeze()
        few = [[] for _ in range(MANY_OLD // 2)]  # type: ignore[var-annotated]
        frozen = gc.get_freeze_count()
        await clock.advance(COLLECT_SECONDS)
        assert gc.get_freeze_count() <= frozen
        many = [[] for _ in range(MANY_OLD)]  # type: ignore[var-annotated]
        await clock.advance(COLLECT_SECONDS)
        assert gc.get_freeze_count() > frozen + MANY_OLD - 1_000
        assert len(gc.get_objects(OLDEST)) < MANY_OLD / 2
        assert (len(few), len(many)) == (MANY_OLD // 2, MANY_OLD)
    finally:
        collecting.cancel()


def test_no_look_stops_us_for_a_hundred_thousand_objects() -> None:
    """Each object is looked at as often in many short looks as in few long ones."""
    looked_at: list[int] = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            young, middle = (len(gc.get_objects(generation)) for generation in (0, 1))
            looked_at.append(young + (middle if info["generation"] else 0))

    gc.collect()
    gc.callbacks.append(count)
    try:
        with resting():
            made = [[] for _ in range(200_000)]  # type: ignore[var-annotated]
    finally:
        gc.callbacks.remove(count)
    assert len(made) == 200_000
    assert looked_at
    assert max(looked_at) <= 25_000


@pytest.mark.parametrize("count", [80_000, 120_000, 240_000])
def test_nothing_is_looked_at_as_a_whole_when_it_is_done(count: int) -> None:
    """That would be in the middle of an import: after its file was read, before it is stored."""
    whole: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            whole.append(gc.get_count()[2])

    gc.set_threshold(700, 10, 10)  # as Python has it
    gc.freeze()
    gc.collect()
    gc.callbacks.append(note)
    for _ in range(12):
        gc.collect(1)  # as in quiet hours, in which too little is made for a look at everything
    try:
        with resting():
            made = [[] for _ in range(count)]  # type: ignore[var-annotated]
        more = [[] for _ in range(3_000)]  # type: ignore[var-annotated]
    finally:
        gc.callbacks.remove(note)
    assert (len(made), len(more), whole) == (count, 3_000, [])

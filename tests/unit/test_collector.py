"""The garbage collector while great numbers of objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ringfence.app.collector import NEVER, resting


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
    class Circle:
        alive = 0

        def __init__(self) -> None:
            Circle.alive += 1
            self.own = self

        def __del__(self) -> None:
            Circle.alive -= 1

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

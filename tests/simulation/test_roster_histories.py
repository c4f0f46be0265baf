"""Three years of joiners, movers, leavers, broken feeds and entries by hand, a thousand times, with one promise: nobody
is rung who has left, or whose DID it is not."""

from __future__ import annotations

import pytest

from tests.simulation.roster_history import History


def run(seed: int, size: int, days_between: int) -> None:
    history = History(seed, size, days_between)
    try:
        history.run()
    except AssertionError as fault:
        raise AssertionError(f"seed {seed}, size {size}, at {history.now:%Y-%m-%d %H:%M}: {fault}") from fault


@pytest.mark.parametrize("first", range(0, 1_000, 25))
def test_forty_people_for_three_years(first: int) -> None:
    for seed in range(first, first + 25):
        run(seed, 40, 60)


@pytest.mark.parametrize("seed", range(5))
def test_twenty_five_hundred_people_for_three_years(seed: int) -> None:
    run(seed, 2_500, 100)

"""Sixty hours of the long simulation, and that it can fail; the ten thousand are `make simulation`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from ringfence.domain.outage import Mode
from ringfence.domain.schedule import LAN
from ringfence.domain.verdict import WitnessPolicy
from tests.simulation.long_report import told
from tests.simulation.long_run import BEGAN, play
from tests.simulation.long_world import LongWorld
from tests.simulation.world import PLATFORM, Qualify

DIGEST = "from tests.simulation.long_run import play; print(play(3, {number}, 6.0).digest)"


@pytest.mark.parametrize("number", range(4))
def test_no_rule_is_broken_in_hours_at_random(number: int) -> None:
    chapter = play(1, number, 15.0)
    assert not chapter.broken, f"seed {chapter.seed}: {chapter.broken}\n" + "\n".join(chapter.lines[-12:])


@pytest.mark.parametrize("number", range(2))
def test_a_seed_gives_the_same_history_in_another_process(number: int) -> None:
    program = [sys.executable, "-c", DIGEST.format(number=number)]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == play(3, number, 6.0).digest


async def test_a_platform_that_died_while_the_daemon_was_stopped_is_not_slept_through() -> None:
    world = LongWorld(Random(1), LAN, Qualify(1.0, 0.5), BEGAN, WitnessPolicy())
    await world.boot()
    while world.clock.seconds < 30.0:
        await world.step()
    assert world.would_rest(60.0)
    world.stop(20.0)
    world.network.silent.add(PLATFORM)
    while world.mode is Mode.NORMAL and world.clock.seconds < 60.0:
        assert not world.would_rest(60.0)
        await world.step()
    assert world.mode is Mode.FAILED_OVER


def test_a_daemon_that_never_suspects_itself_breaks_a_rule() -> None:
    chapter = play(1, 4, 1.0, WitnessPolicy(min_witnesses=9))
    assert "and the platform answered for" in chapter.broken


def test_a_fault_that_never_happened_is_told() -> None:
    chapter = play(3, 0, 1.0)
    chapter.hours = 1_000.0
    assert "node cut off" in told(3, [chapter], 1.0).never
    chapter.broken = "something"
    assert not told(3, [chapter], 1.0).ok

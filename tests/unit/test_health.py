"""The rise/fall counter: every short history, and what unknown means."""

from __future__ import annotations

from itertools import product

import pytest

from ringfence.domain.health import (
    EvidenceKind,
    Health,
    HealthState,
    Observation,
    RiseFall,
    TargetId,
    TargetRole,
    remembered,
)
from tests.unit.moments import at

TARGET = TargetId(TargetRole.PLATFORM, "uc")


def seen(passed: bool | None, second: float) -> Observation:
    return Observation(TARGET, EvidenceKind.SIP_OPTIONS, passed, at(second), "test")


def after(health: Health, answers: tuple[bool | None, ...], limits: RiseFall) -> Health:
    for second, passed in enumerate(answers):
        health = health.observe(seen(passed, second), limits)
    return health


@pytest.mark.parametrize(("rise", "fall"), list(product((1, 2, 3), (1, 2, 3))))
def test_every_history_changes_state_only_after_rise_or_fall_in_a_row(rise: int, fall: int) -> None:
    limits = RiseFall(rise, fall)
    for answers in product((True, False), repeat=8):
        health = after(Health(), (True,), limits)
        run, last, state = 0, None, HealthState.UP
        for second, passed in enumerate(answers):
            run = run + 1 if passed == last else 1
            last = passed
            if state is HealthState.UP and not passed and run >= fall:
                state = HealthState.DOWN
            elif state is HealthState.DOWN and passed and run >= rise:
                state = HealthState.UP
            health = health.observe(seen(passed, second), limits)
            assert health.state is state, answers


def test_a_target_that_never_passed_is_unknown_however_often_it_missed() -> None:
    health = after(Health(), (False,) * 50, RiseFall(1, 1))
    assert health.state is HealthState.UNKNOWN
    assert not health.undecided


def test_a_target_that_passed_before_the_restart_can_be_found_down() -> None:
    health = after(remembered(True), (False,) * 3, RiseFall(3, 3))
    assert health.state is HealthState.DOWN


def test_cannot_tell_is_neither_a_pass_nor_a_miss() -> None:
    limits = RiseFall(2, 2)
    health = after(Health(), (True, False, None, None, None), limits)
    assert (health.state, health.contrary) == (HealthState.UP, 1)
    assert after(health, (False,), limits).state is HealthState.DOWN


def test_the_silence_begins_with_the_first_miss_and_ends_with_a_pass() -> None:
    limits = RiseFall(2, 3)
    health = after(Health(), (True, False, False), limits)
    assert health.missing_since == at(1)
    assert after(health, (True,), limits).missing_since is None


def test_what_took_a_target_down_is_known_until_it_is_up_again() -> None:
    limits = RiseFall(2, 2)
    down = after(Health(), (True, False, False), limits)
    assert down.down_since == at(1)
    rising_and_missed = after(down, (True, False, True), limits)
    assert (rising_and_missed.state, rising_and_missed.down_since) == (HealthState.DOWN, at(1))
    assert after(rising_and_missed, (True,), limits).down_since is None

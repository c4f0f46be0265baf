"""The bounds that are promised, on the fake clock: detection within the formula, and no failover for nothing."""

from __future__ import annotations

import pytest

from ringfence.app.ports import CarrierCalled
from ringfence.domain.health import EvidenceKind, Observation, TargetId
from ringfence.domain.outage import Mode, OutagePolicy
from ringfence.domain.outcomes import OutcomeClass
from ringfence.domain.reasons import Reason
from ringfence.domain.schedule import LAN, WAN, Cadence
from ringfence.domain.verdict import WitnessPolicy
from tests.simulation.world import CONTROL, DIDS, PLATFORM, TRUNK_A, TRUNK_B, Network, Qualify, World

LAN_QUALIFY = Qualify(1.0, 0.5)
WAN_QUALIFY = Qualify(5.0, 3.0)
DAY = 86_400.0
EVER = float("inf")
PROFILES = [pytest.param(LAN, LAN_QUALIFY, id="lan"), pytest.param(WAN, WAN_QUALIFY, id="wan")]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("cadence", "qualify"), PROFILES)
async def test_a_frozen_platform_is_found_within_the_formula(seed: int, cadence: Cadence, qualify: Qualify) -> None:
    died = 60 + seed * 0.137
    world = World(seed, cadence, qualify, Network(down={PLATFORM: [(died, EVER)]}))
    await world.run(died - 0.001)
    assert world.failovers == 0
    bound = max(cadence.worst_case_detection_seconds, qualify.interval_seconds + qualify.timeout_seconds)
    await world.run(died + bound + cadence.timeout_seconds)
    assert world.mode is Mode.FAILED_OVER, f"seed {seed}"
    assert world.failed_over_at() - died <= bound + 0.01, f"seed {seed}"


def test_the_lan_profile_keeps_its_promise_of_three_seconds() -> None:
    assert LAN.worst_case_detection_seconds <= 3.0


@pytest.mark.parametrize("seed", range(1))
async def test_a_day_of_heavy_loss_and_bursts_on_a_wan_moves_nothing(seed: int) -> None:
    network = Network(loss=0.2, burst_every_seconds=97.0, burst_seconds=2.0)
    world = World(seed, WAN, WAN_QUALIFY, network)
    await world.run(DAY)
    assert world.failovers == 0, f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("cadence", "qualify"), PROFILES)
async def test_a_daemon_stopped_for_half_a_minute_sees_no_outage(seed: int, cadence: Cadence, qualify: Qualify) -> None:
    world = World(seed, cadence, qualify, Network(loss=0.05))
    world.stopped = [(100.0 + seed * 0.31, 130.0 + seed * 0.31)]
    await world.run(300)
    assert world.failovers == 0, f"seed {seed}"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("length", [3.0, 30.0, 600.0])
@pytest.mark.parametrize(("cadence", "qualify"), PROFILES)
async def test_a_node_that_is_cut_off_moves_nothing(
    seed: int, length: float, cadence: Cadence, qualify: Qualify
) -> None:
    start = 60 + seed * 0.077
    world = World(seed, cadence, qualify, Network(cut_off=[(start, start + length)]))
    await world.run(start + length + 120)
    assert world.failovers == 0, f"seed {seed}"


@pytest.mark.parametrize("dead", [[CONTROL], [CONTROL, TRUNK_A]])
async def test_dead_witnesses_never_block_a_failover_while_one_is_heard(dead: list[TargetId]) -> None:
    down = {target: [(10.0, EVER)] for target in dead}
    world = World(1, LAN, LAN_QUALIFY, Network(down={**down, PLATFORM: [(600.0, EVER)]}))
    await world.run(604)
    assert world.mode is Mode.FAILED_OVER


@pytest.mark.parametrize("back", [[TRUNK_A], []])
async def test_where_all_witnesses_had_died_the_first_that_is_heard_again_ends_the_doubt(back: list[TargetId]) -> None:
    """Nothing is heard of anybody, as if we were cut off; nor does anybody call who would have to be diverted. Then a
    trunk is back, or a call comes in."""
    down = {target: [(10.0, 900.0 if target in back else EVER)] for target in (CONTROL, TRUNK_A, TRUNK_B)}
    world = World(1, LAN, LAN_QUALIFY, Network(down={**down, PLATFORM: [(600.0, EVER)]}))
    if not back:
        world.at(900, lambda: CarrierCalled(world.clock.now()))
    await world.run(900)
    assert world.mode is Mode.NORMAL
    await world.run(900 + WitnessPolicy().settle_seconds + LAN.interval_seconds * 2)
    assert world.mode is Mode.FAILED_OVER


async def test_a_node_that_is_cut_off_after_its_carriers_died_moves_nothing() -> None:
    down = {target: [(10.0, 4_000.0)] for target in (TRUNK_A, TRUNK_B)}
    world = World(1, LAN, LAN_QUALIFY, Network(down=down, cut_off=[(3_000.0, 3_400.0)]))
    await world.run(4_200)
    assert world.failovers == 0


async def test_two_hundred_calls_of_one_outsider_move_nothing() -> None:
    world = World(1, LAN, LAN_QUALIFY, Network())
    for number in range(200):
        world.call(10 + number * 0.2, f"+4411349799{number:02}", "+33123456789", OutcomeClass.UNDELIVERABLE, 404)
        world.call(10 + number * 0.2, DIDS[number % 50], "+33123456789", OutcomeClass.UNDELIVERABLE, 480)
    await world.run(120)
    assert world.failovers == 0


async def test_a_platform_that_refuses_everybody_is_found_with_the_tenth_call() -> None:
    world = World(1, LAN, LAN_QUALIFY, Network())
    world.calls((10 + n * 0.2 for n in range(50)), OutcomeClass.PUT_THROUGH)
    world.calls((30 + n * 0.2 for n in range(9)), OutcomeClass.UNDELIVERABLE, 480)
    await world.run(40)
    assert world.failovers == 0
    world.call(41, DIDS[40], "+442079460040", OutcomeClass.UNDELIVERABLE, 480)
    await world.run(41.001)
    assert world.mode is Mode.FAILED_OVER


async def test_telephones_that_are_logged_out_at_night_may_all_be_rung() -> None:
    """The platform is healthy and tells the truth about every one of them."""
    world = World(1, WAN, WAN_QUALIFY, Network())
    world.calls((10 + n * 0.2 for n in range(len(DIDS))), OutcomeClass.PUT_THROUGH)
    night = 10 + len(DIDS) * 0.2 + 3600
    world.calls((night + n * 0.5 for n in range(len(DIDS))), OutcomeClass.UNDELIVERABLE, 480)
    await world.run(night + 120)
    assert world.failovers == 0
    assert world.judge.verdict(PLATFORM, world.clock.now()).reason is Reason.SOME_CALLS_REFUSED


async def test_an_outage_of_calls_is_cleared_by_trial_calls_alone() -> None:
    policy = OutagePolicy(hold_down_seconds=30, trial_calls=3)
    world = World(1, LAN, LAN_QUALIFY, Network(), policy)
    world.calls((10 + n * 0.2 for n in range(10)), OutcomeClass.FAILURE, 503)
    await world.run(120)
    assert world.mode is Mode.FAILED_OVER, "its failures are still inside the window"
    await world.run(150)
    assert world.mode is Mode.HOLD_DOWN
    await world.run(3600)
    assert world.mode is Mode.TRIAL, "without calls a trial does not pass by itself"
    world.calls((3601, 3602, 3603), OutcomeClass.PUT_THROUGH)
    await world.run(3604)
    assert world.mode is Mode.NORMAL


async def test_a_bad_trial_goes_back_and_doubles_the_hold_down() -> None:
    policy = OutagePolicy(hold_down_seconds=30, trial_failures=2)
    world = World(1, LAN, LAN_QUALIFY, Network(down={PLATFORM: [(10.0, 40.0)]}), policy)
    await world.run(90)
    assert world.mode is Mode.TRIAL
    world.calls((91, 92), OutcomeClass.UNDELIVERABLE, 480)
    await world.run(93)
    assert world.mode in (Mode.FAILED_OVER, Mode.HOLD_DOWN)
    await world.run(92 + 59)
    assert world.mode is Mode.HOLD_DOWN
    await world.run(92 + 65)
    assert world.mode is Mode.TRIAL


async def test_calls_that_go_through_outvote_lost_probes() -> None:
    world = World(1, LAN, LAN_QUALIFY, Network(down={PLATFORM: [(30.0, EVER)]}))
    world.calls((n * 0.2 for n in range(1000)), OutcomeClass.PUT_THROUGH)
    await world.run(190)
    assert world.failovers == 0


async def test_a_clock_that_is_stepped_ends_no_hold_down() -> None:
    policy = OutagePolicy(hold_down_seconds=60)
    world = World(1, LAN, LAN_QUALIFY, Network(down={PLATFORM: [(10.0, 20.0)]}), policy)
    await world.run(30)
    assert world.mode is Mode.HOLD_DOWN
    real_now = world.clock.now
    world.clock.now = lambda: type(real_now())(real_now().wall.replace(year=2035), real_now().monotonic)  # type: ignore[method-assign]
    await world.run(60)
    assert world.mode is Mode.HOLD_DOWN
    await world.run(90)
    assert world.mode is Mode.TRIAL


async def test_witnesses_on_one_host_are_one_and_those_on_the_platforms_are_none() -> None:
    down = {target: [(60.0, EVER)] for target in (PLATFORM, TRUNK_A, TRUNK_B)}
    beside = {PLATFORM: "uc.example", TRUNK_A: "uc.example", TRUNK_B: "sbc.example", CONTROL: "sbc.example"}
    world = World(1, LAN, LAN_QUALIFY, Network(down=down), hosts=beside)
    await world.run(64)
    assert world.mode is Mode.FAILED_OVER


async def test_a_diverted_call_that_rings_out_by_our_own_timer_is_no_witness() -> None:
    world = World(1, LAN, LAN_QUALIFY, Network(cut_off=[(60.0, 120.0)]))
    for second in (59.0, 65.0, 75.0):
        world.at(second, lambda: Observation(TRUNK_A, EvidenceKind.CALL_OUTCOMES, True, world.clock.now(), "rang out"))
    await world.run(240)
    assert world.failovers == 0


async def test_a_platform_known_by_its_calls_alone_comes_back_by_trial() -> None:
    network = Network(down={PLATFORM: [(0.0, EVER)]})  # it has never answered a probe
    world = World(1, LAN, LAN_QUALIFY, network, OutagePolicy(hold_down_seconds=30))
    world.calls((10 + n * 0.2 for n in range(10)), OutcomeClass.FAILURE, 503)
    await world.run(100)
    assert world.mode is Mode.FAILED_OVER
    await world.run(200)
    assert world.mode is Mode.TRIAL

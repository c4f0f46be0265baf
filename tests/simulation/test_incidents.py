"""What the machine decides in long runs, stored: exactly one incident is open whenever the mode is not NORMAL."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ringfence.domain.incident import Incident
from ringfence.domain.outage import Mode, OutagePolicy
from ringfence.domain.outcomes import OutcomeClass
from ringfence.domain.schedule import LAN
from ringfence.store.incident_store import SqlIncidentStore
from ringfence.store.outage_store import SqlOutageStore
from tests.integration.stores import opened
from tests.simulation.test_failover import LAN_QUALIFY
from tests.simulation.world import PLATFORM, Network, World

LENGTH = 3_600.0


async def _decided(seed: int) -> World:
    """An hour with a few outages, and calls that go well whenever the platform is tried."""
    random = Random(seed)
    begins = sorted(random.uniform(60, LENGTH - 300) for _ in range(6))
    down = [(begin, begin + random.choice((10.0, 40.0, 200.0))) for begin in begins]
    policy = OutagePolicy(hold_down_seconds=20, trial_calls=3, trial_one_in=1)
    world = World(seed, LAN, LAN_QUALIFY, Network(down={PLATFORM: down}), policy)
    answered = [s for s in range(5, int(LENGTH), 5) if not any(begin <= s < end for begin, end in down)]
    world.calls(map(float, answered), OutcomeClass.PUT_THROUGH)
    await world.run(LENGTH)
    return world


@pytest.mark.parametrize("seed", range(3))
async def test_incidents_follow_the_mode(seed: int, tmp_path: Path) -> None:
    world = await _decided(seed)
    changes = [change for change in world.store.changes if change.transition]
    async with opened(tmp_path / "ringfence.db") as database:
        outages, incidents = SqlOutageStore(database), SqlIncidentStore(database)
        for change in changes:
            await outages.commit(change)
            standing = await incidents.incidents(10, is_open=True)
            assert change.state is not None
            assert len(standing) == (change.state.mode is not Mode.NORMAL), f"seed {seed}"
        stored = await incidents.incidents(100)
    moves = [change.transition for change in changes if change.transition]
    opened_at = [m.at.wall for m in moves if (m.before, m.after) == (Mode.NORMAL, Mode.FAILED_OVER)]
    closed_at = [m.at.wall for m in moves if m.after is Mode.NORMAL]
    oldest_first: list[Incident] = stored[::-1]
    assert opened_at, f"seed {seed}: nothing happened"
    assert [one.opened_at for one in oldest_first] == opened_at, f"seed {seed}"
    assert [one.closed_at for one in oldest_first if one.closed_at] == closed_at, f"seed {seed}"
    assert sum(one.relapses for one in oldest_first) == world.failovers - len(opened_at), f"seed {seed}"
    assert not any(one.late for one in oldest_first)

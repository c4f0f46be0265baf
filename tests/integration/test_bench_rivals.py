"""The bench's own programs, the AGI script and the Stasis application, route calls: else they would be no rivals."""

from __future__ import annotations

from tests.lab.bench.configurations import FALLBACK_NUMBER
from tests.lab.bench.stage import opened
from tests.lab.installation import Installation


async def test_rivals_dial_the_platform_and_then_the_next_destination(installation: Installation) -> None:
    async with opened(installation, ("agi", "stasis")) as stage:
        assert stage.missing == []
        for lane in stage.lanes:
            call = await lane.caller.call(stage.dids[0], hold_seconds=0.05, give_up_seconds=20)
            assert (lane.name, call.statuses[-1]) == (lane.name, 200)
        assert [call.number for call in stage.lab.platform.calls()] == [stage.dids[0]] * 2
        await stage.lab.platform.answer(503)
        for lane in stage.lanes:
            call = await lane.caller.call(stage.dids[0], hold_seconds=0.05, give_up_seconds=20)
            assert (lane.name, call.statuses[-1]) == (lane.name, 200)
        assert [call.number for call in stage.lab.mobile_network.calls()] == [FALLBACK_NUMBER] * 2

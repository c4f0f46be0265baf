"""What an order leaves to be stored."""

from __future__ import annotations

from ringfence.app.orders import ForgetExpired, ReleaseOverride, carried_out
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from tests.unit.moments import START

UC = OverrideTarget(scope="uc")
WORD = Override(UC, OverrideKind.DR, "ringfence", "drill", START.wall, None)


async def test_only_the_end_of_its_time_is_told_as_expired() -> None:
    for order, expired in ((ForgetExpired(WORD), True), (ReleaseOverride(UC, "ringfence", "done"), False)):
        held = {UC: WORD}
        change = carried_out(order, held, START.wall)
        assert change is not None
        assert (change.expired, change.override_released, held) == (expired, UC, {})

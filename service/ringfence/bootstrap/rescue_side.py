"""The rescue of calls in progress, wired."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.app.failover import Failover
from ringfence.app.judge import Judge
from ringfence.app.ports import Clock
from ringfence.app.rescue import Rescuer, standing
from ringfence.asterisk.calls_in_progress import AsteriskCallsInProgress
from ringfence.bootstrap.asterisk_side import AsteriskSide
from ringfence.config import Settings
from ringfence.domain.silence import SilencePolicy


def rescuer(
    settings: Settings,
    asterisk: AsteriskSide,
    clock: Clock,
    failover: Failover,
    judge: Judge,
    pinned: Callable[[str], bool],
) -> Rescuer:
    """For the platforms whose calls are rescued."""
    wanted = [platform for platform in settings.platform if platform.rescue]
    return Rescuer(
        AsteriskCallsInProgress(asterisk.switchboard, asterisk.ari, asterisk.mode_link),
        clock,
        lambda scope: standing(failover, judge, scope),
        {p.name: p.dial_endpoint for p in wanted},
        {p.name: SilencePolicy(p.rescue_silence_seconds, p.rescue_held_seconds) for p in wanted},
        pinned,
        settings.egress.sweep_per_second,
    )

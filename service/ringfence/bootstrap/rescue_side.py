"""What takes callers off a dead platform, wired: the sweep those who still wait, the rescue those who were talking."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.app.failover import Failover
from ringfence.app.judge import Judge
from ringfence.app.ports import Clock, Switchboard
from ringfence.app.rescue import Rescuer, standing
from ringfence.app.sweep import DueSweeps, Sweeper, SweepLimits
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


def due_sweeps(
    settings: Settings, switchboard: Switchboard, clock: Clock, failover: Failover, pinned: Callable[[str], bool]
) -> DueSweeps:
    """For every platform and egress trunk, by the key of its mode or state."""
    egress = settings.egress
    endpoints = {f"mode/{p.name}": p.dial_endpoint for p in settings.platform}
    endpoints |= {f"egress/{t.name}": t.dial_endpoint for t in settings.egress_trunk}
    limits = SweepLimits(egress.sweep_per_second, egress.max_calls)
    return DueSweeps(Sweeper(switchboard, clock, limits), failover, endpoints, pinned)

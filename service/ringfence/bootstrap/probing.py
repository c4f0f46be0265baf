"""The probes of every configured target, scheduled."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ringfence.app.judge import Judge
from ringfence.app.monitor import LoopLateness, Monitor, Scheduled
from ringfence.app.ports import Clock
from ringfence.bootstrap import values
from ringfence.config import Settings
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe


def monitor(
    settings: Settings, clock: Clock, lateness: LoopLateness, judge: Judge, submit: Callable[[Any], None]
) -> Monitor:
    """Asks each target at its own cadence, and oftener while the judge is in doubt."""
    scheduled = []
    for target, (host_port, cadence) in values.probed_hosts(settings).items():
        host, _, port = host_port.rpartition(":")
        scheduled.append(Scheduled(SipOptionsProbe(SipOptionsConfig(target, host, int(port))), cadence))
    return Monitor(scheduled, clock, lateness, submit, lambda probe: judge.undecided(probe.target), Random())  # noqa: S311

"""How long nothing has come in on a call's leg, told from how many packets it has counted.

Silence alone says nothing: a person listens, a telephone suppresses it, a caller is on hold. It counts only while the
platform is known to be dead, which is asked elsewhere (`app/rescue.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.domain.moment import Moment


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when a leg's count stands where it is."""

    packets: int
    since: Moment


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """After how many seconds without a packet a leg of a dead platform is dead, too."""

    seconds: float = 3.0
    held_seconds: float = 60.0


def another(before: Silence | None, packets: int, now: Moment) -> Silence:
    """The silence after one more look."""
    return before if before is not None and before.packets == packets else Silence(packets, now)


def dead(silence: Silence, held: bool, now: Moment, policy: SilencePolicy) -> bool:
    """Whether a leg of a dead platform has been silent for long enough. `held`: the platform has put the caller on hold
    and may rightly send nothing."""
    return now.since(silence.since) >= (policy.held_seconds if held else policy.seconds)

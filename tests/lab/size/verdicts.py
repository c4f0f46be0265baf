"""What one look at everything costs the one writer, by how many platforms there are: it happens four times a second."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import FrameType

from ringfence.app.judge import Judge, Watched
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.schedule import LAN
from ringfence.domain.verdict import WitnessPolicy
from tests.unit.moments import at

PLATFORMS = (1, 5, 20, 50, 100)
TRUNKS = 4
KINDS = (EvidenceKind.CONTACT_STATUS, EvidenceKind.SIP_OPTIONS)
ENOUGH_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Look:
    """All verdicts once. Microseconds of CPU time."""

    platforms: int
    targets: int
    us: float

    @property
    def us_a_target(self) -> float:
        return self.us / self.targets


def look(platforms: int) -> Look:
    """With every platform silent: each verdict asks for witnesses."""
    judge = _all_silent(platforms)
    began, rounds = time.process_time(), 0
    while time.process_time() - began < ENOUGH_SECONDS:
        for target in judge.targets:
            judge.verdict(target, at(20))
        rounds += 1
    return Look(platforms, len(judge.targets), (time.process_time() - began) / rounds * 1e6)


def calls_for_a_verdict(platforms: int) -> int:
    """Python functions called for one verdict: the same on every machine."""
    judge, called = _all_silent(platforms), 0

    def count(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal called
        called += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        judge.verdict(judge.targets[0], at(20))
    finally:
        sys.setprofile(before)
    return called


def _all_silent(platforms: int) -> Judge:
    targets = [TargetId(TargetRole.PLATFORM, f"uc{number}") for number in range(platforms)]
    targets += [TargetId(TargetRole.TRUNK, f"t{number}") for number in range(TRUNKS)]
    outcomes = {target.name: OutcomePolicy() for target in targets if target.role is TargetRole.PLATFORM}
    watched = [Watched(target, KINDS, LAN.limits) for target in targets]
    judge = Judge(watched, outcomes, WitnessPolicy(), lambda did: True)
    for second in range(20):
        for target in targets:
            passed = second <= 9 or target.role is not TargetRole.PLATFORM
            for kind in KINDS:
                judge.observe(Observation(target, kind, passed, at(second), "counted"))
    return judge

"""The rise/fall state of one kind of evidence about one target.

The rule is HAProxy's (`rise` passes in a row to come up, `fall` misses in a row to go down, one contrary answer resets
the count), with a third state: a target that has never passed is *unknown*, however often it missed, because a probe
that is refused by an access list must not look like an outage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ringfence.domain.moment import Moment

MUTE_SECONDS: Final = 3.0


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    CONTACT_STATUS = "contact_status"
    SIP_OPTIONS = "sip_options"
    REGISTRATION = "registration"
    TCP = "tcp"
    HTTP = "http"
    CERTIFICATE = "certificate"
    CALL_OUTCOMES = "call_outcomes"
    ANSWER_RATIO = "answer_ratio"
    SHORT_CALLS = "short_calls"
    INBOUND_SILENCE = "inbound_silence"
    ENDLESS_RINGING = "endless_ringing"
    ANNOUNCING = "announcing"


class TargetRole(StrEnum):
    """Why a target is probed."""

    PLATFORM = "platform"
    TRUNK = "trunk"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class TargetId:
    """One thing that is probed; unique by role and name."""

    role: TargetRole
    name: str

    def __str__(self) -> str:
        return f"{self.role}:{self.name}"


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer of one probe. `passed` is None when the probe cannot tell (it never counts as a miss)."""

    target: TargetId
    kind: EvidenceKind
    passed: bool | None
    at: Moment
    detail: str


class HealthState(StrEnum):
    """What the counter says of its target."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class RiseFall:
    """Answers in a row that change the state: `rise` passes, `fall` misses, each 1 to 100."""

    rise: int
    fall: int

    def __post_init__(self) -> None:
        assert 1 <= self.rise <= 100, self.rise
        assert 1 <= self.fall <= 100, self.fall


@dataclass(frozen=True, slots=True)
class Health:
    """State of one evidence kind of one target. `contrary` counts the answers in a row that speak against `state`."""

    state: HealthState = HealthState.UNKNOWN
    contrary: int = 0
    ever_passed: bool = False
    last_passed_at: Moment | None = None
    passing_since: Moment | None = None
    missing_since: Moment | None = None
    last_answer_at: Moment | None = None
    detail: str = "not probed yet"
    mute_since: Moment | None = None
    """Since when the probe cannot tell."""
    down_since: Moment | None = None
    """The first of the misses that took it down; None unless it is down. A single pass does not make it forget."""

    @property
    def undecided(self) -> bool:
        """True while answers contradict the state: the time to probe faster."""
        if self.state is HealthState.UNKNOWN:
            return self.ever_passed
        return self.contrary > 0

    @property
    def is_mute(self) -> bool:
        """Whether the probe has been unable to tell for so long that its last answer says nothing of now."""
        if self.mute_since is None or self.last_answer_at is None:
            return False
        return self.last_answer_at.since(self.mute_since) >= MUTE_SECONDS

    def observe(self, observation: Observation, limits: RiseFall) -> Health:
        """The health after one more answer."""
        if observation.passed is None:
            since = self.mute_since or observation.at
            return replace(self, last_answer_at=observation.at, mute_since=since, detail=observation.detail)
        seen = replace(self, last_answer_at=observation.at, mute_since=None, detail=observation.detail)
        return seen._after_pass(observation, limits) if observation.passed else seen._after_miss(observation, limits)

    def _after_pass(self, observation: Observation, limits: RiseFall) -> Health:
        since = self.passing_since or observation.at
        seen = replace(self, ever_passed=True, last_passed_at=observation.at, passing_since=since, missing_since=None)
        if self.state is HealthState.UP:
            return replace(seen, contrary=0)
        if self.state is HealthState.UNKNOWN:
            # The first sign of life is enough to call an unjudged target up: it starts no failback, it only lets
            # later misses count.
            return replace(seen, state=HealthState.UP, contrary=0)
        passes = self.contrary + 1
        if passes >= limits.rise:
            return replace(seen, state=HealthState.UP, contrary=0, down_since=None)
        return replace(seen, contrary=passes)

    def _after_miss(self, observation: Observation, limits: RiseFall) -> Health:
        since = self.missing_since or observation.at
        seen = replace(self, missing_since=since, passing_since=None)
        if not self.ever_passed:
            return seen
        if self.state is HealthState.DOWN:
            return replace(seen, contrary=0)
        misses = self.contrary + 1
        if misses >= limits.fall:
            return replace(seen, state=HealthState.DOWN, contrary=0, down_since=since)
        return replace(seen, contrary=misses)


def remembered(ever_passed: bool) -> Health:
    """Health at start-up: what we know from before is only whether this kind of evidence has ever worked."""
    return Health(ever_passed=ever_passed, detail="not probed since start")

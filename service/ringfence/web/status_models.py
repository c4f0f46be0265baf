"""The status as JSON. Every state comes with the words people read; `status_view.py` fills these in."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ringfence.domain.health import EvidenceKind, TargetRole
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Speaks, VerdictState


class EvidenceOut(BaseModel):
    """One line of the reasoning."""

    kind: EvidenceKind
    speaks: Speaks = Field(description="for or against the target being up, or neither")
    words: str


class VerdictOut(BaseModel):
    """The weighed answer for one target."""

    state: VerdictState = Field(description="`degraded` alarms and moves nothing, `unknown` never fails over")
    reason: Reason
    sentence: str
    evidence: list[EvidenceOut]


class OverrideOut(BaseModel):
    """A person's word. At most one of `scope`, `site`, `team`, `did` and `dids` is given; none: everything."""

    id: str = Field(description="names this word and no other; empty: set by an earlier version")
    mode: OverrideKind
    about: str = Field(description="what it is about, in words")
    scope: str | None
    site: str | None
    team: str | None
    did: str | None
    dids: list[str]
    who: str
    reason: str
    set_at: datetime
    until: datetime | None = Field(description="null: until somebody releases it")
    replaced: str | None = Field(description="in words, what stood before, which an undo brings back")
    approved_by: str = Field(description="the second person; empty: none was asked for, or none came")
    alone: bool = Field(description="a second person was asked for and did not come")


class TrialOut(BaseModel):
    """Trial calls in a row since the trial began."""

    good: int
    bad: int


class ScopeOut(BaseModel):
    """One platform: what is done with its calls, why, and whether Asterisk has been told."""

    scope: str
    mode: Mode
    mode_words: str
    decision: Decision = Field(description="what the dialplan does with this scope's calls now")
    decision_words: str
    since: datetime
    reason: Reason
    sentence: str
    verdict: VerdictOut
    override: OverrideOut | None
    published: bool = Field(description="whether Asterisk has acknowledged the decision")
    trial: TrialOut | None
    worst_case_detection_seconds: float | None = Field(
        description="longest time from this platform's silence to a verdict by probes; null: it is not probed"
    )
    without_traffic: str = Field(description="what is not promised while no calls come in")


class IdentityOut(BaseModel):
    """An egress trunk's carrier refuses an identity of ours; calls by it begin with another one until `until`."""

    rung: str = Field(description="`did`: our DID stands for the caller's number; `trunk`: the trunk's own number does")
    status: int = Field(description="the SIP status the identity above was refused with")
    learnt_at: datetime
    until: datetime
    sentence: str


class TargetOut(BaseModel):
    """One probed target."""

    role: TargetRole
    name: str
    verdict: VerdictOut
    worst_case_detection_seconds: float | None
    identity: IdentityOut | None = Field(None, description="of an egress trunk that has learnt one")


class LinkOut(BaseModel):
    """Something we depend on."""

    up: bool
    detail: str
    since: datetime | None


class TableOut(BaseModel):
    """The published table as Asterisk holds it."""

    state: str = Field(description="unknown, no directory, publishing, equal or differs")
    generation: int
    rows: int
    verified_at: datetime | None
    age_seconds: float | None = Field(description="since it was last verified equal to the directory")
    detail: str
    lost_scopes: list[str] = Field(description="platforms that DIDs belong to and that are not configured")
    would_loop: list[str] = Field(
        description="numbers left out of plans because calls would come back to us, with the way; at most 50"
    )


class BackupOut(BaseModel):
    """What the daemon's own backups have come to."""

    newest_at: datetime | None = Field(description="null: none is known")
    age_seconds: float | None = Field(description="of the newest; null: none is known")
    size_bytes: int | None
    next_at: datetime | None
    late: bool = Field(description="none is younger than [backup] max_age_hours")
    fault: str = Field(description="why the last attempt failed; empty: it did not")


class SourceOut(BaseModel):
    """One configured source."""

    name: str
    kind: str = Field(description="its type in the configuration")
    loaded: bool = Field(description="false: its first load waits to be approved")
    last_good: datetime | None
    age_seconds: float | None = Field(description="of its last good run; null: there was none")
    late: bool = Field(description="older than it may be")
    fault: str = Field(description="why the last attempt failed; empty: it did not")
    records: int = Field(description="people it told of")
    held: int = Field(description="people of whom something is held")
    open_plan: int | None


class CoverageShareOut(BaseModel):
    """Coverage as it was measured last; `/v1/coverage` has the reasons."""

    at: datetime
    percent: float
    target_percent: float
    below_target: bool


class RosterOut(BaseModel):
    """What the table is made of: the age of each HR source, and what waits for a person."""

    sources: list[SourceOut]
    open_plans: int
    conflicts: int = Field(description="DIDs that two people claim with equal right")
    people: int
    employed: int
    next_change_at: datetime | None = Field(description="when the directory in force changes next by itself")
    fault: str = Field(description="why the directory in force could not be published; empty: it is")
    coverage: CoverageShareOut | None = Field(description="null: not measured yet")


class StatusOut(BaseModel):
    """Everything there is to see."""

    api_version: str = Field(description="of /v1: the second number goes up when something is added")
    version: str = Field(description="changes with whatever matters; give it to /v1/status/changes as `after`")
    node: str
    started_at: datetime
    at: datetime
    ready: bool
    not_ready_because: list[str]
    shadow: bool = Field(description="shadow mode: everything is decided and shown, and nothing is done to calls")
    alarms: list[str] = Field(description="what a person should know of now; empty: all is well")
    scopes: list[ScopeOut]
    targets: list[TargetOut]
    overrides: list[OverrideOut]
    asterisk: LinkOut
    store: LinkOut
    table: TableOut
    backup: BackupOut | None = Field(description="null: the daemon makes none, [backup] has no recipients")
    roster: RosterOut
    refused_last_hour: dict[str, int] = Field(
        description="legs outward that the dialplan did not let out: `refused`, `capped`, `full`, `looped`"
    )
    unstored_changes: int = Field(description="decided and published, but the database has not taken them yet")
    late_observations: int = Field(description="misses thrown away because our own loop was late")
    dropped_items: int


class ReadyOut(BaseModel):
    """`/readyz`."""

    ready: bool
    reasons: list[str] = Field(description="why not")


class AliveOut(BaseModel):
    """`/healthz`."""

    alive: bool

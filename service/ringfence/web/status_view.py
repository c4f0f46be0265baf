"""From the snapshot to the status people and programs read: plain words, alarms, readiness, a version to wait on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final

from ringfence.app.backup.keeper import BackupView
from ringfence.app.snapshot import LinkView, ScopeView, Snapshot, TableView, TargetView
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.identities import LearntIdentity
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import Level, Override
from ringfence.domain.target_words import target_words
from ringfence.domain.verdict import Verdict, VerdictState
from ringfence.web.openapi import API_VERSION
from ringfence.web.roster_view import roster_alarms, roster_facts, roster_out
from ringfence.web.status_models import (
    BackupOut,
    EvidenceOut,
    IdentityOut,
    LinkOut,
    OverrideOut,
    ScopeOut,
    StatusOut,
    TableOut,
    TargetOut,
    TrialOut,
    VerdictOut,
)

MODE_WORDS: Final = {
    Mode.NORMAL: "normal",
    Mode.FAILED_OVER: "DR mode",
    Mode.HOLD_DOWN: "DR mode (the platform answers again, waiting out the hold-down)",
    Mode.TRIAL: "trying the platform",
}

DECISION_WORDS: Final = {
    Decision.NORMAL: "calls go to the platform; a call it fails is diverted on the spot",
    Decision.PINNED: "calls go to the platform whatever becomes of them",
    Decision.DIVERT: "calls go to default numbers",
    Decision.TRIAL: "a few calls go to the platform, the others to default numbers",
}

SHADOW_WORDS: Final = "SHADOW: nothing is done to calls"

WITHOUT_TRAFFIC: Final = (
    "A platform that answers probes and refuses calls is found by calls alone: no promise without traffic. "
    "Each such call still follows its plan."
)

WOULD_LOOP: Final = "numbers are left out of plans, because calls to them would come back to us"
EQUAL: Final = "equal"
_ALARMING: Final = (VerdictState.DOWN, VerdictState.DEGRADED)


def status_out(snapshot: Snapshot) -> StatusOut:
    """The whole status."""
    reasons = not_ready_because(snapshot)
    return StatusOut(
        api_version=API_VERSION,
        version=version_of(snapshot),
        node=snapshot.node,
        started_at=snapshot.started_at.wall,
        at=snapshot.at.wall,
        ready=not reasons,
        not_ready_because=reasons,
        shadow=snapshot.shadow,
        alarms=list(_alarms(snapshot)),
        scopes=[_scope(view, snapshot) for _, view in sorted(snapshot.scopes.items())],
        targets=[
            _target(view, snapshot) for _, view in sorted(snapshot.targets.items(), key=lambda item: str(item[0]))
        ],
        overrides=[override_out(override) for override in snapshot.overrides],
        asterisk=_link(snapshot.asterisk),
        store=_link(snapshot.store),
        table=_table(snapshot.table, snapshot.at),
        backup=None if snapshot.backup is None else _backup(snapshot.backup, snapshot.at),
        roster=roster_out(snapshot),
        refused_last_hour=dict(snapshot.refusals.last_hour),
        unstored_changes=snapshot.unstored_changes,
        late_observations=snapshot.late_observations,
        dropped_items=snapshot.dropped_items,
    )


def in_shadow(words: str, snapshot: Snapshot) -> str:
    """What is decided, with the word that it is not done."""
    return f"{SHADOW_WORDS}; live: {words}" if snapshot.shadow else words


def version_of(snapshot: Snapshot) -> str:
    """A digest of what matters: the same as long as only ages, counters and wordings differ."""
    facts = (
        [
            (
                name,
                view.state.mode,
                view.state.since.wall,
                view.state.trial,
                view.decision,
                view.published,
                view.override,
                view.verdict.state,
                view.verdict.reason,
            )
            for name, view in sorted(snapshot.scopes.items())
        ],
        sorted((str(key), view.verdict.state, view.verdict.reason) for key, view in snapshot.targets.items()),
        snapshot.overrides,
        [(link.up, link.detail) for link in (snapshot.asterisk, snapshot.store)],
        snapshot.no_dialplan,
        sorted(snapshot.missing_modules),
        sorted(snapshot.usual.quiet_trunks),
        (snapshot.table.state, snapshot.table.generation, snapshot.table.rows, snapshot.table.detail),
        sorted(snapshot.table.lost_scopes),
        snapshot.identities,
        snapshot.table.would_loop,
        snapshot.unstored_changes > 0,
        None if snapshot.backup is None else (snapshot.backup.newest, snapshot.backup.late, snapshot.backup.fault),
        roster_facts(snapshot),
    )
    return blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def not_ready_because(snapshot: Snapshot) -> list[str]:
    """Why this node is not yet, or no longer, all it should be; calls are routed by the last table all the same."""
    reasons = []
    if not snapshot.asterisk.up:
        reasons.append(f"Asterisk: {snapshot.asterisk.detail}")
    if snapshot.no_dialplan:
        reasons.append("Asterisk runs without Ringfence's dialplan: no call comes to Ringfence")
    reasons += [
        f"the mode of {name} is not in Asterisk yet" for name, s in sorted(snapshot.scopes.items()) if not s.published
    ]
    if snapshot.table.state != EQUAL:
        detail = f" ({snapshot.table.detail})" if snapshot.table.detail else ""
        reasons.append(f"the table in Asterisk is not verified: {snapshot.table.state}{detail}")
    return reasons


def override_out(override: Override) -> OverrideOut:
    target, before = override.target, override.replaced
    return OverrideOut(
        id=override.id,
        mode=override.kind,
        about=target.words,
        scope=target.scope,
        site=target.site,
        team=target.team,
        did=target.did,
        dids=list(target.dids),
        who=override.who,
        reason=override.why,
        set_at=override.set_at,
        until=override.until,
        replaced=None if before is None else before.words,
        approved_by=override.approved_by,
        alone=override.alone,
    )


def _alarms(snapshot: Snapshot) -> Iterator[str]:
    yield from not_ready_because(snapshot)
    if snapshot.missing_modules:
        modules = ", ".join(f"{name}.so" for name in sorted(snapshot.missing_modules))
        yield f"Asterisk has not loaded what calls need: {modules}"
    for name, view in sorted(snapshot.scopes.items()):
        if view.state.mode is not Mode.NORMAL:
            yield f"{name}: {MODE_WORDS[view.state.mode]}: {view.state.reason.sentence}"
        if view.override is not None:
            yield f"{name} is overridden by {view.override.who} ({view.override.kind.value}): {view.override.why}"
        if view.verdict.state in _ALARMING:
            yield f"{name} is {view.verdict.state.value}: {view.verdict.reason.sentence}"
    for word in snapshot.overrides:
        # A single DID may be forced for months; a whole team or site somebody has to know of.
        if word.target.level in (Level.SITE, Level.TEAM) or word.target.dids:
            about = target_words(str(word.target))
            yield f"{about}: overridden by {word.who} ({word.kind.value}): {word.why}"
    for target, seen in sorted(snapshot.targets.items(), key=lambda item: str(item[0])):
        if target.role is not TargetRole.PLATFORM and seen.verdict.state in _ALARMING:
            yield f"{target.role.value} {target.name} is {seen.verdict.state.value}: {seen.verdict.reason.sentence}"
    for name, words in snapshot.usual.quiet_trunks.items():
        yield f"no calls come in by trunk {name}, where many are usual: {words}"
    for name in sorted(snapshot.table.lost_scopes):
        yield f"DIDs belong to platform {name}, which is not configured: their plans are not used"
    if snapshot.table.would_loop:
        yield f"{WOULD_LOOP}: {snapshot.table.would_loop[0]}"
    yield from roster_alarms(snapshot)
    yield from snapshot.telling
    if snapshot.backup is not None and snapshot.backup.late:
        why = f": {snapshot.backup.fault}" if snapshot.backup.fault else ""
        yield f"no backup is younger than {snapshot.backup.max_age_seconds / 3600:.0f} hours{why}"
    if not snapshot.store.up:
        yield f"database: {snapshot.store.detail}"
    if snapshot.unstored_changes:
        yield f"{snapshot.unstored_changes} decided changes are not stored yet"
    if snapshot.http:
        yield snapshot.http


def _scope(view: ScopeView, snapshot: Snapshot) -> ScopeOut:
    state = view.state
    target = snapshot.targets.get(TargetId(TargetRole.PLATFORM, state.scope))
    in_trial = state.mode is Mode.TRIAL
    return ScopeOut(
        scope=state.scope,
        mode=state.mode,
        mode_words=MODE_WORDS[state.mode],
        decision=view.decision,
        decision_words=in_shadow(DECISION_WORDS[view.decision], snapshot),
        since=state.since.wall,
        reason=state.reason,
        sentence=state.reason.sentence,
        verdict=_verdict(view.verdict),
        override=None if view.override is None else override_out(view.override),
        published=view.published,
        trial=TrialOut(good=state.trial.good, bad=state.trial.bad) if in_trial else None,
        worst_case_detection_seconds=None if target is None else target.worst_case_seconds,
        without_traffic=WITHOUT_TRAFFIC,
    )


def _verdict(verdict: Verdict) -> VerdictOut:
    evidence = [EvidenceOut(kind=e.kind, speaks=e.speaks, words=e.words) for e in verdict.evidence]
    return VerdictOut(state=verdict.state, reason=verdict.reason, sentence=verdict.reason.sentence, evidence=evidence)


def learnt_of(view: TargetView, snapshot: Snapshot) -> LearntIdentity | None:
    """The identity an egress trunk has learnt; inbound trunks have targets of another name or none."""
    if view.target.role is not TargetRole.TRUNK:
        return None
    return next((learnt for learnt in snapshot.identities if learnt.trunk == view.target.name), None)


def _target(view: TargetView, snapshot: Snapshot) -> TargetOut:
    learnt = learnt_of(view, snapshot)
    return TargetOut(
        role=view.target.role,
        name=view.target.name,
        verdict=_verdict(view.verdict),
        worst_case_detection_seconds=view.worst_case_seconds,
        identity=None if learnt is None else identity_out(learnt),
    )


def identity_out(learnt: LearntIdentity) -> IdentityOut:
    return IdentityOut(
        rung=learnt.rung,
        status=learnt.status,
        learnt_at=learnt.learnt_at,
        until=learnt.until,
        sentence=learnt.sentence,
    )


def _link(link: LinkView) -> LinkOut:
    return LinkOut(up=link.up, detail=link.detail, since=_wall(link.since))


def _table(table: TableView, now: Moment) -> TableOut:
    verified = table.verified_at
    return TableOut(
        state=table.state,
        generation=table.generation,
        rows=table.rows,
        verified_at=_wall(verified),
        age_seconds=None if verified is None else round(max(0.0, now.since(verified)), 1),
        detail=table.detail,
        lost_scopes=sorted(table.lost_scopes),
        would_loop=list(table.would_loop),
    )


def _wall(moment: Moment | None) -> datetime | None:
    return None if moment is None else moment.wall


def _backup(backup: BackupView, now: Moment) -> BackupOut:
    newest = backup.newest
    return BackupOut(
        newest_at=None if newest is None else newest.at,
        age_seconds=None if newest is None else round(max(0.0, (now.wall - newest.at).total_seconds()), 1),
        size_bytes=None if newest is None else newest.size,
        next_at=backup.due,
        late=backup.late,
        fault=backup.fault,
    )

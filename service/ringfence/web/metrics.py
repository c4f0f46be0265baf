"""Metrics read from the snapshot when they are asked for. Labels are names from the configuration, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfence.app.operator import Operator
from ringfence.app.snapshot import Snapshot
from ringfence.domain.health import EvidenceKind, TargetRole
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.refusals import REFUSALS
from ringfence.domain.usual_words import UNUSUAL_KINDS
from ringfence.domain.verdict import VerdictState
from ringfence.web.status_view import EQUAL, not_ready_because

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class SnapshotCollector(Collector):
    """Turns the snapshot of the moment into metrics."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is asked of the operator before the first scrape

    def collect(self) -> Iterable[Metric]:
        snapshot = self._operator.status()
        yield from _scopes(snapshot)
        yield from _targets(snapshot)
        yield from _node(snapshot)
        yield from _roster(snapshot)


class TaskCollector(Collector):
    """What the event loop has in hand. A daemon whose number goes up from day to day forgets to end something."""

    def describe(self) -> Iterable[Metric]:
        return ()  # outside of a loop there is nothing to count

    def collect(self) -> Iterable[Metric]:
        tasks = float(len(asyncio.all_tasks()))
        yield GaugeMetricFamily("ringfence_tasks", "Tasks of the event loop, those of open requests included.", tasks)


def registry_of(operator: Operator) -> CollectorRegistry:
    """A registry of its own, so that two nodes in one process (tests) do not meet. Asked within the event loop."""
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(operator))
    registry.register(TaskCollector())
    ProcessCollector(registry=registry)
    return registry


def _scopes(snapshot: Snapshot) -> Iterable[Metric]:
    mode = GaugeMetricFamily("ringfence_mode", "1 for the mode a scope is in.", labels=["scope", "mode"])
    decision = GaugeMetricFamily(
        "ringfence_decision", "1 for what is done with a scope's calls.", labels=["scope", "decision"]
    )
    published = GaugeMetricFamily("ringfence_mode_published", "1: Asterisk holds the decision.", labels=["scope"])
    overridden = GaugeMetricFamily("ringfence_overridden", "1: a person's word stands.", labels=["scope"])
    for name, view in sorted(snapshot.scopes.items()):
        for a_mode in Mode:
            mode.add_metric([name, a_mode.value], float(view.state.mode is a_mode))
        for a_decision in Decision:
            decision.add_metric([name, a_decision.value], float(view.decision is a_decision))
        published.add_metric([name], float(view.published))
        overridden.add_metric([name], float(view.override is not None))
    return (mode, decision, published, overridden)


def _targets(snapshot: Snapshot) -> Iterable[Metric]:
    verdict = GaugeMetricFamily(
        "ringfence_verdict", "1 for the verdict on a target.", labels=["role", "target", "state"]
    )
    for target, view in sorted(snapshot.targets.items(), key=lambda item: str(item[0])):
        for state in VerdictState:
            verdict.add_metric([target.role.value, target.name, state.value], float(view.verdict.state is state))
    return (verdict,)


def _node(snapshot: Snapshot) -> Iterable[Metric]:
    verified = snapshot.table.verified_at
    gauges = {
        "ringfence_shadow": ("1: shadow mode, nothing is done to calls.", snapshot.shadow),
        "ringfence_ready": (
            "1: Asterisk connected, our dialplan there, modes published, table verified.",
            not not_ready_because(snapshot),
        ),
        "ringfence_asterisk_up": ("1: Asterisk answers.", snapshot.asterisk.up),
        "ringfence_dialplan_missing": ("1: Asterisk runs without our dialplan.", snapshot.no_dialplan),
        "ringfence_modules_missing": (
            "Modules that calls need and Asterisk has not loaded.",
            len(snapshot.missing_modules),
        ),
        "ringfence_store_up": ("1: the database answers.", snapshot.store.up),
        "ringfence_table_equal": ("1: Asterisk's table is what it should be.", snapshot.table.state == EQUAL),
        "ringfence_table_rows": ("DID records in the published table.", snapshot.table.rows),
        "ringfence_overrides": ("Overrides in force, DIDs included.", len(snapshot.overrides)),
        "ringfence_identities_lowered": ("Egress trunks that refuse our first identity.", len(snapshot.identities)),
        "ringfence_unstored_changes": ("Changes the database has not taken yet.", snapshot.unstored_changes),
    }
    for name, (words, value) in gauges.items():
        yield GaugeMetricFamily(name, words, value=float(value))
    if verified is not None:
        age = max(0.0, snapshot.at.since(verified))
        yield GaugeMetricFamily("ringfence_table_age_seconds", "Since the table was last verified.", value=age)
    yield from _backup(snapshot)
    yield from _usual(snapshot)
    yield CounterMetricFamily(
        "ringfence_late_observations", "Misses thrown away: our loop was late.", value=float(snapshot.late_observations)
    )
    refusals = CounterMetricFamily(
        "ringfence_refused_legs", "Legs outward that the dialplan did not let out.", labels=["what"]
    )
    for what in REFUSALS:
        refusals.add_metric([what], float(snapshot.refusals.in_all.get(what, 0)))
    yield refusals
    yield CounterMetricFamily(
        "ringfence_dropped_items", "Items the full queue dropped.", value=float(snapshot.dropped_items)
    )


def _backup(snapshot: Snapshot) -> Iterable[Metric]:
    """Nothing where the daemon makes no backups; no age while none is known."""
    backup = snapshot.backup
    if backup is None:
        return
    yield GaugeMetricFamily("ringfence_backup_late", "1: no backup is young enough.", value=float(backup.late))
    failing = float(bool(backup.fault))
    yield GaugeMetricFamily("ringfence_backup_failing", "1: the last attempt at a backup failed.", value=failing)
    if backup.newest is not None:
        age = max(0.0, (snapshot.at.wall - backup.newest.at).total_seconds())
        yield GaugeMetricFamily("ringfence_backup_age_seconds", "Since the newest backup was made.", value=age)
        size = float(backup.newest.size)
        yield GaugeMetricFamily("ringfence_backup_size_bytes", "How large the newest backup is.", value=size)


def _usual(snapshot: Snapshot) -> Iterable[Metric]:
    weeks = float(snapshot.usual.weeks)
    yield GaugeMetricFamily("ringfence_usual_weeks", "Weeks of which it is known what is usual.", value=weeks)
    unusual = GaugeMetricFamily(
        "ringfence_unusual", "1: calls are not as usual at this hour.", labels=["role", "target", "kind"]
    )
    for target, against in sorted(snapshot.usual.unusual.items(), key=lambda item: str(item[0])):
        here = {hint.kind for hint in against}
        for kind in UNUSUAL_KINDS if target.role is TargetRole.PLATFORM else (EvidenceKind.INBOUND_SILENCE,):
            unusual.add_metric([target.role.value, target.name, kind.value], float(kind in here))
    yield unusual


def _roster(snapshot: Snapshot) -> Iterable[Metric]:
    age = GaugeMetricFamily("ringfence_hr_source_age_seconds", "Since its last good run.", labels=["source"])
    late = GaugeMetricFamily("ringfence_hr_source_late", "1: older than it may be.", labels=["source"])
    failing = GaugeMetricFamily("ringfence_hr_source_failing", "1: the last attempt failed.", labels=["source"])
    held = GaugeMetricFamily("ringfence_hr_held", "People of whom something is held.", labels=["source"])
    for view in snapshot.roster.sources:
        if view.age_seconds is not None:
            age.add_metric([view.name], max(0.0, view.age_seconds))
        late.add_metric([view.name], float(view.late))
        failing.add_metric([view.name], float(bool(view.fault)))
        held.add_metric([view.name], float(view.held))
    yield from (age, late, failing, held)
    yield GaugeMetricFamily(
        "ringfence_hr_open_plans", "Plans that wait for a person.", value=snapshot.roster.open_plans
    )
    yield GaugeMetricFamily(
        "ringfence_did_conflicts", "DIDs that two people claim with equal right.", value=snapshot.roster.conflicts
    )
    if snapshot.coverage is not None:
        ratio = snapshot.coverage.coverage.percent / 100
        yield GaugeMetricFamily("ringfence_coverage_ratio", "DIDs that end with somebody known to answer.", value=ratio)
        target = snapshot.coverage.target_percent / 100
        yield GaugeMetricFamily("ringfence_coverage_target_ratio", "What coverage shall be at least.", value=target)

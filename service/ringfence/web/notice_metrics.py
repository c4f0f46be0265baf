"""Metrics of the outbox. Labels are names of routes from the configuration, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfence.app.notify.desk import NoticeDesk
from ringfence.app.notify.ports import OutboxLevel


class NoticeCollector(Collector):
    """Reads what the notifier saw last, at most a second ago; asks no database."""

    def __init__(self, desk: NoticeDesk, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("ringfence_outbox_notices", "Notices that wait for a route.", labels=["route"])
        oldest = GaugeMetricFamily("ringfence_outbox_oldest_seconds", "Age of the oldest of them.", labels=["route"])
        given_up = GaugeMetricFamily("ringfence_outbox_given_up", "Given up, of the last day.", labels=["route"])
        failing = GaugeMetricFamily("ringfence_route_failing", "1: the last attempt failed.", labels=["route"])
        sent = CounterMetricFamily("ringfence_notices_sent", "Notices a route took.", labels=["route"])
        failures = CounterMetricFamily("ringfence_notice_failures", "Attempts that failed.", labels=["route"])
        now = self._now()
        for worker in self._desk.workers:
            name = worker.route.name
            level = self._desk.notifier.levels.get(name, OutboxLevel())
            age = 0.0 if level.oldest is None else max(0.0, (now - level.oldest).total_seconds())
            waiting.add_metric([name], level.waiting)
            oldest.add_metric([name], age)
            given_up.add_metric([name], level.failed)
            failing.add_metric([name], float(bool(worker.failing)))
            sent.add_metric([name], worker.sent)
            failures.add_metric([name], worker.failures)
        yield from (waiting, oldest, given_up, failing, sent, failures)
        yield GaugeMetricFamily(
            "ringfence_unstored_notices",
            "Notices that wait in memory for the outbox.",
            value=self._desk.notifier.waiting_in_memory,
        )

"""The metric of the audit record."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfence.app.audit_anchors import AnchorKeeper


class AuditCollector(Collector):
    """Reads what the keeper of the anchors saw last; asks no database."""

    def __init__(self, anchors: AnchorKeeper) -> None:
        self._anchors = anchors

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "ringfence_audit_unanchored_seconds",
            "How long audit rows have waited for an anchor.",
            value=self._anchors.unanchored_seconds,
        )

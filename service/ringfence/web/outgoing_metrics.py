"""The metric of the site's own calls. Labels are sites' names and our own words for results."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ringfence.app.outgoing_watch import OutgoingWatch


class OutgoingCollector(Collector):
    """Reads the watch's counts."""

    def __init__(self, watch: OutgoingWatch) -> None:
        self._watch = watch

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        calls = CounterMetricFamily(
            "ringfence_outgoing_calls", "Calls of the site's own phones.", labels=["site", "emergency", "result"]
        )
        for (site, emergency, result), count in sorted(self._watch.ended.items()):
            calls.add_metric([site, "yes" if emergency else "no", result], float(count))
        yield calls

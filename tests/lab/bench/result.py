"""What a run found, and what had to hold. Milliseconds, calls a second and MiB, as the names say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from tests.lab.bench.contestants import ALONE, BARE, OURS, TITLES

SUSTAINED_RATIO = 0.95
ADDED_MS = 1.0
SETTLED_NOISE_MS = 10.0
"""What is taken for none: a fifth of what a ring takes here. Two cores carry both ends of every call, and a process
waits for its turn."""


@dataclass(frozen=True, slots=True)
class Delay:
    """INVITE to first ringing on a platform that rings at once. `added_ms`: the median of the blocks' differences to
    the bare Asterisk's block beside it."""

    median_ms: float
    p99_ms: float
    added_ms: float
    calls: int


@dataclass(frozen=True, slots=True)
class Rate:
    """`sustained`: of the offered rate, what rang within a second and was answered. `most`: with a fixed number of
    calls at a time, each followed at once by the next. `cpu_ms`: of the contestant's own processes, for one of those
    calls. Memory is the most that was seen while the offered calls came."""

    sustained: float
    p99_ms: float | None
    most: float
    cpu_ms: float
    memory_mib: float


@dataclass(frozen=True, slots=True)
class Losses:
    """One fault. `lost`: not put through; on a healthy platform also those that were taken to another place.
    `settled_ms`: the median of a few calls long after the fault, less what a ring takes; nothing where one was lost."""

    offered: int
    lost: int
    worst_ms: float | None
    settled_ms: float | None


@dataclass(frozen=True, slots=True)
class Bound:
    """What had to hold."""

    what: str
    measured: float | None
    limit: float
    ok: bool


@dataclass
class Results:
    """Everything, by contestant's name; `faults` by the fault's name first."""

    offered_per_second: float
    delay: dict[str, Delay] = field(default_factory=dict)
    rate: dict[str, Rate] = field(default_factory=dict)
    faults: dict[str, dict[str, Losses]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Measurements that could not be finished, and why."""
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    minutes: float = 0.0

    def ratio(self, name: str, figure: str = "sustained") -> float | None:
        """Of calls a second, to the bare Asterisk's."""
        if name not in self.rate or BARE not in self.rate or not getattr(self.rate[BARE], figure):
            return None
        return float(getattr(self.rate[name], figure) / getattr(self.rate[BARE], figure))

    def bounds(self) -> list[Bound]:
        return [*self._cost(), *self._outages()]

    @property
    def ok(self) -> bool:
        """Every bound held, every contestant was there, and every measurement came to its end."""
        return not self.missing and not self.broken and all(bound.ok for bound in self.bounds())

    def to_json(self) -> str:
        found = asdict(self)
        found["bounds"] = [asdict(bound) for bound in self.bounds()]
        found["ok"] = self.ok
        return json.dumps(found, indent=1) + "\n"

    def _cost(self) -> Iterator[Bound]:
        ratio = self.ratio(OURS)
        if ratio is not None:
            ratio = round(ratio, 3)
            what = f"calls/s to bare Asterisk's, {self.offered_per_second:g} offered, at least"
            yield Bound(what, ratio, SUSTAINED_RATIO, ratio >= SUSTAINED_RATIO)
        if OURS in self.delay and BARE in self.delay:
            added = self.delay[OURS].added_ms
            yield Bound("post-dial delay added to bare Asterisk's, ms, at most", added, ADDED_MS, added <= ADDED_MS)

    def _outages(self) -> Iterator[Bound]:
        for fault, found in self.faults.items():
            rivals = [losses for name, losses in found.items() if name != OURS]
            if OURS not in found or not rivals:
                continue
            ours, fewest = found[OURS], min(losses.lost for losses in rivals)
            yield Bound(f"{fault}: lost, no more than the best rival", ours.lost, fewest, ours.lost <= fewest)
            settled = [losses.settled_ms for losses in rivals if losses.settled_ms is not None]
            if not settled:
                continue
            limit = round(min(settled) + SETTLED_NOISE_MS, 1)
            ok = ours.settled_ms is not None and ours.settled_ms <= limit
            what = f"{fault}: delay after the verdict, ms, at most the best rival's and {SETTLED_NOISE_MS:g}"
            yield Bound(what, ours.settled_ms, limit, ok)


def title(name: str) -> str:
    """The contestant's name for people."""
    return "Ringfence, daemon stopped" if name == ALONE else TITLES[name]

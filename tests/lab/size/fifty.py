"""Fifty nodes, each with an Asterisk and a database of its own: what is worked out from the cadences, and what fifty of
the real judges and writers do on a clock of their own when the platform that all of them watch dies."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from ringfence.app.mode_publisher import VERIFY_SECONDS
from ringfence.app.publisher import RECORD_CHECK_SECONDS, SCRUB_SECONDS
from ringfence.asterisk.ami_link import PING_INTERVAL_SECONDS
from ringfence.domain.schedule import LAN, WAN, Cadence
from ringfence.store.database import POOL_SIZE
from tests.simulation.world import PLATFORM, Network, Qualify, World
from tests.unit.moments import START

NODES = 50
DIES_AT = 60.0
PROFILES = {"lan": (LAN, Qualify(1.0, 0.5)), "wan": (WAN, Qualify(5.0, 3.0))}
POSTGRESQL_CONNECTIONS = 100
"""`max_connections` as PostgreSQL is shipped."""
AMI_LINKS = 3


@dataclass(frozen=True, slots=True)
class Together:
    """Fifty simulated nodes on one profile. Seconds from the platform's death; `commits` of all databases together."""

    profile: str
    nodes: int
    first: float
    median: float
    last: float
    promised: float
    commits: int
    busiest_second: int
    cpu_ms_a_node: float


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure that is worked out: of one node, of all, and how."""

    what: str
    one: float
    how: str
    nodes: int = NODES

    @property
    def all(self) -> float:
        return self.one * self.nodes


def sums() -> list[Sum]:
    """With one platform, two trunks and no control target; what grows with the calls is left out."""
    return [
        Sum(
            "OPTIONS a second at the platform, lan", _asked(LAN, 1.0), "one each 0.5 s, and Asterisk's own each second"
        ),
        Sum("OPTIONS a second at the platform, wan", _asked(WAN, 5.0), "one each 2 s, and Asterisk's own each 5 s"),
        Sum("AMI connections", AMI_LINKS, "modes, table, reading: each to its own Asterisk"),
        Sum("AMI actions a second, at rest", _actions(), "pings, comparisons of modes and table, one piece re-read"),
        Sum("ARI connections", 1, "one stream of events"),
        Sum("database connections at most", POOL_SIZE, "the pool; a node at rest uses one now and then"),
        Sum("HR requests for one pushed change", 1, "a provider pushes to each node, or each reads the same feed"),
    ]


def connections() -> int:
    """How many a shared server must allow."""
    return NODES * POOL_SIZE


async def together(profile: str, nodes: int = NODES) -> Together:
    """Kills the platform under all nodes at the same moment."""
    cadence, qualify = PROFILES[profile]
    died_at = DIES_AT
    found: list[float] = []
    commits: Counter[int] = Counter()
    began = time.process_time()
    for seed in range(nodes):
        world = World(seed, cadence, qualify, Network(down={PLATFORM: [(died_at, float("inf"))]}))
        await world.run(died_at + _promised(cadence, qualify) + 1)
        found.append(world.failed_over_at() - died_at)
        commits.update(
            int(change.transition.at.since(START) - died_at) for change in world.store.changes if change.transition
        )
    spent = (time.process_time() - began) / nodes * 1000
    found.sort()
    return Together(
        profile,
        nodes,
        found[0],
        found[nodes // 2],
        found[-1],
        _promised(cadence, qualify),
        commits.total(),
        max(commits.values()),
        spent,
    )


def _promised(cadence: Cadence, qualify: Qualify) -> float:
    return max(cadence.worst_case_detection_seconds, qualify.interval_seconds + qualify.timeout_seconds)


def _asked(cadence: Cadence, qualify_seconds: float) -> float:
    return 1 / cadence.interval_seconds + 1 / qualify_seconds


def _actions() -> float:
    pings = AMI_LINKS / PING_INTERVAL_SECONDS
    compared = 4 / VERIFY_SECONDS  # one mode, two egress states, the claim
    return pings + compared + 1 / RECORD_CHECK_SECONDS + 1 / SCRUB_SECONDS

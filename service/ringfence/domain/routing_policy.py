"""By which rules plans are compiled: for `routing` and `routing_team`, which both ask it."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.domain.directory import MAX_RING_SECONDS, MIN_RING_SECONDS
from ringfence.domain.policy import EgressGate
from ringfence.domain.press_one import NOBODY_ASKED, PressOne


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`ring_budget_seconds` is 30 to 150: carriers cut a ringing call off after 120 to 180 s, and the
    announcement has to be heard before. `site_ring_seconds` is 5 to 120 and at least 5 below the budget. `press_one`:
    whose answerers have to press 1."""

    gate: EgressGate
    ring_budget_seconds: int = 90
    site_ring_seconds: int = 30
    press_one: PressOne = NOBODY_ASKED

    def __post_init__(self) -> None:
        assert MIN_RING_SECONDS <= self.site_ring_seconds <= MAX_RING_SECONDS
        assert self.site_ring_seconds + MIN_RING_SECONDS <= self.ring_budget_seconds

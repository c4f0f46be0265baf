"""What is unusual, over weeks of drawn traffic: `python -m tests.simulation.usual_year` tries whole years of it."""

from __future__ import annotations

from datetime import date

import pytest

from ringfence.domain.health import EvidenceKind
from tests.simulation.usual_site import (
    PLATFORM,
    Fault,
    Site,
    announce,
    drop,
    ring_for_ever,
    silence,
)
from tests.simulation.usual_year import found, healthy

SEED = 20_300_107


def test_ordinary_weeks_raise_nothing() -> None:
    """Half hours at both ends of the day, announcements after hours, a lunch break, busy and quiet days."""
    off, others = healthy(SEED, 60, holidays=False, days=9)
    assert (off, others) == ([], []), f"seed {SEED}"


@pytest.mark.parametrize(
    ("fault", "kind", "most_calls"),
    [
        (ring_for_ever, EvidenceKind.ENDLESS_RINGING, 40),
        (announce, EvidenceKind.ANNOUNCING, 20),
        (drop, EvidenceKind.SHORT_CALLS, 40),
        (silence, EvidenceKind.INBOUND_SILENCE, 0),
    ],
)
def test_a_fault_is_found_within_a_few_calls(fault: Fault, kind: EvidenceKind, most_calls: int) -> None:
    seen = found(SEED, 120, fault, weeks=4)
    assert seen is not None, f"seed {SEED}"
    raised, minutes = seen
    assert (raised.target, raised.kind) == (PLATFORM, kind)
    assert raised.calls <= most_calls and minutes <= 30, f"seed {SEED}: {raised.calls} calls, {minutes} minutes"


def test_a_day_off_is_told_once_where_nobody_entered_it_and_not_at_all_where_somebody_did() -> None:
    for holidays, told in ((True, 0), (False, 1)):
        site = Site(SEED, 120, holidays=holidays)
        site.learn(4, date(2030, 3, 21))
        site.live(date(2030, 4, 18), 3)  # from Thursday to Saturday: Good Friday lies between
        quiet = [one for one in site.raised if one.target == PLATFORM and one.kind is EvidenceKind.INBOUND_SILENCE]
        assert len(quiet) == told, f"seed {SEED}"

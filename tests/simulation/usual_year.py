"""What `docs/explanation/usual-calls.md` promises, tried over years of drawn traffic:

    python -m tests.simulation.usual_year [--seeds 2] [--only years|faults]

prints the alarms of healthy years, and how long each planted fault took. It takes minutes, and no telephone.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from statistics import median
from typing import Final

from tests.simulation.usual_site import (
    BANK_HOLIDAYS,
    LONDON,
    PLATFORM,
    Fault,
    Raised,
    Site,
    announce,
    drop,
    half_unanswered,
    ring_for_ever,
    silence,
)

PER_HOUR: Final = (30, 120, 300)
LEARNT_WEEKS: Final = 8
YEAR_DAYS: Final = 365
FAULTS: Final[dict[str, Fault]] = {
    "calls ring and nobody answers": ring_for_ever,
    "an announcement answers": announce,
    "answered calls end within seconds": drop,
    "half of the calls ring in vain": half_unanswered,
    "no call comes in": silence,
}
STRUCK: Final = time(10)


def healthy(seed: int, per_hour: float, *, holidays: bool, days: int = YEAR_DAYS) -> tuple[list[Raised], list[Raised]]:
    """What was raised: on bank holidays, and on all other days."""
    site = Site(seed, per_hour, holidays=holidays)
    site.live(site.learn(LEARNT_WEEKS), days)
    off = [one for one in site.raised if one.at.astimezone(LONDON).date() in BANK_HOLIDAYS]
    return off, [one for one in site.raised if one not in off]


def found(seed: int, per_hour: float, fault: Fault, weeks: int = LEARNT_WEEKS) -> tuple[Raised, float] | None:
    """The first that was raised for a fault on a Monday at ten, and the minutes until then."""
    site = Site(seed, per_hour)
    monday = site.learn(weeks)
    site.live(monday, 1, fault, STRUCK)
    struck = datetime.combine(monday, STRUCK, LONDON)
    raised = [one for one in site.raised if one.target == PLATFORM and one.at >= struck]
    return (raised[0], (raised[0].at - struck) / timedelta(minutes=1)) if raised else None


def years(seeds: int) -> Iterator[str]:
    """What healthy years raised, as Markdown."""
    yield "| calls an hour | alarms in a year, holidays entered | not entered: on the eight days | on others |"
    yield "|---|---|---|---|"
    for per_hour in PER_HOUR:
        known = [sum(map(len, healthy(seed, per_hour, holidays=True))) for seed in range(seeds)]
        unknown = [healthy(seed, per_hour, holidays=False) for seed in range(seeds)]
        days = max(len({one.at.date() for one in off}) for off, _ in unknown)
        others = max(len(rest) for _, rest in unknown)
        yield f"| {per_hour} | {max(known)} | on {days} of them | {others} |"


def faults(seeds: int) -> Iterator[str]:
    """When each fault was found, as Markdown."""
    yield "| fault | " + " | ".join(f"{per_hour} calls an hour" for per_hour in PER_HOUR) + " |"
    yield "|---" * (len(PER_HOUR) + 1) + "|"
    for name, fault in FAULTS.items():
        cells = [_cell([found(seed, per_hour, fault) for seed in range(seeds)]) for per_hour in PER_HOUR]
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(tries: list[tuple[Raised, float] | None]) -> str:
    there = [one for one in tries if one is not None]
    if len(there) * 2 < len(tries):
        return "not found"
    calls, minutes = median(raised.calls for raised, _ in there), median(minutes for _, minutes in there)
    share = "" if len(there) == len(tries) else f" ({len(there)} of {len(tries)} times)"
    return f"{calls:.0f} calls, {minutes:.0f} min{share}" if calls else f"{minutes:.0f} min{share}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="years of each volume, and tries of each fault")
    parser.add_argument("--only", choices=("years", "faults"))
    asked = parser.parse_args()
    logging.disable()  # each alarm is logged, too
    for name, table in (("years", years), ("faults", faults)):
        for line in table(asked.seeds) if asked.only in (None, name) else ():
            print(line, flush=True)


if __name__ == "__main__":
    main()

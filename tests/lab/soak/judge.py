"""Whether something grew: medians around the warmed-up hour and around the last ones, and the slope in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from statistics import median

from tests.lab.faults.result import Bound

WARM_HOUR = 6.0
WINDOW_HOURS = 2.0
MEMORY_PERCENT = 5.0
COUNT_PERCENT, COUNT_ROOM = 5.0, 2.0
DAILY_HOURS = 26.0
"""What is kept for a day has come to its level by then."""
DAILY_PERCENT, DAILY_ROOM = 20.0, 30.0
"""Chance decides which calls and which faults a day holds."""
FASTER = 1.5

Series = Sequence[tuple[float, float]]
"""Hour and value, in order."""


class Kind(Enum):
    """What a measure may do over the hours."""

    MEMORY = "memory"
    """At most five per cent more, by the medians and by the slope."""
    COUNT = "count"
    """The same number, but for what happens to be under way."""
    EMPTY = "empty"
    """Nothing at any quiet moment."""
    BOUNDED = "bounded"
    """Never above a limit of its own."""
    DAILY = "daily"
    """Kept for a day: level once a day has gone by."""
    KEPT = "kept"
    """Kept for long or for ever: no faster in the second half than in the first."""
    TOLD = "told"
    """Shown, not judged."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured each hour. `limit` is of `BOUNDED`; of `COUNT` the room, where it is not the usual."""

    name: str
    kind: Kind
    unit: str = ""
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of one measure from the warmed-up hour to the last. `per_hour` is the fitted slope."""

    measure: Measure
    early: float
    late: float
    per_hour: float
    highest: float
    bounds: tuple[Bound, ...] = field(default=())

    @property
    def percent(self) -> float:
        return _percent(self.late - self.early, self.early)


def judged(measure: Measure, series: Series, warm_hour: float = WARM_HOUR) -> Growth:
    """Raises ValueError where there is nothing to look at: a series without two hours after the warm one."""
    after = [(hour, value) for hour, value in series if hour >= warm_hour]
    if len(after) < 2:
        raise ValueError(f"{measure.name}: {len(after)} hours from hour {warm_hour:g} on tell nothing")
    first, last = after[0][0], after[-1][0]
    # Half of what there is at most: a short run must not be compared with itself.
    window = min(WINDOW_HOURS, (last - first) / 4)
    early = median(value for hour, value in series if abs(hour - first) <= window)
    late = median(value for hour, value in after if hour >= last - 2 * window)
    growth = Growth(measure, early, late, slope(after), max(value for _, value in after))
    return Growth(measure, early, late, growth.per_hour, growth.highest, tuple(_bounds(growth, series, last - first)))


def slope(series: Series) -> float:
    """By Theil and Sen: the median of the slopes of all pairs, which no single hour can turn. 0 for a single point."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(series, 2) if x2 != x1]
    return median(slopes) if slopes else 0.0


def _bounds(growth: Growth, series: Series, hours: float) -> list[Bound]:
    name, kind = growth.measure.name, growth.measure.kind
    match kind:
        case Kind.MEMORY:
            fitted = _percent(growth.per_hour * hours, growth.early)
            return [
                Bound(f"{name}: growth", round(growth.percent, 1), MEMORY_PERCENT, "%"),
                Bound(f"{name}: fitted growth", round(fitted, 1), MEMORY_PERCENT, "%"),
            ]
        case Kind.COUNT:
            room = max(growth.measure.limit or COUNT_ROOM, growth.early * COUNT_PERCENT / 100)
            return [
                Bound(f"{name}: more", round(growth.late - growth.early, 1), round(room, 1)),
                Bound(f"{name}: fitted", round(growth.per_hour * hours, 1), round(room, 1)),
            ]
        case Kind.EMPTY:
            return [Bound(f"{name}: at most", growth.highest, 0)]
        case Kind.BOUNDED:
            return [Bound(f"{name}: at most", growth.highest, growth.measure.limit, growth.measure.unit)]
        case Kind.DAILY:
            return _daily(name, series)
        case Kind.KEPT:
            return _kept(name, series)
        case Kind.TOLD:
            return []


def _daily(name: str, series: Series) -> list[Bound]:
    """Nothing can be said of less than a day and a half."""
    level = [(hour, value) for hour, value in series if hour >= DAILY_HOURS]
    if len(level) < HALF_A_DAY:
        return []
    half = len(level) // 2
    early = median(value for _, value in level[:half])
    more = median(value for _, value in level[half:]) - early
    return [Bound(f"{name}: more after a day", more, round(max(DAILY_ROOM, early * DAILY_PERCENT / 100), 1))]


def _kept(name: str, series: Series) -> list[Bound]:
    """Rows come with what happens, and as much happens in each day: looked at by whole days where there are two."""
    last = series[-1][0]
    if last < 2 * DAY_HOURS:
        return []
    days = dict(series)
    middle = days[last - DAY_HOURS]
    first_day, second_day = middle - days.get(last - 2 * DAY_HOURS, series[0][1]), days[last] - middle
    return [Bound(f"{name}: in a later day", second_day, round(first_day * FASTER + DAILY_ROOM, 1), "rows")]


def warm_hour_of(hours: float) -> float:
    """The sixth, or sooner in a run that is too short for it."""
    return min(WARM_HOUR, max(1.0, hours // 4))


def all_judged(measures: Sequence[Measure], samples: Sequence[Mapping[str, float]], warm_hour: float) -> list[Growth]:
    """Each sample holds its `hour` and a value for each measure; a value that is missing is no sample of it, and a
    measure that none has, as in a run kept before there was one, is left out."""
    found = []
    for measure in measures:
        series = [(sample["hour"], sample[measure.name]) for sample in samples if measure.name in sample]
        if series:
            found.append(judged(measure, series, warm_hour))
    return found


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0 if part <= 0 else 100.0


DAY_HOURS = 24.0
HALF_A_DAY = 12

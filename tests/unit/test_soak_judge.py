"""The soak's judge finds what leaks, and lets what is level pass; its hours hold what they should."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random
from xml.etree import ElementTree

import pytest

from ringfence.store.tables import metadata
from tests.lab.soak.hours import REFUSING_CALLS, Trouble, hours, most_calls
from tests.lab.soak.hurried import ROUNDS, counts
from tests.lab.soak.judge import Growth, Kind, Measure, judged, slope, warm_hour_of
from tests.lab.soak.kept import from_json, to_json
from tests.lab.soak.report import bounds, chart, growths, page
from tests.lab.soak.run import HourResult, Results
from tests.lab.soak.sample import DAILY_TABLES, KEPT_TABLES, MEASURES, Sample
from tests.lab.tally import Tally

HOURS = range(1, 49)
KB = 120_000.0


def series(per_hour: float, *, begin: float = KB, noise: float = 0.0, before: float = 0.0) -> list[tuple[float, float]]:
    """A straight line with noise; `before` is what an unwarmed daemon lacks in its first hours."""
    random = Random(1)
    return [
        (float(hour), begin + per_hour * hour + random.uniform(-noise, noise) - before * max(0, 5 - hour) / 5)
        for hour in HOURS
    ]


def growth(kind: Kind, values: list[tuple[float, float]], limit: float = 0.0) -> Growth:
    return judged(Measure("it", kind, limit=limit), values)


def held(found: Growth) -> bool:
    assert found.bounds, "nothing was judged"
    return all(bound.ok for bound in found.bounds)


def test_a_planted_leak_of_memory_is_found_in_its_noise() -> None:
    """Three hundred bytes for each of the site's calls."""
    leaking = growth(Kind.MEMORY, series(160.0, noise=1500.0))
    assert not held(leaking)
    assert leaking.per_hour == pytest.approx(160.0, rel=0.15)
    assert held(growth(Kind.MEMORY, series(0.0, noise=1500.0)))


def test_warming_up_is_no_growth() -> None:
    assert held(growth(Kind.MEMORY, series(0.0, noise=500.0, before=30_000.0)))


def test_a_leak_that_one_hour_hides_is_found_by_its_slope() -> None:
    """The medians alone would let pass what was given back in the last hours."""
    leaking = [(hour, value if hour < 43 else KB) for hour, value in series(400.0)]
    found = growth(Kind.MEMORY, leaking)
    assert [bound.ok for bound in found.bounds] == [True, False]


def test_one_high_hour_is_no_leak() -> None:
    peak = [(hour, value + (40_000 if hour == 47 else 0)) for hour, value in series(0.0, noise=500.0)]
    assert held(growth(Kind.MEMORY, peak))


@pytest.mark.parametrize(("per_hour", "ok"), [(0.0, True), (0.1, False), (1.0, False)])
def test_a_task_or_a_descriptor_every_ten_hours_is_found(per_hour: float, ok: bool) -> None:
    assert held(growth(Kind.COUNT, series(per_hour, begin=30.0, noise=1.0))) is ok


def test_what_must_be_empty_or_bounded_is_so_in_every_hour() -> None:
    nothing = [(float(hour), 0.0) for hour in HOURS]
    assert held(growth(Kind.EMPTY, nothing))
    assert not held(growth(Kind.EMPTY, [*nothing[:-5], (44.0, 1.0), *nothing[-4:]]))
    assert held(growth(Kind.BOUNDED, series(0.0, begin=4.0), limit=5.0))
    assert not held(growth(Kind.BOUNDED, series(0.1, begin=4.0), limit=5.0))


def test_what_is_kept_for_a_day_is_level_after_it() -> None:
    pruned = [(float(hour), 200.0 * min(hour, 24)) for hour in HOURS]
    assert held(growth(Kind.DAILY, pruned))
    assert not held(growth(Kind.DAILY, [(float(hour), 200.0 * hour) for hour in HOURS]))


def test_a_journal_grows_by_what_happens_and_no_faster() -> None:
    assert held(growth(Kind.KEPT, [(float(hour), 20.0 * hour) for hour in range(49)]))
    assert not held(growth(Kind.KEPT, [(float(hour), 1.0 * hour * hour) for hour in range(49)]))


def test_of_too_short_a_run_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="tell nothing"):
        judged(Measure("it", Kind.MEMORY), series(0.0)[:6])
    assert (warm_hour_of(48), warm_hour_of(6), warm_hour_of(3)) == (6, 1, 1)


def test_no_single_point_turns_the_slope() -> None:
    straight = [(float(x), 2.0 * x) for x in range(20)]
    assert slope([*straight[:-1], (19.0, 1e9)]) == pytest.approx(2.0)
    assert slope(straight[:1]) == 0.0


def test_two_days_hold_every_trouble_and_a_days_calls_twice() -> None:
    drawn = list(hours(48, 2_000, seed=1))
    assert drawn == list(hours(48, 2_000, seed=1)) != list(hours(48, 2_000, seed=2))
    held_by = Counter(hour.trouble for hour in drawn)
    assert set(held_by) == set(Trouble)
    assert held_by[Trouble.RESTARTED] == 2
    assert max(held_by[trouble] for trouble in Trouble if trouble is not Trouble.QUIET) <= 7
    assert all(hour.calls >= REFUSING_CALLS for hour in drawn if hour.trouble is Trouble.REFUSING)
    assert sum(hour.calls for hour in drawn) == pytest.approx(8_000, rel=0.1)
    assert most_calls(2_000) == max(hour.calls for hour in drawn)


# ---- What is told of a run ----
def a_run(per_hour_kb: float) -> Results:
    """Of fifty hours in which everything stands still but the daemon's memory."""
    rows = {"people": 1600, "calls": 3000, "audit_rows": 100, "delivered": 1500}
    results = Results(48, 96.0, 2_000, 1, machine="a machine")
    for hour in hours(48, 2_000, seed=1):
        told = Tally(hour.trouble, hour.calls, hour.calls, 0, 0, 0, 0, 0, 12, None)
        results.done.append(HourResult(hour, told, 0, 0, (), 30.0))
        values = {measure.name: 0.0 if measure.kind is Kind.EMPTY else 1.0 for measure in MEASURES}
        values["daemon private"] = KB + per_hour_kb * hour.number
        results.samples.append(Sample(hour.number + 1, values, rows, {"board": 1}))
    return results


@pytest.mark.parametrize(("per_hour_kb", "broken"), [(0.0, 0), (200.0, 2)])
def test_a_run_with_a_leak_is_no_success(per_hour_kb: float, broken: int) -> None:
    results = a_run(per_hour_kb)
    found = [str(bound) for bound in bounds(results, growths(results)) if not bound.ok]
    assert len(found) == broken
    assert all("daemon private" in bound for bound in found)


def test_lost_calls_and_hours_that_ended_badly_are_no_success() -> None:
    results = a_run(0.0)
    one = results.done[7]
    results.done[7] = replace(one, tally=replace(one.tally, lost=1), silent=1, faults=("mode TRIAL",))
    found = [bound.what for bound in bounds(results, growths(results)) if not bound.ok]
    assert found == ["calls lost", "calls in silence", "hours that ended otherwise than they should"]
    assert results.faults[0].startswith("hour 8, ")
    del results.done[-1]
    assert "hours not run" in [bound.what for bound in bounds(results, growths(results)) if not bound.ok]


def test_the_page_of_a_kept_run_is_that_of_the_run() -> None:
    results = a_run(0.0)
    kept = from_json(to_json(results, growths(results)))
    assert kept == results
    told = page(kept, growths(kept))
    assert f"**{results.total('offered'):,} calls, 0 lost, 0 in silence.**" in told
    assert all(trouble.value in told for trouble in Trouble)
    assert all(one.what in told for one in ROUNDS)
    assert "daemon private: growth 0 <= 5 %: ok" in told
    drawn = ElementTree.fromstring(chart(kept))  # well-formed
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) >= 5


def test_every_round_is_there_and_long_enough_to_be_shortened() -> None:
    assert all(one.seconds >= 10 for one in ROUNDS)
    assert len({(one.module, one.constant) for one in ROUNDS}) == len(ROUNDS)


def test_every_table_that_may_grow_is_one_of_the_databases() -> None:
    assert set(metadata.tables) >= DAILY_TABLES | KEPT_TABLES
    assert not DAILY_TABLES & KEPT_TABLES


async def test_the_daemon_tells_of_its_tasks_and_timers() -> None:
    waiting = asyncio.create_task(asyncio.sleep(60), name="notify desk 17")
    await asyncio.sleep(0)
    told = counts(trace=False)
    waiting.cancel()
    assert told["tasks"]["notify desk n"] == 1  # type: ignore[index]
    assert told["timers"] >= 1  # type: ignore[operator]

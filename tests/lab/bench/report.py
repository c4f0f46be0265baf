"""The results as tables for the terminal, a page and a chart for the docs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table

from tests.lab.bench import chart, configurations, words
from tests.lab.bench.contestants import ALONE, OURS, TITLES
from tests.lab.bench.result import Losses, Results, title
from tests.lab.page_parts import markdown

CHART = "bench.svg"
COST_COLUMNS = (
    "contestant",
    "delay, median ms",
    "p99 ms",
    "added ms",
    "calls/s in time",
    "p99 ms, offered",
    "most calls/s",
    "to bare",
    "CPU ms a call",
    "memory MiB",
)


def tables(results: Results) -> list[Table]:
    """For the terminal."""
    made = [_table("What a healthy call costs", COST_COLUMNS, cost_rows(results))]
    if results.faults:
        heads = ("fault", *(title(name) for name in names(results)))
        made.append(_table("Lost of those offered; worst delay; delay after the verdict", heads, fault_rows(results)))
    bounds = [
        ("ok" if bound.ok else "BROKEN", bound.what, _shown(bound.measured), _shown(bound.limit))
        for bound in results.bounds()
    ]
    made.append(_table("What had to hold", ("", "bound", "measured", "limit"), bounds))
    return made


def names(results: Results) -> list[str]:
    """Whoever was asked for, in the usual order; the missing too."""
    known = {
        *results.delay,
        *results.rate,
        *results.missing,
        *(name for found in results.faults.values() for name in found),
    }
    return [name for name in TITLES if name in known]


def cost_rows(results: Results) -> list[tuple[str, ...]]:
    alone = [ALONE] if ALONE in results.rate else []
    return [_cost_row(results, name) for name in (*names(results), *alone)]


def _cost_row(results: Results, name: str) -> tuple[str, ...]:
    if name in results.missing:
        return (title(name), f"could not be had: {results.missing[name].splitlines()[0]}", *[""] * 8)
    delay, rate = results.delay.get(name), results.rate.get(name)
    delays = [_shown(value) for value in (delay.median_ms, delay.p99_ms, delay.added_ms)] if delay else ["-"] * 3
    rates = ["-"] * 6
    if rate:
        to_bare = results.ratio(name, "most")
        ratio = None if to_bare is None else round(to_bare, 2)
        values = (rate.sustained, rate.p99_ms, rate.most, ratio, rate.cpu_ms, rate.memory_mib)
        rates = [_shown(value) for value in values]
    return (title(name), *delays, *rates)


def fault_rows(results: Results) -> list[tuple[str, ...]]:
    return [(fault, *(_losses(found.get(name)) for name in names(results))) for fault, found in results.faults.items()]


def _losses(found: Losses | None) -> str:
    if found is None:
        return "could not be had"
    worst = "-" if found.worst_ms is None else f"{found.worst_ms / 1000:.2f} s"
    settled = "-" if found.settled_ms is None else f"{found.settled_ms:g} ms"
    return f"{found.lost} of {found.offered}; {worst}; {settled}"


def panels(results: Results) -> list[chart.Panel]:
    """The chart's."""
    lost = {name: [found[name] for found in results.faults.values() if name in found] for name in names(results)}

    def bars(value: Callable[[str], float | None], unit: str) -> list[chart.Bar]:
        return [_bar(results, name, value(name), unit) for name in names(results)]

    def all_lost(name: str) -> float | None:
        return float(sum(losses.lost for losses in lost[name])) if lost[name] else None

    found = []
    if results.faults:
        offered = max((sum(losses.offered for losses in each) for each in lost.values()), default=0)
        found.append(chart.Panel(f"Calls lost in all faults, of {offered} each", bars(all_lost, "")))
    if results.delay:
        added = {name: delay.added_ms for name, delay in results.delay.items()}
        found.append(chart.Panel("Delay added to a bare Asterisk's, median, ms", bars(added.get, " ms")))
    if results.rate:
        most = {name: round(rate.most) for name, rate in results.rate.items()}
        memory = {name: round(rate.memory_mib) for name, rate in results.rate.items()}
        found.append(chart.Panel("Most calls a second, no voice in them", bars(most.get, "/s")))
        found.append(chart.Panel("Memory, MiB", bars(memory.get, " MiB")))
    return found


def _bar(results: Results, name: str, value: float | None, unit: str) -> chart.Bar:
    shown = "could not be had" if name in results.missing else "-" if value is None else f"{value:g}{unit}"
    return chart.Bar(title(name), value, shown, name == OURS)


def page(results: Results) -> str:
    """`docs/reference/bench.md`."""
    heads = ("fault", *(title(name) for name in names(results)))
    bounds = [
        (bound.what, _shown(bound.measured), _shown(bound.limit), "ok" if bound.ok else "**broken**")
        for bound in results.bounds()
    ]
    return "\n".join(
        [
            words.HEAD.format(minutes=f"{results.minutes:.0f}", machine=results.machine),
            f"![Calls lost, delay, calls a second and memory of each; the tables below say the same]({CHART})\n",
            "## What a healthy call costs\n",
            markdown(COST_COLUMNS, cost_rows(results)),
            words.COST.format(offered=f"{results.offered_per_second:g}"),
            "## What a fault costs\n",
            markdown(heads, fault_rows(results)),
            words.FAULTS,
            "## What had to hold\n",
            markdown(("bound", "measured", "limit", ""), bounds),
            "",
            words.WORSE,
            "## The configuration\n",
            words.CONFIGURATION,
            "```text",
            configurations.printed().rstrip(),
            "```",
            "",
        ]
    )


def write_page(path: Path, results: Results) -> None:
    """The page, and the chart beside it."""
    path.write_text(page(results), encoding="utf-8")
    path.with_name(CHART).write_text(chart.draw("Ringfence beside its rivals", panels(results)), encoding="utf-8")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    made = Table(title=title)
    for place, column in enumerate(columns):
        made.add_column(column, justify="right" if place and columns is COST_COLUMNS else "left")
    for row in rows:
        made.add_row(*row, style="red" if row[0] == "BROKEN" else None)
    return made


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"

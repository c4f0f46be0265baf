"""What a soak found: the lines for the terminal, and the page with its chart for the docs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.lab.chart import Curve, curves_svg
from tests.lab.faults.result import Bound
from tests.lab.page_parts import markdown
from tests.lab.soak.hours import Trouble
from tests.lab.soak.hurried import ROUNDS
from tests.lab.soak.judge import Growth, Kind, all_judged, warm_hour_of
from tests.lab.soak.run import Results
from tests.lab.soak.sample import KEPT_TABLES, MEASURES, measures
from tests.lab.soak.staff import EMPLOYED, IMPORT_EVERY_HOURS, LEAVING_AN_HOUR, ORDERS_AN_HOUR, POLLERS, VIEWERS
from tests.lab.soak.words import GROWTH_WORDS, HEAD, KEPT_WORDS, ROUNDS_WORDS

CHART = "soak.svg"
SHOWN = (
    "daemon rss",
    "daemon private",
    "daemon python blocks",
    "daemon heap in use",
    "daemon sqlite",
    "daemon descriptors",
    "tasks",
    "timers",
    "daemon threads",
    "astdb keys",
)
SHOWN_MORE = (
    "astdb content",
    "astdb keys of limits",
    "database file",
    "database without journals",
    "database log",
    "asterisk rss",
)
SHOWN_ROWS = 9
ROWS = "rows of "


def growths(results: Results) -> list[Growth]:
    """Of every measure. Raises ValueError in a run that is too short."""
    samples = [{"hour": one.hour, **one.values, **_rows(one.rows)} for one in results.samples]
    wanted = measures(results.dids, results.samples[-1].rows)
    return all_judged(wanted, samples, warm_hour_of(results.hours))


def bounds(results: Results, found: list[Growth]) -> list[Bound]:
    """All that must hold."""
    calls = [
        Bound("hours not run", results.hours - len(results.done), 0),
        Bound("calls lost", results.total("lost"), 0),
        Bound("calls in silence", sum(one.silent for one in results.done), 0),
        Bound("hours that ended otherwise than they should", len([one for one in results.done if one.faults]), 0),
    ]
    return [*calls, *(bound for growth in found for bound in growth.bounds)]


def write_page(path: Path, results: Results, found: list[Growth]) -> None:
    """The page and, beside it, its chart."""
    path.write_text(page(results, found), encoding="utf-8")
    (path.parent / CHART).write_text(chart(results), encoding="utf-8")


def page(results: Results, found: list[Growth]) -> str:
    """`docs/reference/soak.md`."""
    warm = warm_hour_of(results.hours)
    compress = results.compress
    head = HEAD.format(
        hours=results.hours,
        minutes=f"{results.seconds / 60:.0f}",
        dids=results.dids,
        seed=results.seed,
        machine=results.machine,
        at=f"{results.at:%Y-%m-%d}",
        calls=results.total("offered"),
        lost=results.total("lost"),
        silent=sum(one.silent for one in results.done),
        out=sum(one.out for one in results.done),
        by_hand=results.by_hand,
        told=results.told,
        employed=EMPLOYED,
        leaving=LEAVING_AN_HOUR,
        every=IMPORT_EVERY_HOURS,
        orders=ORDERS_AN_HOUR,
        viewers=VIEWERS,
        pollers=POLLERS,
    )
    parts = [
        head,
        "## What befell it\n",
        _troubles(results),
        "",
        "## Hour by hour\n",
        f"![Memory and counts over the hours, in per cent of hour {warm:g}]({CHART})\n",
        _hours(results),
        "",
        "## What must hold\n",
        GROWTH_WORDS.format(warm=f"{warm:g}", last=results.hours),
        _growths(found),
        "",
        "## What is kept\n",
        KEPT_WORDS,
        _kept(found),
        "",
        "## What is compressed, and what is not\n",
        ROUNDS_WORDS.format(
            hour_seconds=f"{3600 / compress:g}", compress=f"{compress:g}", share=f"{100 / compress:.2g}"
        ),
        markdown(
            ("comes round", "every s", "every s here"),
            [(one.what, f"{one.seconds:g}", f"{one.seconds / results.compress:.2g}") for one in ROUNDS],
        ),
        "",
    ]
    return "\n".join(parts)


def lines(found: list[Growth]) -> list[str]:
    """For the terminal: what was judged, one measure a line."""
    return [
        f"{growth.measure.name}: {growth.early:g} -> {growth.late:g} {growth.measure.unit} "
        f"({growth.per_hour:+.3g} an hour)" + "".join(f"; {bound}" for bound in growth.bounds)
        for growth in found
    ]


def chart(results: Results) -> str:
    """Everything in per cent of the warmed-up hour: level is what it should be."""
    warm = warm_hour_of(results.hours)
    base = next(one for one in results.samples if one.hour >= warm).values
    curves = [
        Curve(name, [(one.hour, 100 * one.values[name] / base[name]) for one in results.samples])
        for name in (
            "daemon rss",
            "daemon pss",
            "tasks",
            "daemon descriptors",
            "astdb content",
            "astdb keys of limits",
            "database file",
        )
        if base[name]
    ]
    return curves_svg(f"A soak of {results.hours} hours", "hour", f"per cent of hour {warm:g}", curves, even=True)


def _rows(rows: dict[str, int]) -> dict[str, float]:
    return {f"{ROWS}{name}": float(count) for name, count in rows.items()}


def _troubles(results: Results) -> str:
    held = Counter(one.hour.trouble for one in results.done)
    rows = []
    for trouble in Trouble:
        of = [one for one in results.done if one.hour.trouble is trouble]
        worst = [one.tally.worst_added_ms for one in of if one.tally.worst_added_ms is not None]
        numbers = [held[trouble], sum(one.tally.offered for one in of), sum(one.tally.platform for one in of)]
        numbers += [sum(one.tally.default_number + one.tally.fallback for one in of)]
        numbers += [sum(one.out for one in of), sum(one.tally.lost for one in of), max(worst, default=0)]
        rows.append((trouble.value, *(f"{number:,}" for number in numbers)))
    columns = ("what", "hours", "calls", "platform", "elsewhere", "not routed", "lost", "worst added ms")
    return markdown(columns, rows)


def _hours(results: Results) -> str:
    every = max(1, -(-len(results.samples) // SHOWN_ROWS))
    kept = [one for number, one in enumerate(results.samples, 1) if number % every == 0 or number == 1]
    # A run that was kept may be older than some of them.
    names = [name for name in (*SHOWN, *SHOWN_MORE) if all(name in one.values for one in kept)]
    rows = [(f"{one.hour:g}", *(f"{one.values[name]:,.0f}" for name in names)) for one in kept]
    units = {measure.name: measure.unit for measure in MEASURES}
    return markdown(("hour", *(f"{name}{', ' + units[name] if units[name] else ''}" for name in names)), rows)


def _growths(found: list[Growth]) -> str:
    rows = [
        (
            growth.measure.name,
            f"{growth.early:,.0f}",
            f"{growth.late:,.0f}",
            f"{growth.per_hour:+.2f} {growth.measure.unit}".rstrip(),
            "<br>".join(map(str, growth.bounds)),
        )
        for growth in found
        if growth.bounds and growth.measure.kind not in (Kind.DAILY, Kind.KEPT) and not _same(growth)
    ]
    same = ", ".join(f"`{growth.measure.name.removeprefix(ROWS)}`" for growth in found if _same(growth))
    table = markdown(("what", "early", "late", "an hour", "bounds"), rows)
    return f"{table}\n\nThe same number of rows in every hour from then on: {same or 'no table'}."


def _same(growth: Growth) -> bool:
    """A table that was not touched in all those hours: nothing to show in a row of its own."""
    return growth.measure.name.startswith(ROWS) and growth.early == growth.late == growth.highest


def _kept(found: list[Growth]) -> str:
    kept = [growth for growth in found if growth.measure.kind in (Kind.DAILY, Kind.KEPT) and growth.highest]
    rows = [
        (
            growth.measure.name.removeprefix(ROWS),
            "for long" if growth.measure.name.removeprefix(ROWS) in KEPT_TABLES else "for a day",
            f"{growth.early:,.0f}",
            f"{growth.late:,.0f}",
            f"{growth.per_hour:+.1f}",
            "<br>".join(map(str, growth.bounds)) or "too short a run",
        )
        for growth in kept
    ]
    return markdown(("rows of", "kept", "early", "late", "an hour", "bounds"), rows)

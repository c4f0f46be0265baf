"""`python -m tests.lab.soak`: the work of many hours in few, and what grew; ends with 1 when a bound is broken.

examples:
  make soak HOURS=48                        the work of 48 hours in about half an hour
  make soak HOURS=6                         a short one, of four minutes
  python -m tests.lab.soak --hours 48 --json soak.json --write-docs
  python -m tests.lab.soak --read soak.json --write-docs
                                            the page of a run that was kept
  python -m tests.lab.soak --hours 6 --trace --json soak.json
                                            which lines of code hold the memory, hour by hour
  python -m tests.lab.soak --hours 48 --compress 1
                                            two days as they are
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.lab.provision import provision
from tests.lab.soak.hours import Hour, most_calls
from tests.lab.soak.kept import from_json, to_json
from tests.lab.soak.report import bounds, growths, lines, page, write_page
from tests.lab.soak.run import FAULTS, Results, check_length, run
from tests.lab.waiting import LabError

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "soak.md"
HOURS, COMPRESS, DIDS = 48, 96.0, 2_000
LEAST_HOURS, LEAST_DIDS, MOST_DIDS = 3, 200, 10_000
DOCS_HOURS = 48


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    if options.read is not None:
        return _told(options, from_json(options.read.read_text(encoding="utf-8")), console)
    if options.write_docs and (options.hours < DOCS_HOURS or options.trace):
        console.print(f"The page is written of a whole run: {DOCS_HOURS} hours or more, without --trace.")
        return 2
    try:
        check_length(options.compress)
    except LabError as error:
        console.print(str(error), markup=False)
        return 2
    results = Results(options.hours, options.compress, options.dids, options.seed, machine="")
    console.print(
        f"{options.hours} hours, {3600 / options.compress:g} s each, {options.dids:,} DIDs, "
        f"at most {most_calls(options.dids):,} calls an hour, seed {options.seed}"
    )
    try:
        asyncio.run(_soaked(options, results, console))
    except FAULTS as error:
        console.print(f"The lab failed in hour {len(results.done) + 1}: {error}", style="red", markup=False)
    return _told(options, results, console)


def _told(options: argparse.Namespace, results: Results, console: Console) -> int:
    """Of an unfinished run, too, as far as it came."""
    try:
        found = growths(results)
    except (ValueError, IndexError) as error:
        console.print(f"Nothing can be said of {len(results.samples)} hours: {error}", style="red", markup=False)
        found = []
    if options.json is not None:
        options.json.write_text(to_json(results, found), encoding="utf-8")
    for line in lines(found):
        console.print(line, markup=False, soft_wrap=True)
    broken = [bound for bound in bounds(results, found) if not bound.ok]
    finished = len(results.done) == results.hours and bool(found)
    if options.write_docs and finished and results.hours >= DOCS_HOURS:
        write_page(DOCS, results, found)
    elif finished:
        console.print(page(results, found), markup=False, soft_wrap=True)
    for what in [*results.faults, *map(str, broken)]:
        console.print(what, style="red", markup=False, soft_wrap=True)
    console.print(
        f"{len(results.done)} hours in {results.seconds / 60:.1f} min, {results.total('offered'):,} calls, "
        f"{results.total('lost')} lost; {len(broken)} bounds broken"
    )
    return 0 if finished and not broken else 1


async def _soaked(options: argparse.Namespace, results: Results, console: Console) -> None:
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    installation = await provision()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("bringing up the lab", total=options.hours)

        def began(hour: Hour) -> None:
            progress.update(task, description=f"{hour.of_day:02}:00, {hour.calls} calls: {hour.trouble}")

        def after() -> None:
            one, sample = results.done[-1], results.samples[-1]
            values = sample.values
            progress.console.print(
                f"hour {sample.hour:g}, {one.hour.trouble}: {one.tally.offered} calls, {one.tally.platform} platform, "
                f"{one.tally.default_number + one.tally.fallback} elsewhere, {one.tally.lost} lost; "
                f"{values['daemon rss']:,.0f} kB, {values['tasks']:.0f} tasks, "
                f"{values['daemon descriptors']:.0f} descriptors, database {values['database file']:,.0f} kB; "
                f"{one.seconds:g} s{''.join(f'; {fault}' for fault in one.faults)}",
                style="red" if one.faults else None,
                markup=False,
                soft_wrap=True,
            )
            progress.advance(task)

        await run(installation, results, trace=options.trace, began=began, after=after)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=_between(int, LEAST_HOURS, 10_000), default=HOURS, help=f"default {HOURS}")
    parser.add_argument(
        "--compress",
        type=_between(float, 1, 3600),
        default=COMPRESS,
        metavar="N",
        help=f"how many hours' work one hour holds; default {COMPRESS:g}",
    )
    parser.add_argument("--dids", type=_between(int, LEAST_DIDS, MOST_DIDS), default=DIDS, help=f"default {DIDS:,}")
    parser.add_argument("--seed", type=int, default=1, help="who is called, and what befalls which hour")
    parser.add_argument("--trace", action="store_true", help="the daemon tells which lines hold its memory; slower")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    parser.add_argument("--read", type=Path, metavar="FILE", help="judge and tell what --json wrote; nothing is run")
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/soak.md and its chart")
    return parser.parse_args()


def _between(kind: type[int] | type[float], least: float, most: float):  # type: ignore[no-untyped-def]
    def read(text: str) -> float:
        number = kind(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"between {least:,} and {most:,}")
        return number

    return read


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.lab.bench`: all contestants side by side; ends with 1 when a bound is broken or one is missing."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.lab.bench import configurations, delay, losses, rate, report
from tests.lab.bench.contestants import ALONE, OURS, TITLES
from tests.lab.bench.result import Results
from tests.lab.bench.stage import Stage, opened
from tests.lab.page_parts import machine
from tests.lab.provision import provision
from tests.lab.waiting import LabError

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "bench.md"
NAMES = ("delay", "rate", *(fault.name for fault in losses.FAULTS))
OPENING_STEPS = len(TITLES)


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    unknown = sorted(set(options.only) - set(NAMES))
    if unknown:
        console.print(f"No such measurement: {', '.join(unknown)}. There are: {', '.join(NAMES)}.")
        return 2
    if options.write_docs and options.only:
        console.print("The page is written of a whole run: leave --only out.")
        return 2
    console.print(configurations.printed(), markup=False, soft_wrap=True)
    wanted = [name for name in NAMES if not options.only or name in options.only]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        results = asyncio.run(run(wanted, progress))
    for table in report.tables(results):
        console.print(table)
    for name, why in results.missing.items():
        console.print(f"{TITLES[name]} could not be had: {why}", style="red", markup=False)
    for name, why in results.broken.items():
        console.print(f"{name} could not be measured: {why}", style="red", markup=False)
    console.print(f"{results.minutes:.1f} minutes; " + ("all bounds hold" if results.ok else "NOT all bounds hold"))
    if options.json is not None:
        options.json.write_text(results.to_json(), encoding="utf-8")
    if options.write_docs:
        report.write_page(DOCS, results)
    return 0 if results.ok else 1


async def run(wanted: Sequence[str], progress: Progress) -> Results:
    """The wanted measurements, one after the other."""
    began_at = time.monotonic()
    steps = {"delay": delay.BLOCKS, "rate": len(TITLES) + rate.ROUNDS + 1}
    bar = progress.add_task("", total=OPENING_STEPS + sum(steps.get(name, 6) for name in wanted))
    results = Results(rate.OFFERED_PER_SECOND)

    def doing(what: str) -> None:
        progress.update(bar, description=what, advance=1)

    async with opened(await provision(), doing=doing) as stage:
        results.missing = {missing.name: missing.why for missing in stage.missing}
        results.versions, results.machine = stage.versions, machine(*stage.versions.values())
        for name in wanted:
            progress.update(bar, description=name)
            try:
                await _one(name, stage, results, lambda: progress.advance(bar))
            except LabError as error:
                results.broken[name] = str(error)
            if name not in steps:
                progress.advance(bar, 6)
            progress.console.print(f"{name}: measured after {(time.monotonic() - began_at) / 60:.1f} minutes")
    results.minutes = round((time.monotonic() - began_at) / 60, 1)
    progress.update(bar, description="done")
    return results


async def _one(name: str, stage: Stage, results: Results, step: Callable[[], None]) -> None:
    if name == "delay":
        results.delay = await delay.measure(stage, step)
    elif name == "rate":
        results.rate = await rate.measure(stage, step)
        for lane in stage.lanes:
            if lane.name == OURS:
                results.rate[ALONE] = await rate.measure_alone(lane, stage)
        step()
    else:
        fault = next(fault for fault in losses.FAULTS if fault.name == name)
        results.faults[name] = await losses.measure(stage, fault)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/bench.md and its chart")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.simulation`: so many hours at random, judged at every step; ends with 1 when a rule was broken or a
fault never happened. `make simulation HOURS=10000`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.lab.chaos import page
from tests.simulation.long_report import Told, told
from tests.simulation.long_run import CHAPTER_HOURS, Chapter, play


def main() -> int:
    options = _options()
    console, began = Console(highlight=False), time.monotonic()
    console.print(f"seed {options.seed}, {options.hours} hours in chapters of {CHAPTER_HOURS}")
    found = _played(options, console)
    report = told(options.seed, found, time.monotonic() - began)
    console.print(report.table, markup=False)
    for fault in report.never:
        console.print(f"never happened: {fault}", style="red")
    if options.json is not None:
        options.json.write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
    if options.write_docs:
        page.write_simulation(_words(report))
    return 0 if report.ok else 1


def _played(options: argparse.Namespace, console: Console) -> list[Chapter]:
    numbers = range(options.chapter, options.chapter + max(1, -(-options.hours // CHAPTER_HOURS)))
    hours = min(options.hours, CHAPTER_HOURS)
    work = partial(play, options.seed, hours=hours)
    with Progress(console=console, transient=True) as bar, ProcessPoolExecutor() as pool:
        task, found = bar.add_task("hours", total=len(numbers) * hours), []
        for chapter in pool.map(work, numbers):
            found.append(chapter)
            bar.advance(task, hours)
            if chapter.broken:
                console.print(f"chapter {chapter.seed}, {chapter.broken}", style="red", markup=False)
                console.print("\n".join(chapter.lines[-12:]), markup=False)
    return found


def _words(report: Told) -> str:
    cores = os.cpu_count() or 1
    return f"{report.table}\n\nThis took {report.seconds / 60:.1f} minutes on {cores} cores."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--hours", type=int, default=10_000, help="simulated hours, rounded up to whole chapters")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same history")
    parser.add_argument("--chapter", type=int, default=0, help="begin with this one: to see a broken one again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what happened there, too")
    parser.add_argument("--write-docs", action="store_true", help="write the figures into docs/reference/random.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.lab.faults`: runs the rows, prints the table, ends with 1 when a bound is broken."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.lab.faults import compared, kept, report
from tests.lab.faults.kept import Ended
from tests.lab.faults.registry import chosen, groups, in_order, names, run_all
from tests.lab.faults.result import Row
from tests.lab.waiting import LabError

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "faults.md"
FIGURES = DOCS.with_suffix(".json")


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 180
    if options.list:
        for name in names():
            console.print(name)
        console.print(f"Groups: {', '.join(groups())}")
        return 0
    if options.write_docs and (options.only or options.group):
        console.print("The page is written of a whole run: leave --only and --group out.")
        return 2
    try:
        wanted = chosen(options.only, options.group)
    except KeyError as unknown:
        console.print(f"No such row or group: {unknown}. --list names them.")
        return 2
    before = compared.read(FIGURES)
    try:
        earlier = kept.read(options.resume)
    except LabError as error:
        console.print(str(error), markup=False)
        return 2
    ended = _run(console, wanted, before, earlier, options.resume)
    rows, minutes = in_order(each.row for each in ended), sum(each.seconds for each in ended) / 60
    version = next((each.version for each in ended if each.version), "")
    console.print(report.table([row for row in rows if row.tally is not None]))
    broken = [row for row in rows if not row.ok]
    moves = [move for row in rows for move in compared.moved(row, before)]
    better = sum(move.better for move in moves)
    console.print(f"{len(rows)} rows in {minutes:.1f} minutes, {len(broken)} with a broken bound")
    console.print(f"Against the run before: {better} figures better, {len(moves) - better} worse")
    for row in broken:
        console.print(report.lines(row), style="red", markup=False)
    if options.json is not None:
        options.json.write_text(report.to_json(rows), encoding="utf-8")
    if options.write_docs:
        report.write_page(DOCS, rows, minutes, [version, _commits(ended)], before)
        compared.write(FIGURES, rows, before, names())
    return 1 if broken else 0


def _run(
    console: Console, wanted: list[str], before: compared.Figures, earlier: list[Ended], resumed: Path | None
) -> list[Ended]:
    """With a bar that tells how far it has come. What ended in the run that is resumed is not run again."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    ended = [each for each in earlier if each.row.name in wanted]
    left = [name for name in wanted if name not in {each.row.name for each in ended}]
    if ended:
        console.print(f"{len(ended)} rows had ended before; {len(left)} are left")
    if not left:
        return ended
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("bringing up the lab", total=len(left))
        began, commit = time.monotonic(), kept.commit()

        def done(row: Row, version: str) -> None:
            nonlocal began
            ended.append(Ended(row, commit, version, round(time.monotonic() - began, 1)))
            kept.keep(resumed, ended[-1])
            began = time.monotonic()
            progress.advance(bar)
            text, style = report.lines(row, before), None if row.ok else "red"
            progress.console.print(text, style=style, markup=False, soft_wrap=True)

        asyncio.run(run_all(left, lambda text: progress.update(bar, description=text), done))
    return ended


def _commits(ended: list[Ended]) -> str:
    """How many rows are of which: a run that was resumed may be of several."""
    found = Counter(each.commit for each in ended)
    return " and ".join(f"{count} rows of commit {commit}" for commit, count in found.most_common())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="run these rows only, or what begins so")
    parser.add_argument("--group", nargs="+", default=[], metavar="NAME", help="run the rows of this kind only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep each row there, and go on where it was cut")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/faults.md and its figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

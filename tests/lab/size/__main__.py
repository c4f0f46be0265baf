"""`python -m tests.lab.size`: measures a large node, prints the figures, ends with 1 when a bound is broken."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.lab.faults.result import Row
from tests.lab.size.figures import FIGURES
from tests.lab.size.organisation import FULL_DIDS
from tests.lab.size.report import page, to_json, write_page
from tests.lab.size.run import Results, run_all, steps

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "size.md"
LEAST_DIDS = 1_000


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 180
    if options.write_docs and options.only_figures:
        console.print("The page is written of a whole run: leave --only-figures out.")
        return 2
    logging.getLogger("ringfence").setLevel(logging.CRITICAL)  # what the simulated nodes have to say
    results = asyncio.run(_measured(options, console))
    if not options.only_figures:
        console.print(page(results), markup=False, soft_wrap=True)
    if options.json is not None:
        options.json.write_text(to_json(results), encoding="utf-8")
    if options.write_docs:
        write_page(DOCS, results)
    broken = [row.name for row in results.rows if not row.ok]
    console.print(f"{len(results.rows)} figures, {len(broken)} with a broken bound: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


async def _measured(options: argparse.Namespace, console: Console) -> Results:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        total = len(FIGURES) if options.only_figures else steps(options.dids)
        task = progress.add_task("bringing up the lab", total=total)

        def done(row: Row | None) -> None:
            progress.advance(task)
            if row is not None:
                bounds = "; ".join(map(str, row.bounds))
                text = f"{row.name}: {bounds}\n    {row.what}"
                progress.console.print(text, style=None if row.ok else "red", markup=False, soft_wrap=True)

        return await run_all(
            options.dids,
            lambda what: progress.update(task, description=what),
            done,
            only_figures=options.only_figures,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.size", description=__doc__)
    parser.add_argument("--dids", type=_dids, default=FULL_DIDS, help=f"how many; {FULL_DIDS:,} when left out")
    parser.add_argument("--only-figures", action="store_true", help="leave out growth, verdicts and the fifty nodes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/size.md and its chart")
    return parser.parse_args()


def _dids(text: str) -> int:
    number = int(text)
    if not LEAST_DIDS <= number <= FULL_DIDS:
        raise argparse.ArgumentTypeError(f"between {LEAST_DIDS:,} and {FULL_DIDS:,}")
    return number


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.lab.chaos`: kills the daemon at random moments of its work; ends with 1 when anything disagreed
afterwards. `make chaos KILLS=500`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.lab.chaos import page
from tests.lab.chaos.report import table, to_json
from tests.lab.chaos.run import Outcome, run
from tests.lab.new_database import lay_on_server, server
from tests.lab.provision import provision


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    console.print(f"seed {options.seed}, {options.kills} kills")
    outcome = asyncio.run(_killed(options, console))
    console.print(table(outcome), markup=False)
    if options.json is not None:
        options.json.write_text(json.dumps(to_json(outcome), indent=2) + "\n", encoding="utf-8")
    if options.write_docs:
        page.write_kills(table(outcome))
    return 1 if outcome.faults else 0


async def _killed(options: argparse.Namespace, console: Console) -> Outcome:
    database = (await server()).url(await lay_on_server()) if options.postgresql else ""
    told = 0
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("kills", total=options.kills)

        def after(outcome: Outcome) -> None:
            nonlocal told
            for fault in outcome.faults[told:]:
                console.print(fault, style="red", markup=False)
            told = len(outcome.faults)
            bar.update(task, completed=outcome.kills)

        return await run(await provision(), options.seed, options.kills, database, after)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, metavar="N")
    parser.add_argument(
        "--seed", type=int, default=1, help="what is ordered and aimed at; when exactly it dies is chance"
    )
    parser.add_argument("--postgresql", action="store_true", help="with a PostgreSQL of its own in SQLite's place")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--write-docs", action="store_true", help="write the figures into docs/reference/random.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.lab.faults`: runs the rows, prints the table, ends with 1 when a bound is broken."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from rich.console import Console

from tests.lab.faults import report
from tests.lab.faults.registry import names, run_all
from tests.lab.faults.result import Row

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "faults.md"


def main() -> int:
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 180
    if options.list:
        for name in names():
            console.print(name)
        return 0
    unknown = sorted(set(options.only) - set(names()))
    if unknown:
        console.print(f"No such row: {', '.join(unknown)}. --list names them.")
        return 2
    began = time.monotonic()
    with console.status("bringing up the lab") as status:
        rows, version = asyncio.run(
            run_all(options.only, lambda text: status.update(text), lambda row: _tell(console, row))
        )
    minutes = (time.monotonic() - began) / 60
    console.print(report.table([row for row in rows if row.tally is not None]))
    broken = [row for row in rows if not row.ok]
    console.print(f"{len(rows)} rows in {minutes:.1f} minutes, {len(broken)} with a broken bound")
    for row in broken:
        console.print(report.lines(row), style="red", markup=False)
    if options.json is not None:
        options.json.write_text(report.to_json(rows), encoding="utf-8")
    if options.write_docs:
        report.write_page(DOCS, rows, minutes, version)
    return 1 if broken else 0


def _tell(console: Console, row: Row) -> None:
    console.print(report.lines(row), style=None if row.ok else "red", markup=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="run these rows only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/faults.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

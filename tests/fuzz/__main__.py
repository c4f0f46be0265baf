"""`python -m tests.fuzz`: gives every parser inputs that nobody would write; ends with 1 when anything broke.
`make fuzz SECONDS=60 SEED=7`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID

from tests.fuzz.engine import Finding, Hunt, hunt
from tests.fuzz.growth import growing
from tests.fuzz.registry import all_targets
from tests.fuzz.report import Run, rows, table, to_json, told, write_page
from tests.fuzz.samples import as_line, found_before
from tests.fuzz.target import Target

EXAMPLES = """examples:
  make fuzz                              ten seconds of CPU for each parser, and as many for repeated pieces
  make fuzz SECONDS=300 SEED=7           longer, and other inputs
  python -m tests.fuzz --only ari,cdr    two parsers
  python -m tests.fuzz --inputs 5000     as many inputs on any machine: with the seed, the very same ones
  python -m tests.fuzz --keep            what breaks is kept in tests/fuzz/corpus, and tried ever after
"""


def main() -> int:
    options = _options()
    console = Console(highlight=False, stderr=options.json == Path("-"))
    targets = _chosen(options.only)
    console.print(f"seed {options.seed}, {len(targets)} parsers")
    # What the product would log of a broken input is no word for whoever looks for others.
    logging.disable(logging.CRITICAL)
    run = Run(options.seed, options.seconds, _hunted(options, targets, console))
    console.print(table(run) if not console.is_terminal else _shown(run), markup=False)
    for one in told(run):
        console.print(one, style="red", markup=False, soft_wrap=True)
    if options.keep:
        _keep([finding for one in run.hunts for finding in one.findings])
    if options.json == Path("-"):
        print(json.dumps(to_json(run), indent=2))
    elif options.json is not None:
        options.json.write_text(json.dumps(to_json(run), indent=2) + "\n", encoding="utf-8")
    if options.write_docs:
        write_page(run)
    return 1 if run.finding_count else 0


def _hunted(options: argparse.Namespace, targets: list[Target], console: Console) -> list[Hunt]:
    found = []
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("fuzzing", total=len(targets) * options.seconds)
        for target in targets:
            bar.update(task, description=target.name)
            found.append(_one(options, target, bar, task))
            if not console.is_terminal:
                console.print(f"{target.name}: {found[-1].inputs} inputs", markup=False)
            for finding in found[-1].findings:
                console.print(f"{target.name}: {finding.what} {finding.where}", style="red", markup=False)
    return found


def _one(options: argparse.Namespace, target: Target, bar: Progress, task: TaskID) -> Hunt:
    began = told_at = time.process_time()

    def goes_on(inputs: int) -> bool:
        nonlocal told_at
        if options.inputs:
            return inputs < int(options.inputs)
        now = time.process_time()
        if now - told_at > 0.5:
            bar.advance(task, now - told_at)
            told_at = now
        return now - began < options.seconds

    result = hunt(target, options.seed, goes_on, found_before(target.name))
    if target.grows and not options.inputs:
        until = time.process_time() + options.seconds
        growing(result, options.seed, lambda pieces: pieces < 1 or time.process_time() < until)
    return result


def _chosen(only: str) -> list[Target]:
    targets = all_targets()
    names = [name for name in only.split(",") if name] or list(targets)
    if unknown := [name for name in names if name not in targets]:
        sys.exit(f"--only: there is no parser {unknown[0]!r}; known: {', '.join(targets)}")
    return [targets[name] for name in names]


def _shown(run: Run) -> str:
    cells = [("parser", "", "inputs", "repeated", "outcomes", "lines", "findings"), *rows(run)]
    return "\n".join(
        f"{name:<18} {inputs:>9} {grown:>9} {outcomes:>9} {lines:>14} {findings:>9}"
        for name, _, inputs, grown, outcomes, lines, findings in cells
    )


def _keep(findings: list[Finding]) -> None:
    for one in findings:
        path = Path(__file__).parent / "corpus" / f"{one.target}.jsonl"
        before = path.read_text(encoding="ascii") if path.exists() else ""
        if (line := as_line(one.data)) not in before.splitlines():
            path.write_text(f"{before}{line}\n", encoding="ascii")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of CPU for each parser (default 10)")
    parser.add_argument("--inputs", type=int, default=0, help="so many inputs for each parser, in place of seconds")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same inputs in the same order")
    parser.add_argument("--only", default="", metavar="NAMES", help="these parsers alone, with commas between")
    parser.add_argument("--keep", action="store_true", help="keep what breaks in tests/fuzz/corpus")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there, too; - for here")
    parser.add_argument("--write-docs", action="store_true", help="write the figures into docs/reference/fuzzing.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""The faults' results as a table for the terminal, a page for the docs and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from tests.lab.faults.compared import Figures, moved, section
from tests.lab.faults.result import Row
from tests.lab.page_parts import machine, markdown

COLUMNS = (
    "fault",
    "offered",
    "platform",
    "default number",
    "fallback",
    "announcement",
    "busy/unanswered",
    "lost",
    "worst added ms",
    "after verdict ms",
    "verdict ms",
    "",
)


def table(rows: Sequence[Row]) -> Table:
    """For the terminal."""
    made = Table(title="Faults with real calls", show_lines=False)
    for column in COLUMNS:
        made.add_column(column, justify="left" if column == "fault" else "right")
    for row in rows:
        made.add_row(*_cells(row), style=None if row.ok else "red")
    return made


def lines(row: Row, before: Figures | None = None) -> str:
    """One row as it ends: its bounds in words, and what of it has moved since the run before."""
    if row.skipped:
        return f"{row.name}: skipped, {row.skipped}"
    said = f"{row.name}: " + "; ".join(str(bound) for bound in row.bounds) + ("" if row.ok else f" ({row.what})")
    return "\n".join([said, *(f"    {move}" for move in moved(row, before or {}))])


def to_json(rows: Sequence[Row]) -> str:
    return json.dumps(
        [
            {
                **{name: value for name, value in asdict(row).items() if name != "bounds"},
                "ok": row.ok,
                "bounds": [{**asdict(bound), "ok": bound.ok} for bound in row.bounds],
            }
            for row in rows
        ],
        indent=2,
    )


def page(rows: Sequence[Row], minutes: float, versions: Sequence[str], before: Figures) -> str:
    """`docs/reference/faults.md`. `versions`: of Asterisk, and of what was measured."""
    faults = [row for row in rows if row.tally is not None]
    figures = [row for row in rows if row.tally is None]
    return "\n".join(
        [
            HEAD.format(machine=machine(*versions), minutes=f"{minutes:.0f}"),
            "## Faults\n",
            markdown(COLUMNS, [_cells(row) for row in faults]),
            "",
            WORDS,
            "## What happened, and what had to hold\n",
            markdown(("fault", "what", "bounds"), [(row.name, row.what, _bounds(row)) for row in faults]),
            "",
            "## Figures\n",
            markdown(("figure", "what", "bounds"), [(row.name, row.what, _bounds(row)) for row in figures]),
            "",
            "## Against the run before\n",
            section(rows, before),
        ]
    )


def write_page(path: Path, rows: Sequence[Row], minutes: float, versions: Sequence[str], before: Figures) -> None:
    path.write_text(page(rows, minutes, versions, before), encoding="utf-8")


HEAD = """\
# Faults, with real calls

Written by `python -m tests.lab.faults --write-docs`; `make faults` runs the same and prints it. It takes about
{minutes} minutes and ends with status 1 when a bound is broken. `--list` names the rows and the groups; `--only NAME`
runs some, also by what their names begin with, and `--group NAME` those of one kind. `--resume FILE` keeps each row as
it ends: a run that was cut goes on with the next. Each row is held against the run before, whose figures `faults.json`
keeps beside this page.

One configuration holds for all rows: platform and trunks with profile `lan`, `no_progress_seconds = 8` (the default)
on the platform and 1.5 on the egress trunks. Asterisk, the daemon, the carrier (SIPp), the platform and both mobile
networks are real processes that talk over the loopback; in the rows of the network they talk over lines of our own, a
process that loses, delays and doubles their packets by a seed. The full disk is a small tmpfs and needs the right to
mount. Asterisk logs as it is shipped (no line per dialplan step) and has `taskprocessor_overload_trigger=pjsip_only`.

Measured on: {machine}.
"""

WORDS = """\
*Lost*: not put through although the plan held a step that answers; here every DID has a mobile that answers, so an
announcement is a loss. *Busy/unanswered* counts callers who heard it ring until their time was up: those who were
ringing at a platform when it died, with no daemon to free them. *Worst added*: from INVITE to the first ringing,
less the median of the calls before the fault. *After verdict*: the same, of the calls that came once Asterisk had been
told; up to 100 ms is taken for the machine's own unrest. *Verdict*: from the fault to the published mode key, or to the
key of the egress trunk.
*Moves*: how often everybody's calls were moved away from the platform; a single call that goes on by itself is none.
*Failed calls before verdict* leaves out calls already in flight, 50 ms, when the deciding one failed.
"""


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "skipped" if row.skipped else "ok" if row.ok else "NOT OK"
    counted = row.tally
    if counted is None:
        return (row.name, *([""] * (len(COLUMNS) - 2)), verdict)
    values = (
        counted.offered,
        counted.platform,
        counted.default_number,
        counted.fallback,
        counted.announcement,
        counted.busy_or_unanswered,
        counted.lost,
        counted.worst_added_ms,
        row.after_verdict_ms,
        counted.verdict_ms,
    )
    return (row.name, *("-" if value is None else str(value) for value in values), verdict)


def _bounds(row: Row) -> str:
    return row.skipped or "<br>".join(str(bound) for bound in row.bounds)

"""What a run found as a page with a chart for the docs, and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ringfence.app.paced import RECORDS_PER_SECOND
from tests.lab.chart import Curve, curves_svg
from tests.lab.page_parts import markdown
from tests.lab.size.fifty import NODES, POSTGRESQL_CONNECTIONS, connections, sums
from tests.lab.size.operations import Cost
from tests.lab.size.run import Results

CHART = "size.svg"


def write_page(path: Path, results: Results) -> None:
    """The page and, beside it, its chart."""
    path.write_text(page(results), encoding="utf-8")
    (path.parent / CHART).write_text(chart(results), encoding="utf-8")


def to_json(results: Results) -> str:
    plain = asdict(results)
    for row, shown in zip(results.rows, plain["rows"], strict=True):
        shown["ok"] = row.ok
    return json.dumps(plain, indent=2, default=str)


def page(results: Results) -> str:
    """`docs/reference/size.md`."""
    load = " and ".join(f"{value:.1f}" for value in results.load)
    return "\n".join(
        [
            HEAD.format(
                dids=results.dids,
                people=results.dids // 2,
                teams=max(1, results.dids // 100),
                machine=results.machine,
                load=load,
                at=f"{results.at:%Y-%m-%d}",
            ),
            "## What must hold\n",
            markdown(
                ("figure", "what", "bounds"),
                [(row.name, row.what, "<br>".join(map(str, row.bounds)) or "none set") for row in results.rows],
            ),
            "",
            "## Growth\n",
            f"![Growth with the number of DIDs]({CHART})\n",
            _growth(results),
            "",
            GROWTH_WORDS,
            "### Operations, counted\n",
            _operations(results),
            "",
            OPERATION_WORDS,
            "### Verdicts\n",
            _looks(results),
            "",
            VERDICT_WORDS,
            "## Fifty nodes\n",
            _fifty(results),
        ]
    )


def chart(results: Results) -> str:
    points = results.points
    curves = [
        Curve("first publish, s", [(p.dids, p.publish_seconds) for p in points]),
        Curve("import, s of CPU", [(p.dids, p.imported.cpu_seconds) for p in points]),
        Curve("unchanged reconcile, s", [(p.dids, p.reconciled.seconds) for p in points]),
        Curve("start to ready, s of CPU", [(p.dids, p.ready.cpu_seconds) for p in points]),
        Curve("ten changed rows, s", [(p.dids, p.changed_seconds) for p in points]),
        Curve("flip, s", [(p.dids, p.flip_ms / 1000) for p in points]),
    ]
    return curves_svg("Growth with the number of DIDs", "DIDs", "seconds", curves)


def _growth(results: Results) -> str:
    columns = (
        "DIDs",
        "import, s (CPU)",
        "first publish, s",
        "ten changed rows, ms",
        "their import, s (CPU)",
        "flip, ms",
        "reconcile, s (CPU)",
        "ready, s (CPU)",
        "peak MB",
    )
    rows = [
        (
            f"{p.dids:,}",
            _both(p.imported.seconds, p.imported.cpu_seconds),
            f"{p.publish_seconds:.2f}",
            f"{p.changed_seconds * 1000:.0f}",
            _both(p.changed.seconds, p.changed.cpu_seconds),
            f"{p.flip_ms:.0f}",
            _both(p.reconciled.seconds, p.reconciled.cpu_seconds),
            _both(p.ready.seconds, p.ready.cpu_seconds),
            str(p.peak_mb),
        )
        for p in results.points
    ]
    return markdown(columns, rows)


def _operations(results: Results) -> str:
    columns = ("DIDs", "first publish", "unchanged", "ten changed rows", "a team's word", "a platform's mode")
    rows = []
    for point in results.points:
        counted = point.counted
        costs = (counted.first, counted.unchanged, counted.ten_changed, counted.team, counted.flip)
        rows.append((f"{point.dids:,}", *map(_cost, costs)))
    return markdown(columns, rows)


def _cost(cost: Cost) -> str:
    return f"{cost.written:,} / {cost.shelves_read:,} / {cost.records_read:,}"


def _looks(results: Results) -> str:
    rows = [
        (str(look.platforms), str(look.targets), f"{look.us:.0f}", f"{look.us_a_target:.0f}") for look in results.looks
    ]
    return markdown(("platforms", "targets", "all verdicts, µs of CPU", "one verdict, µs"), rows)


def _fifty(results: Results) -> str:
    worked_out = [(one.what, f"{one.one:.1f}", f"{one.all:.0f}", one.how) for one in sums()]
    simulated = [
        (
            one.profile,
            f"{one.first:.1f} / {one.median:.1f} / {one.last:.1f}",
            f"{one.promised:.2f}",
            str(one.commits),
            str(one.busiest_second),
            f"{one.cpu_ms_a_node:.0f}",
        )
        for one in results.fifty
    ]
    columns = (
        "profile",
        "verdict after s: first / median / last",
        "promised s",
        "commits",
        "in the busiest second",
        "CPU ms a node",
    )
    return "\n".join(
        [
            f"Nothing here was measured on {NODES} machines. What each figure means is told in",
            "[fifty nodes](../explanation/many-nodes.md).\n",
            "### Worked out\n",
            markdown(("what", "one node", f"{NODES} nodes", "how"), worked_out),
            "",
            f"A PostgreSQL server that holds all {NODES} databases needs `max_connections` of {connections()} and some "
            f"more; as shipped it has {POSTGRESQL_CONNECTIONS}.\n",
            "### Simulated\n",
            f"{NODES} of the real judges and writers on a clock of their own; the platform that all watch dies.\n",
            markdown(columns, simulated),
            "",
        ]
    )


def _both(seconds: float, cpu: float) -> str:
    return f"{seconds:.2f} ({cpu:.2f})"


HEAD = """\
# How large a node may be

Written by `python -m tests.lab.size --write-docs`; `make size` measures the same and prints it, and ends with status 1
when a bound is broken. One node: {dids:,} DIDs of {people:,} people, 20 platforms, {teams:,} team lines of ten members.
Asterisk, the daemon, the carrier and the platform are real processes that talk over the loopback; SQLite.

Measured on {at}: {machine}.
Processes that wanted to run at the beginning and at the end, over a minute: {load}. Above one for each core the seconds
on the wall's clock tell of the machine's other work, and the seconds of CPU of ours.
"""

GROWTH_WORDS = f"""\
Each size on a stage of its own. *Import*: from the request to its answer; read, checked, compared, compiled and stored.
*First publish* and *ten changed rows*: from the database's commit until Asterisk holds all of it; the first is verified
by then as well, and its records are written at {RECORDS_PER_SECOND:,} a second at most, for the sake of calls that read
AstDB meanwhile. *Their import* is the whole request for the ten: the file has everybody and is read as a whole, so it
grows with the file. *Flip*: from a person's order to the key in Asterisk, looked at every 10 ms, median of 5.
*Reconcile*: Asterisk was restarted with the table as it was. Both axes of the chart are logarithmic.
"""

OPERATION_WORDS = """\
Records written / shelves of the table read back / records read back one by one, by the real publishers on a database in
memory that counts; the tests hold it. A shelf is ten of the table's pieces. The table's own record is one of those
written. A first publish writes everything once and reads each shelf before and after. Whatever changes later costs what
it changes, not what there is. A team's word is written twice at most: at once, on the modes' connection, and again when
the table's publisher makes sure of it.
"""

VERDICT_WORDS = """\
All platforms silent at once, which is when most is weighed. One verdict asks the other hosts for their testimony until
one gives it, so that it hardly grows with the number of targets, and not at all with DIDs, people or calls.
"""

"""`ringfence coverage`: how many DIDs end with somebody who is known to answer, and why the others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines
from ringfence.cli.tables import show_table
from ringfence.cli.times import local

if TYPE_CHECKING:
    from rich.console import Console

BAR_CELLS: Final = 40
COVERAGE_SECONDS: Final = 60.0


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("coverage")(coverage)


def coverage(
    context: typer.Context,
    history: Annotated[bool, typer.Option("--history", help="also day by day")] = False,
    uncovered: Annotated[bool, typer.Option("--uncovered", help="also name the DIDs that are not covered")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many days and DIDs")] = 100,
    check: Annotated[bool, typer.Option("--check", help="exit with 4 below the target, for monitoring")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the share of DIDs whose plan reaches a permitted, consented number confirmed lately; the rest by reason.

    Example: ringfence coverage --uncovered --limit 20
    """
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        query = {"uncovered": str(limit) if uncovered else None}
        found = daemon.call("GET", "/v1/coverage", query, seconds=COVERAGE_SECONDS)
        if history:
            found |= daemon.call("GET", "/v1/coverage/history", {"limit": str(limit)})
    emit(as_json, found, lambda out: _show(out, found))
    if check and found["below_target"]:
        raise typer.Exit(NOT_WELL)


def _show(out: Console, found: dict[str, Any]) -> None:
    print_lines(
        out,
        [
            f"{found['covered']} of {found['dids']} DIDs are covered: {found['percent']} %, {_verdict(found)}",
            f"  {_bar(found['percent'])}",
            f"  a confirmation counts for {found['confirmed_days']} days",
        ],
    )
    rows = [(str(one["dids"]), _share(one["dids"], found["dids"]), one["sentence"]) for one in found["reasons"]]
    show_table(out, ("DIDs", "share", "not covered, because"), rows)
    show_table(out, ("DID", "not covered, because"), [(one["did"], one["sentence"]) for one in found["uncovered"]])
    days = [
        (local(d["at"]), f"{d['percent']} %", f"{d['covered']} of {d['dids']}", _bar(d["percent"]))
        for d in found.get("history", [])
    ]
    show_table(out, ("day", "covered", "DIDs", ""), days)
    if "history" in found and not days:
        out.print("No day is stored yet.")


def _verdict(found: dict[str, Any]) -> str:
    if not found["target_percent"]:
        return "no target is set"
    words = "BELOW THE TARGET" if found["below_target"] else "meets the target"
    return f"{words} of {found['target_percent']:g} %"


def _bar(percent: float) -> str:
    full = int(percent * BAR_CELLS / 100)
    return "#" * full + "." * (BAR_CELLS - full)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"

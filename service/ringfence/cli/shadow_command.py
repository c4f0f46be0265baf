"""`ringfence shadow report`: what would have happened, live, and what to mend before going live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, usage
from ringfence.cli.tables import show_table
from ringfence.cli.times import check_duration, local
from ringfence.domain.time_words import in_words

if TYPE_CHECKING:
    from rich.console import Console

REPORT_SECONDS: Final = 120.0


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    shadow = typer.Typer(
        name="shadow", no_args_is_help=True, help="Shadow mode: all is decided and shown, nothing is done to calls."
    )
    shadow.callback()(_group)
    shadow.command("report")(report)
    app.add_typer(shadow)


def _group() -> None:
    """Without it a group of one command would be that command."""


def report(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="how far back, as 12h or 7d")] = "7d",
    check: Annotated[bool, typer.Option("--check", help="exit with 4 unless it is ready to go live")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what would have happened in a time in shadow mode: outages, diverted and saved calls, what to mend first.

    Example: ringfence shadow report --since 7d
    """
    try:
        past = check_duration(since)
    except ValueError as error:
        usage(f"--since: {error}")
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        found = daemon.call("GET", "/v1/shadow", {"since": past}, seconds=REPORT_SECONDS)
    emit(as_json, found, lambda out: _show(out, found))
    if check and not found["ready"]:
        raise typer.Exit(NOT_WELL)


def _show(out: Console, found: dict[str, Any]) -> None:
    calls = found["calls"]
    now = "SHADOW: nothing is done to calls" if found["in_shadow"] else "this node is live now"
    print_lines(
        out,
        [
            f"{now}. From {local(found['since'])} to {local(found['until'])}, in shadow mode for "
            f"{in_words(found['seconds'])} of it.",
            "What would have happened, live:",
            f"  {_count(len(found['outages']), 'outage')} would have been declared",
            f"  {calls['diverted']} of {_count(calls['calls'], 'call')} would have been diverted",
            f"  {calls['saved']} of {calls['failed']} that failed on the platform would have rung a person, a team or "
            "a site instead",
            f"  {_count(sum(one['calls'] for one in calls['to_announcement']), 'call')} would have heard an "
            "announcement",
            f"  {_count(calls['outward'], 'call')} would have gone out and cost; those {calls['outward_talked']} that "
            f"the platform answered came to {calls['outward_minutes']} minutes at most",
        ],
    )
    _show_outages(out, found["outages"])
    for heading, key in (("would have been rung first", "by_step"), ("why diverted", "by_reason")):
        show_table(out, (heading, "calls"), [(one["name"], str(one["calls"])) for one in calls[key]])
    hours = [(local(one["at"])[:16], str(one["calls"])) for one in calls["by_hour"]]
    show_table(out, ("diverted in the hour from", "calls"), hours)
    for heading, key in (
        ("DID whose calls would have heard an announcement", "to_announcement"),
        ("called and not in the directory", "not_in_directory"),
        ("trunk with numbers that could not be read", "not_read"),
    ):
        show_table(out, (heading, "calls"), [(one["name"], str(one["calls"])) for one in calls[key]])
    verdicts = [(v["scope"], v["verdict"], in_words(v["seconds"]), str(v["times"])) for v in found["verdicts"]]
    show_table(out, ("platform", "verdict", "for", "times"), verdicts)
    _show_checks(out, found)


def _show_outages(out: Console, outages: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["scope"],
            local(one["began"]),
            in_words(one["seconds"]) if one["ended"] else f"{in_words(one['seconds'])}, still on",
            one["sentence"],
            f"{one['calls']}, {one['answered']} answered" + (": FALSE ALARM?" if one["perhaps_false"] else ""),
        )
        for one in outages
    ]
    show_table(out, ("would-be outage", "began", "lasted", "because", "calls diverted by it"), rows)
    for one in outages:
        print_lines(out, [f"  {one['scope']}, {local(one['began'])}: {words}" for words in one["evidence"]])


def _show_checks(out: Console, found: dict[str, Any]) -> None:
    print_lines(out, ["Ready to go live?"])
    for check in found["checks"]:
        fix = f"\n      {check['fix']}" if check["fix"] and not check["ok"] else ""
        print_lines(out, [f"  {'ok  ' if check['ok'] else 'MEND'}  {check['words']}{fix}"])
    words = "Yes: set shadow = false, `ringfence check-config`, restart." if found["ready"] else "Not yet."
    print_lines(out, [words])


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"

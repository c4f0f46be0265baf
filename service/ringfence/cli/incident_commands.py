"""`ringfence incident`: outages that were, their evidence, and the people who called meanwhile and reached nobody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.client import path_part
from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say, usage
from ringfence.cli.tables import show_table
from ringfence.cli.times import local
from ringfence.domain.target_words import target_words

if TYPE_CHECKING:
    from rich.console import Console

LOOK_SECONDS: Final = 60.0
EVIDENCE_SECONDS: Final = 300.0
STATES: Final = ("open", "calling", "done", "not_needed")

Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="the incident's number, as `incident list` shows it")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="at most so many")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    incident = typer.Typer(
        name="incident", no_args_is_help=True, help="Outages: timeline, notes, evidence, and whom to call back."
    )
    for name, command in (
        ("list", listed),
        ("show", show),
        ("note", note),
        ("evidence", evidence),
        ("missed", missed),
        ("called-back", called_back),
    ):
        incident.command(name)(command)
    app.add_typer(incident)


def listed(
    context: typer.Context,
    scope: Annotated[str | None, typer.Option(help="only this platform's")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="only those that last")] = False,
    before: Annotated[int | None, typer.Option(min=1, help="only those with smaller numbers")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first.

    Example: ringfence incident list --open
    """
    query = {
        "scope": scope,
        "open": "true" if only_open else None,
        "before": None if before is None else str(before),
        "limit": str(limit),
    }
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/incidents", query)
    emit(as_json, found, lambda out: _show_list(out, found))


def show(context: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Show an incident: what became of the calls, and its timeline.

    Example: ringfence incident show 3
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", f"/v1/incidents/{number}", seconds=LOOK_SECONDS)
    emit(as_json, found, lambda out: _show(out, found))


def note(
    context: typer.Context,
    number: Number,
    text: Annotated[str, typer.Argument(help="what the others should know; numbers in it are masked")],
    as_json: AsJson = False,
) -> None:
    """Write a note into an incident's timeline. It is never changed.

    Example: ringfence incident note 3 "vendor's ticket 4711: they restart their border controller"
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("POST", f"/v1/incidents/{number}/notes", body={"text": text})
    emit(as_json, found, lambda out: print_lines(out, [f"Noted: {found['text']}"]))


def evidence(
    context: typer.Context,
    number: Number,
    output: Annotated[Path, typer.Option("--output", "-o", help="the zip file to write; not one that is there")],
    without_people: Annotated[
        bool, typer.Option("--without-people", help="a label in place of each DID of a person")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the evidence for the carrier or the vendor: a report, CSV, JSON. No caller and no private number is in it.

    Example: ringfence incident evidence 3 -o incident-3.zip
    """
    if output.exists():
        usage(f"{output} is there already.", "Name another file.")
    query = {"dids": "without_people" if without_people else "all"}
    with faults_told(as_json):
        path = f"/v1/incidents/{number}/evidence"
        content = invocation(context).daemon().fetch(path, query, EVIDENCE_SECONDS)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        usage(f"{output}: {error.strerror}.", "Name a file that can be written.")
    written = {"file": str(output), "bytes": len(content)}
    emit(as_json, written, lambda out: print_lines(out, [f"{output}: {len(content)} bytes, for you alone to read."]))


def missed(
    context: typer.Context,
    number: Number,
    waiting: Annotated[bool, typer.Option("--waiting", help="only those who still wait for a call")] = False,
    limit: Limit = 500,
    offset: Annotated[int, typer.Option(min=0, help="leave out so many")] = 0,
    check: Annotated[bool, typer.Option("--check", help="exit with 4 while somebody waits, for monitoring")] = False,
    as_json: AsJson = False,
) -> None:
    """List who called during an incident and reached nobody, and who calls them back. Callers are masked.

    Example: ringfence incident missed 3 --waiting
    """
    query = {"waiting": "true" if waiting else None, "limit": str(limit), "offset": str(offset)}
    with faults_told(as_json):
        path = f"/v1/incidents/{number}/missed"
        found = invocation(context).daemon().call("GET", path, query, seconds=LOOK_SECONDS)
    emit(as_json, found, lambda out: _show_missed(out, found))
    if check and found["counts"]["open"] + found["counts"]["calling"]:
        raise typer.Exit(NOT_WELL)


def called_back(
    context: typer.Context,
    number: Number,
    call: Annotated[str, typer.Argument(metavar="CALL", help="the call, as `incident missed` shows it")],
    state: Annotated[str, typer.Option(help="open, calling, done or not_needed")] = "done",
    note: Annotated[str, typer.Option(help="what the others should know")] = "",
    take_over: Annotated[bool, typer.Option("--take-over", help="whoever else has it, it is yours now")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that somebody is being called back, or was. Exit status 1 when another agent has them.

    Example: ringfence incident called-back 3 1795335606.4 --state calling
    """
    if state not in STATES:
        usage(f"--state: {state!r} is no state.", f"There are {', '.join(STATES)}.")
    body = {"state": state, "note": note, "take_over": take_over}
    with faults_told(as_json):
        path = f"/v1/incidents/{number}/missed/{path_part(call)}/state"
        found = invocation(context).daemon().call("PUT", path, body=body, seconds=LOOK_SECONDS)
    emit(as_json, found, lambda out: print_lines(out, [f"{found['caller']} to {found['did']}: {_state(found)}"]))


def _show_list(out: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            str(one["id"]),
            one["scope"],
            local(one["opened_at"]),
            local(one["closed_at"]) or "STILL OPEN",
            str(one["relapses"]),
            one["sentence"],
        )
        for one in found["incidents"]
    ]
    show_table(out, ("id", "scope", "opened", "closed", "relapses", "because"), rows)
    if not rows:
        out.print("There is none.")
    if found["next"] is not None:
        say(f"There are older ones: --before {found['next']}")


def _show(out: Console, found: dict[str, Any]) -> None:
    one, calls = found["incident"], found["calls"]
    closed = f"closed {local(one['closed_at'])}" if one["closed_at"] else "STILL OPEN"
    verdict = calls["seconds_to_verdict"]
    lines = [
        f"Incident {one['id']} of {one['scope']}: {one['sentence']}",
        f"  opened {local(one['opened_at'])}{' (it began earlier)' if one['opened_late'] else ''}, {closed},"
        f" relapses: {one['relapses']}",
        f"  calls: {calls['calls']}; the platform failed {calls['failed']}"
        + (f", the first {verdict:.1f} s before the verdict" if verdict is not None else ""),
        f"  plans tried: {calls['plan_tried']}; nobody in them could be reached: {calls['plan_in_vain']}",
        f"  missed: {_counts(found['missed'])}",
    ]
    if not calls["kept"]:
        lines.append("  ! calls of this incident are no longer kept: these counts are not complete")
    lines += _unheard(found)
    print_lines(out, lines)
    show_table(out, ("answered by", "calls"), [(name, str(n)) for name, n in calls["answered_by"].items()])
    statuses = [(local(s["began"]), str(s["status"]), str(s["calls"])) for s in calls["statuses"]]
    show_table(out, ("from", "SIP status", "failed calls"), statuses)
    timeline = [
        (local(entry["at"]), entry["kind"], "\n".join([_about(entry), *entry["detail"]]), entry["who"])
        for entry in found["timeline"]
    ]
    show_table(out, ("time", "kind", "what", "by"), timeline)


def _about(entry: dict[str, Any]) -> str:
    return f"{entry['words']} ({target_words(entry['about'])})" if entry["about"] else str(entry["words"])


def _show_missed(out: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            local(line["first_at"]),
            line["caller"],
            line["did"],
            str(line["calls"]),
            line["last_result"],
            _state(line),
            line["call"],
        )
        for line in found["missed"]
    ]
    show_table(out, ("first missed", "caller", "DID", "calls", "ended", "call back", "call"), rows)
    print_lines(out, [f"{_counts(found['counts'])}", *_unheard(found)])
    if found["left_out"]:
        print_lines(out, [f"! {found['left_out']} more missed calls are not listed"])
    if found["next"] is not None:
        say(f"There are more: --offset {found['next']}")


def _state(line: dict[str, Any]) -> str:
    if line["reached_later_at"]:
        return f"reached later, {local(line['reached_later_at'])}"
    said = line["call_back"]
    return f"{line['words']} ({said['who']}, {local(said['at'])})" if said else str(line["words"])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def _unheard(found: dict[str, Any]) -> list[str]:
    return [
        f"  ! {local(gap['began'])} to {local(gap['ended']) or 'now'}: {gap['words']}"
        for gap in found["unheard"]
        if not gap["covered"]
    ]

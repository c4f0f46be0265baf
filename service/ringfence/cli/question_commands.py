"""`ringfence explain`, `calls`, `history`: questions about DIDs, calls and the past."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.client import path_part
from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say, usage
from ringfence.cli.tables import show_table
from ringfence.cli.times import local
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.domain.target_words import target_words

if TYPE_CHECKING:
    from rich.console import Console

Limit = Annotated[int, typer.Option(min=1, max=1000, help="at most so many")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("explain")(explain)
    app.command("calls")(calls)
    app.command("history")(history)


def explain(
    context: typer.Context,
    did: Annotated[str | None, typer.Argument(help="in E.164, or as dialled in your country")] = None,
    received: Annotated[
        str | None, typer.Option("--as-received", help="in place of the DID: a number as a carrier sends it")
    ] = None,
    invites: Annotated[
        Path | None,
        typer.Option(
            help="in place of the DID: a pcap, or a log of whole messages, whose INVITEs are read",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    trunk: Annotated[str | None, typer.Option(help="by which trunk; default the only one, or the sender's")] = None,
    dids: Annotated[
        Path | None,
        typer.Option(help="compare with this dids.csv, not with what is stored", exists=True, dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where a call to a DID would go now and why, as Asterisk holds it. Exit status 4 if that is not the table's.

    With --as-received or --invites: how the configuration reads numbers as carriers send them, and whether they are
    DIDs of ours. Exit status 4 if one is not.

    Example: ringfence explain "0113 496 0123"

    Example: ringfence explain --as-received "0113 496 0123" --trunk carrier

    Example: ringfence explain --invites monday.pcap
    """
    if [did, received, invites].count(None) != 2:
        usage("Give one of a DID, --as-received and --invites.")
    if received is not None or invites is not None:
        # The configuration is read, which takes longer than all else a question needs.
        from ringfence.cli import received_command

        if received is not None:
            received_command.as_received(invocation(context), received, trunk, dids, as_json)
        elif invites is not None:
            received_command.invites(invocation(context), invites, trunk, dids, as_json)
        return
    assert did is not None
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", f"/v1/explain/{path_part(did)}")
    emit(as_json, found, lambda out: _show_explanation(out, found))
    if found["equal"] is not True:
        say("What Asterisk holds is not verified to be the table's; see `ringfence status` and `ringfence doctor`.")
        raise typer.Exit(NOT_WELL)


def calls(
    context: typer.Context,
    did: Annotated[str | None, typer.Option(help="only calls to this DID")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List recent calls, newest first: who took them, after which step, and why.

    Example: ringfence calls --did +441134960123 --limit 10
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/calls", {"did": did, "limit": str(limit)})

    def render(out: Console) -> None:
        rows = [_call_row(call) for call in found["calls"]]
        headings: tuple[str, ...] = (
            "ended",
            "DID",
            "caller",
            "decision",
            "path",
            "answered by",
            "step",
            "result",
            "SIP",
            "s",
        )
        if any(call["would"] for call in found["calls"]):
            headings = (*headings, "live, it would")
            rows = [(*row, _would(call["would"])) for row, call in zip(rows, found["calls"], strict=True)]
        show_table(out, headings, rows)
        if not rows:
            out.print("No calls yet.")

    emit(as_json, found, render)


def history(context: typer.Context, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List mode changes and people's orders, newest first.

    Example: ringfence history --limit 20
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/history", {"limit": str(limit)})

    def render(out: Console) -> None:
        rows: list[tuple[str, ...]] = [
            (
                local(r["at"]),
                target_words(r["scope"]),
                f"{r['before'] or '-'} -> {r['after']}",
                f"{r['sentence']} (SHADOW)" if r["shadow"] else r["sentence"],
                r["who"],
                r["why"],
            )
            for r in found["history"]
        ]
        show_table(out, ("when", "about", "change", "because", "who", "in their words"), rows)
        if not rows:
            out.print("Nothing has happened yet.")

    emit(as_json, found, render)


def _call_row(call: dict[str, Any]) -> tuple[str, ...]:
    return (
        local(call["ended_at"]),
        call["did"],
        call["caller"],
        call["decision"],
        call["path"],
        call["answered_by"],
        str(call["step"]),
        call["result"],
        str(call["platform_status"] or "-"),
        f"{call['duration_ms'] / 1000:.0f}",
    )


def _would(would: dict[str, Any] | None) -> str:
    """What would have become of a call in shadow mode."""
    if would is None:
        return ""
    if not would["diverted"]:
        return "have gone the same way"
    return f"have gone to step {would['step']}, {would['answered_by']} ({would['reason']})"


def _show_explanation(out: Console, found: dict[str, Any]) -> None:
    lines = [f"{found['did']}: {found['decision_words']}"]
    for trunk, own in found["handed_over"].items():
        lines.append(f"  by trunk {trunk} they go there through context {own} of the site's own dialplan")
    said = found["override"]
    if said:
        lines.append(f"  {said['mode']} by {said['who']}: {said['reason']}")
    if len(found["words"]) > 1 or (said and said["did"] is None):
        lines.append(f"  {found['words_sentence']}")
    equal = {True: "equal to the table", False: "NOT EQUAL TO THE TABLE", None: "not compared"}[found["equal"]]
    lines.append(f"  {found['held_words']}; {equal}")
    known = found["held"] or found["directory"]
    if known:
        critical = ", critical" if known["critical"] else ""
        lines.append(f"  scope {known['scope']}, line kind {known['kind']}{critical}")
    # The directory's steps carry reasons; what Asterisk holds decides, so it is shown when the two differ.
    trusted = found["directory"] if found["equal"] is not False and found["directory"] else known
    if trusted:
        lines += ["plan:", *_steps(trusted["plan"])]
        lines += ["when the platform answers but will not reach the person:", *_steps(trusted["undeliverable"])]
        lines += _left_out(trusted.get("left_out", []))
        lines += while_closed(found["did"], trusted["plan"])
    print_lines(out, lines)


def _steps(steps: list[dict[str, Any]]) -> list[str]:
    return [
        f"  {number}. {step['kind']} {step['target']}"
        + (f", rings {step['ring_seconds']} s" if step["ring_seconds"] else "")
        + (f" ({rings_in(step['hours'])})" if step.get("hours") else "")
        + (", who answers has to press 1" if step.get("press_one") else "")
        + (f" ({step['sentence']})" if step["sentence"] else "")
        for number, step in enumerate(steps, start=1)
    ]


def while_closed(did: str, plan: list[dict[str, Any]]) -> list[str]:
    """The plan for closed hours is the site's, and no DID's: where to see it with the clock in it."""
    if not any(step["kind"] == "opening" for step in plan):
        return []
    return [f"whether the site is open, and what happens while it is not: ringfence simulate {did} --at WHEN"]


def rings_in(hours: str) -> str:
    """The hours, and whether this moment is outside them: then the dialplan passes the step over."""
    text, _, zone = hours.rpartition(" ")
    try:
        rings = parse_ring_hours(text, zone).open_at(datetime.now(UTC))
    except (ValueError, KeyError):  # of a newer daemon, or a zone that this machine does not know
        return hours
    return hours if rings else f"{hours}: NOT NOW"


def _left_out(left_out: list[dict[str, Any]]) -> list[str]:
    lines = [f"  {left['target'] or '-'}: {left['sentence']}" for left in left_out]
    return ["not in the plan:", *lines] if lines else []

"""`ringfence simulate`: what a caller would experience, step by step. No call is placed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.client import path_part
from ringfence.cli.entries import moment_of
from ringfence.cli.invocation import AsJson, emit, faults_told, invocation, print_lines
from ringfence.cli.tables import show_table
from ringfence.domain.assumed import AssumedPlatform, FarEnd
from ringfence.domain.target_words import target_words

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command("simulate")(simulate)


def simulate(
    context: typer.Context,
    did: Annotated[str, typer.Argument(help="in E.164, or as dialled in your country")],
    from_: Annotated[str, typer.Option("--from", help="the caller's number; none: withheld")] = "",
    at: Annotated[str | None, typer.Option(help='when, as 18:30 or "2030-12-25 10:00"; default now')] = None,
    platform: Annotated[AssumedPlatform, typer.Option(help="what the platform does")] = AssumedPlatform.UP,
    trunk: Annotated[
        str | None, typer.Option(help="by which trunk the call comes; default the DID's usual one")
    ] = None,
    answers: Annotated[
        int | None, typer.Option(min=1, max=16, help="whoever is rung at this step of the plan answers")
    ] = None,
    numbers: Annotated[FarEnd, typer.Option(help="what the other numbers do")] = FarEnd.UNANSWERED,
    trial_by_plan: Annotated[
        bool, typer.Option("--trial-by-plan", help="in a trial: one of the calls that do not try the platform")
    ] = False,
    came_back: Annotated[
        bool, typer.Option("--came-back", help="its headers say that it has been out through us before")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say step by step what a caller would experience, by the records that are published. No call is placed.

    Example: ringfence simulate "0113 496 0123" --from "+44 7700 900999" --at 18:30 --platform down
    """
    query = {
        "from": from_,
        "at": None if at is None else moment_of("--at", at),
        "platform": platform,
        "trunk": trunk,
        "answers": None if answers is None else str(answers),
        "numbers": numbers,
        "trial": str(not trial_by_plan).lower(),
        "came_back": str(came_back).lower(),
    }
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", f"/v1/simulate/{path_part(did)}", query)
    emit(as_json, found, lambda out: _show(out, found))


def _show(out: Console, found: dict[str, Any]) -> None:
    end = found["ending"]
    at = datetime.fromisoformat(found["at"]).astimezone()
    caller = "a withheld number" if found["caller"] == "withheld" else found["caller"]
    head = f"{found['did']}, called by {caller}, which comes by trunk {found['trunk']}, {at:%a %Y-%m-%d %H:%M}"
    scope = f"; {target_words(found['scope'])}" if found["scope"] else ""
    if found["shadow"]:
        print_lines(out, ["SHADOW: nothing is done to calls, they go to the platform. Live, this would happen:"])
    print_lines(out, [f"{head}{scope}", f"decision {end['decision']}: {end['reason']}"])
    rows = [
        (
            f"{one['at_seconds']:.1f} s",
            f"{one['seconds']:.1f} s" if one["seconds"] else "",
            str(one["step"] or ""),
            one["sentence"],
            one["heard"],
        )
        for one in found["happenings"]
    ]
    show_table(out, ("at", "lasts", "step", "what happens", "the caller hears"), rows)
    lines = [
        f"After {end['at_seconds']:.1f} s: {end['sentence']} (answered by {end['answered_by']}, path {end['path']})."
    ]
    print_lines(out, [*lines, "Not simulated: " + "; ".join(found["not_simulated"]) + "."])

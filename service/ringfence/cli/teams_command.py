"""`ringfence teams`: the team lines, and whether enough of their members can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation
from ringfence.cli.tables import show_table

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("teams")(teams)


def teams(
    context: typer.Context,
    members: Annotated[bool, typer.Option("--members", help="also name the members")] = False,
    check: Annotated[bool, typer.Option("--check", help="exit with 4 when a team is below its floor")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the team lines: how many of each team's members can be rung, and whether that is enough.

    Example: ringfence teams --members
    """
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        found = daemon.call("GET", "/v1/teams")
    emit(as_json, found, lambda out: _show(out, found["teams"], members))
    if check and any(team["state"] != "staffed" for team in found["teams"]):
        raise typer.Exit(NOT_WELL)


def _show(out: Console, found: list[dict[str, Any]], members: bool) -> None:
    if not found:
        out.print("There is no team line. Import a teams.csv to have one.")
        return
    rows = [
        (
            team["name"],
            team["site"],
            team["strategy"],
            f"{team['reachable']} of {len(team['members']) + team['left_off']}",
            str(team["floor"]),
            team["state"] if team["state"] == "staffed" else team["state"].upper(),
            str(len(team["dids"])),
        )
        for team in found
    ]
    show_table(out, ("team", "site", "rings", "reachable", "floor", "state", "DIDs"), rows)
    if members:
        named = [
            (team["name"], member["key"], member["name"], "yes" if member["reachable"] else "NO")
            for team in found
            for member in team["members"]
        ]
        show_table(out, ("team", "member", "name", "reachable"), named)

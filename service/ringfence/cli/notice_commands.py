"""`ringfence notify`: what people were told and by which route, the test button, and who sees to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines
from ringfence.cli.tables import show_table
from ringfence.cli.times import local

if TYPE_CHECKING:
    from rich.console import Console

TEST_SECONDS: Final = 130.0

IdArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="the notice's number, as `notify list` gives it")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="See what people were told, try a route, acknowledge.")
    group.command("list")(list_notices)
    group.command("routes")(routes)
    group.command("test")(test)
    group.command("ack")(acknowledge)
    app.add_typer(group, name="notify")


def list_notices(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="at most so many")] = 20,
    before: Annotated[int | None, typer.Option(min=1, help="only older than this number")] = None,
    route: Annotated[str | None, typer.Option(help="only for this route")] = None,
    state: Annotated[
        str | None, typer.Option(help="only waiting, grouped, summed_up, sent, refused or given_up")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="only mode, override, override_ends, alarm, hr and so on")] = None,
    scope: Annotated[str | None, typer.Option(help="only about this platform")] = None,
    unacknowledged: Annotated[bool, typer.Option("--unacknowledged", help="only those nobody acknowledged")] = False,
    as_json: AsJson = False,
) -> None:
    """List what people were told and are to be told, newest first, with what became of it on each route.

    Example: ringfence notify list --state waiting
    """
    query = {
        "limit": str(limit),
        "before": None if before is None else str(before),
        "route": route,
        "state": state,
        "kind": kind,
        "scope": scope,
        "unacknowledged": "true" if unacknowledged else None,
    }
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/notices", query)
    emit(as_json, found, lambda out: _show(out, found))


def routes(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every route, how much waits for it, and whether it works; exits with 4 when one does not.

    Example: ringfence notify routes
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/notices/routes")
    emit(as_json, found, lambda out: show_routes(out, found))
    if any(route["failing"] or route["failed"] for route in found["routes"]):
        raise typer.Exit(NOT_WELL)


def test(
    context: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="its name, as in [[notify]]")],
    as_json: AsJson = False,
) -> None:
    """Send a test by one route now and say what the channel answered; exits with 4 when it did not take it.

    Example: ringfence notify test desk
    """
    with faults_told(as_json):
        body = {"route": route}
        found = invocation(context).daemon().call("POST", "/v1/notices/test", body=body, seconds=TEST_SECONDS)
    words = "took the test" if found["taken"] else "DID NOT TAKE the test"
    emit(as_json, found, lambda out: print_lines(out, [f"{found['route']} {words}: {found['said']}"]))
    if not found["taken"]:
        raise typer.Exit(NOT_WELL)


def acknowledge(context: typer.Context, id_: IdArgument, as_json: AsJson = False) -> None:
    """Acknowledge a notice: somebody sees to it, and it escalates no further.

    Example: ringfence notify ack 17
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("POST", f"/v1/notices/{id_}/acknowledge")
    emit(as_json, found, lambda out: _show(out, {"notices": [found], "next": None}))


def _show(out: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            str(one["id"]),
            local(one["at"]),
            one["severity"],
            one["title"],
            "; ".join(_way(delivery) for delivery in one["deliveries"]) or "no route wants it",
            one["acknowledged_by"],
        )
        for one in found["notices"]
    ]
    show_table(out, ("ID", "at", "severity", "what", "routes", "acknowledged by"), rows)
    if not rows:
        out.print("There is none.")
    if found["next"] is not None:
        print_lines(out, [f"More: --before {found['next']}"])


def _way(delivery: dict[str, Any]) -> str:
    words = f"{delivery['route']}: {delivery['state'].replace('_', ' ')}"
    if delivery["state"] == "sent":
        return words
    tried = f" after {delivery['tries']} tries" if delivery["tries"] else ""
    return f"{words}{tried} ({delivery['said']})" if delivery["said"] else f"{words}{tried}"


def show_routes(out: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            one["name"],
            str(one["waiting"]),
            local(one["oldest"]) if one["oldest"] else "",
            str(one["failed"]),
            one["failing"] or "well",
            one["escalate_to"],
        )
        for one in found["routes"]
    ]
    show_table(out, ("route", "waiting", "since", "given up", "state", "escalates to"), rows)
    if not rows:
        # As it is: the brackets are no markup.
        print_lines(out, ["No route is configured: nobody is told anything. See [[notify]] in the configuration."])

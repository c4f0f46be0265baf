"""`ringfence dr undo`, `pending`, `approve` and `reject`: what was ordered, and what waits for a second person."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringfence.cli.client import path_part
from ringfence.cli.dr_picture import show_pending
from ringfence.cli.invocation import AsJson, emit, faults_told, invocation, say_shadow
from ringfence.cli.tables import ReasonOption, reason_or_ask

PendingId = Annotated[str, typer.Argument(help="the order's id, as `ringfence dr pending` shows it")]


def add_to(dr: typer.Typer) -> None:
    """Adds the commands of this module."""
    dr.command("undo")(undo)
    dr.command("pending")(pending)
    dr.command("approve")(approve)
    dr.command("reject")(reject)


def undo(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="the override's id, as `ringfence status` shows it")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Take an override back: what stood before stands again. Within 24 hours, while nobody has changed it since.

    Example: ringfence dr undo 3f0c9a51b2d4 --reason "it was the wrong team"
    """
    why = reason_or_ask(reason)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        done = daemon.call("POST", "/v1/override/undo", body={"id": id_, "reason": why})
    said = done["override"]
    now = "automatic" if said is None else f"{said['mode']}, as before"
    emit(as_json, done, lambda out: out.print(f"{done['about']}: {now}", markup=False))
    say_shadow(done)


def pending(context: typer.Context, as_json: AsJson = False) -> None:
    """List the orders that wait for a second person.

    Example: ringfence dr pending
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/override/pending")
    emit(as_json, found, lambda out: show_pending(out, found["pending"]))


def approve(context: typer.Context, id_: PendingId, as_json: AsJson = False) -> None:
    """Carry out what another person asked for; what you asked for yourself only after a while, marked for review.

    Example: ringfence dr approve 3f0c9a51b2d4
    """
    with faults_told(as_json):
        done = invocation(context).daemon().call("POST", f"/v1/override/pending/{path_part(id_)}/approve")
    said: dict[str, Any] = done["override"]
    how = "alone, marked for review" if said["alone"] else f"asked for by {said['who']}"
    emit(as_json, done, lambda out: out.print(f"{said['about']}: {said['mode']}, {how}", markup=False))
    say_shadow(done)


def reject(context: typer.Context, id_: PendingId, reason: ReasonOption = None, as_json: AsJson = False) -> None:
    """Refuse what another person asked for, or take back what you asked for.

    Example: ringfence dr reject 3f0c9a51b2d4 --reason "the vendor says otherwise"
    """
    why = reason_or_ask(reason)
    with faults_told(as_json):
        path = f"/v1/override/pending/{path_part(id_)}/reject"
        done = invocation(context).daemon().call("POST", path, {"reason": why})
    about = done["rejected"]["about"]
    emit(as_json, done, lambda out: out.print(f"{about}: rejected, nothing has changed", markup=False))

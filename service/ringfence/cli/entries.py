"""What every entry by hand shares: it is sent, and the person is shown as they are after it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

import typer

from ringfence.cli import person_picture
from ringfence.cli.client import path_part
from ringfence.cli.invocation import emit, faults_told, invocation, say, usage
from ringfence.cli.times import until_text

ENTRY_SECONDS: Final = 120.0

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="the person's key, as `person show` gives it")]


def enter(context: typer.Context, key: str, field: str, order: dict[str, Any], as_json: bool) -> None:
    with faults_told(as_json):
        path = f"/v1/people/{path_part(key)}/{field}"
        done = invocation(context).daemon().call("PUT", path, body=order, seconds=ENTRY_SECONDS)
    _show_entry(done, as_json)


def clear_entry(
    context: typer.Context, key: str, field: str, why: str, as_json: bool, query: dict[str, str] | None = None
) -> None:
    with faults_told(as_json):
        path = f"/v1/people/{path_part(key)}/{field}"
        asked = {"reason": why, **(query or {})}
        done = invocation(context).daemon().call("DELETE", path, asked, seconds=ENTRY_SECONDS)
    _show_entry(done, as_json)


def _show_entry(done: dict[str, Any], as_json: bool) -> None:
    say(*(f"warning: {warning}" for warning in done["warnings"]))
    emit(as_json, done, lambda out: person_picture.show_person(out, done["person"]))


def today() -> str:
    """At this machine, where the person sits."""
    return datetime.now(UTC).astimezone().date().isoformat()


def day_of(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        usage(f"{option}: {text!r} is no day; write it as 2030-01-31.")


def moment_of(option: str, text: str, fix: str = "") -> str:
    try:
        return until_text(text, datetime.now().astimezone())
    except ValueError as error:
        usage(f"{option}: {error}.", fix)

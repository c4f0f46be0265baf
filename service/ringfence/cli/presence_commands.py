"""`ringfence person away`, `on-call` and `leave`: whether somebody can be rung at all, entered by hand."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from ringfence.cli.entries import KeyArgument, clear_entry, day_of, enter, moment_of, today
from ringfence.cli.invocation import AsJson, usage
from ringfence.cli.number_options import read_hidden
from ringfence.cli.tables import ReasonOption, reason_or_ask

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def add_to(person: typer.Typer) -> None:
    """Adds the commands of this module to the group of a person's commands."""
    person.command("away")(away)
    person.command("on-call")(on_call)
    person.command("leave")(leave)
    person.command("today")(where_today)


def away(
    context: typer.Context,
    key: KeyArgument,
    from_: Annotated[str | None, typer.Option("--from", help="the first day, as 2030-01-31; today")] = None,
    until: Annotated[str | None, typer.Option(help="the last day; without it: until further notice")] = None,
    deputy: Annotated[str | None, typer.Option(help="key of the person whose numbers ring meanwhile")] = None,
    back: Annotated[bool, typer.Option("--back", help="take the absence back")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter a long absence: the person's own numbers do not ring, the deputy's do.

    Example: ringfence person away a.archer --until 2030-03-31 --deputy b.baker --reason "parental leave"
    """
    first, last = day_of("--from", from_), day_of("--until", until)
    if back and (first or last or deputy):
        usage("--back is given together with an absence.", "Give --back alone.")
    why = reason_or_ask(reason)
    if back:
        clear_entry(context, key, "away", why, as_json)
        return
    order = {"from": first or today(), "until": last, "deputy": deputy, "reason": why}
    enter(context, key, "away", order, as_json)


def on_call(
    context: typer.Context,
    key: KeyArgument,
    until: Annotated[str | None, typer.Option(help="the end: 18:00, or a date and time")] = None,
    off: Annotated[bool, typer.Option("--off", help="end the duty")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Put a person on call: until then private numbers may ring at any hour.

    Example: ringfence person on-call a.archer --until "2030-01-31 08:00" --reason "network duty, week 5"
    """
    if (until is None) != off:
        usage("It is not said what to enter.", "Give --until or --off.")
    end = None if until is None else moment_of("--until", until)
    why = reason_or_ask(reason)
    if end is None:
        clear_entry(context, key, "on_call", why, as_json)
    else:
        enter(context, key, "on_call", {"until": end, "reason": why}, as_json)


def where_today(
    context: typer.Context,
    key: KeyArgument,
    number: Annotated[str | None, typer.Argument(help="the number; `-`: typed in where nobody sees it")] = None,
    until: Annotated[str | None, typer.Option(help="the end: 18:00, or a date and time")] = None,
    work: Annotated[bool, typer.Option("--work", help="it is no private number")] = False,
    off: Annotated[bool, typer.Option("--off", help="back to the usual numbers")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Say where a person is for the time being: until then that number rings before their others.

    Example: ringfence person today a.archer - --until 18:00 --reason "at the depot, asked by telephone"
    """
    if off == (number is not None) or (until is None) != off:
        usage("It is not said what to enter.", "Give a number with --until, or --off alone.")
    end = None if until is None else moment_of("--until", until)
    why = reason_or_ask(reason)
    if end is None:
        clear_entry(context, key, "today", why, as_json)
        return
    given = read_hidden("the number") if number == "-" else number
    order = {"number": given, "use": "work" if work else "private", "until": end, "reason": why}
    enter(context, key, "today", order, as_json)


def leave(
    context: typer.Context,
    key: KeyArgument,
    at: Annotated[str | None, typer.Option(help="the last working day, as 2030-01-31, or a date and time; now")] = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="the leaving was entered wrongly")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Say that a person leaves. From that moment their numbers do not ring, whatever a feed says.

    Example: ringfence person leave a.archer --at 2030-01-31 --reason "HR's telephone call"
    """
    if take_back and at is not None:
        usage("--take-back and --at are given together.", "Give one of them.")
    last_day = at if at is not None and _DAY.fullmatch(at) else None
    moment = None if at is None or last_day else moment_of("--at", at, "Or a day alone, as 2030-01-31: its end.")
    why = reason_or_ask(reason)
    if take_back:
        clear_entry(context, key, "leaving", why, as_json)
        return
    enter(context, key, "leaving", {"at": moment, "last_day": day_of("--at", last_day), "reason": why}, as_json)

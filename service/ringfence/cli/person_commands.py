"""`ringfence person`: what is known of somebody, and what the helpdesk enters for them. No feed overwrites an entry."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ringfence.cli import person_picture, presence_commands
from ringfence.cli.client import Refused, path_part
from ringfence.cli.entries import ENTRY_SECONDS, KeyArgument, clear_entry, day_of, enter, today
from ringfence.cli.invocation import AsJson, emit, faults_told, invocation, print_lines, say, usage
from ringfence.cli.number_options import InOrder, given_numbers, read_hidden
from ringfence.cli.tables import ReasonOption, YesOption, reason_or_ask, show_table
from ringfence.cli.times import local
from ringfence.domain.asked_word import AskedWord

MAX_FOUND: Final = 20
_POSITION: Final = re.compile(r"\d{1,2}")


class ConsentWord(StrEnum):
    """As the API writes it."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    NOT_STATED = "not_stated"


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    person = typer.Typer(
        name="person", no_args_is_help=True, help="One person: what is known and from whom, and entries by hand."
    )
    person.command("show")(show)
    person.command("history")(history)
    person.command("numbers", cls=InOrder)(numbers)
    person.command("facts")(facts)
    presence_commands.add_to(person)
    person.command("owns")(owns)
    person.command("release")(release)
    person.command("forget")(forget)
    app.add_typer(person)


def show(
    context: typer.Context,
    whom: Annotated[str, typer.Argument(metavar="WHOM", help="a key, a DID, or a part of the name")],
    as_json: AsJson = False,
) -> None:
    """Show what is known of a person: every field with its origin and age, what counts, and what is held.

    Example: ringfence person show a.archer
    """
    query = {"find": whom, "limit": str(MAX_FOUND)}
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/people", query)["people"]
        found = [one for one in found if one["key"] == whom] or found
        if not found:
            raise Refused(404, f"Nobody is found for {whom!r}.", fix="Give a key, a DID, or a part of the name.")
    if len(found) > 1:
        emit(as_json, {"people": found}, lambda out: person_picture.show_people(out, found))
        more = f"; there may be more than these {len(found)}" if len(found) >= MAX_FOUND else ""
        say(f"These are several: name one by the key{more}.")
        return
    emit(as_json, {"people": found}, lambda out: person_picture.show_person(out, found[0]))


def history(
    context: typer.Context,
    key: KeyArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was decided about a person and entered for them, newest first.

    Example: ringfence person history a.archer
    """
    with faults_told(as_json):
        path = f"/v1/people/{path_part(key)}/history"
        found = invocation(context).daemon().call("GET", path, {"limit": str(limit)})

    def render(out: Any) -> None:
        rows = [(local(note["at"]), note["who"], note["what"], note["reason"]) for note in found["history"]]
        show_table(out, ("when", "who", "what", "why"), rows)
        if not rows:
            out.print("Nothing was entered or decided.")

    emit(as_json, found, render)


def numbers(
    context: typer.Context,
    key: KeyArgument,
    private: Annotated[
        list[str] | None, typer.Option(help="a private number; `-`: typed in or from standard input")
    ] = None,
    work: Annotated[list[str] | None, typer.Option(help="a number at work; `-` as above")] = None,
    ring_seconds: Annotated[int, typer.Option(min=5, max=120, help="how long each rings")] = 20,
    none: Annotated[bool, typer.Option("--none", help="this person has no default number")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="give the numbers back to the feeds")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter all default numbers of a person, in the order in which they ring. They are masked in every answer.

    What stands on a command line can be seen in the list of processes: write `-` instead of the number, and type it in.

    Example: ringfence person numbers a.archer --private - --work "0113 496 0777" --reason "asked by telephone"
    """
    given = bool(private or work)
    if given + none + clear != 1:
        usage(_what(given + none + clear), "Give numbers with --private and --work, or --none, or --clear.")
    why = reason_or_ask(reason)
    if clear:
        clear_entry(context, key, "numbers", why, as_json)
        return
    entered = given_numbers(context, private or [], work or [], ring_seconds)
    enter(context, key, "numbers", {"numbers": entered, "reason": why}, as_json)


def facts(
    context: typer.Context,
    key: KeyArgument,
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="its place in `person show`, as 1; or the number; `-`: typed in")
    ],
    consent: Annotated[ConsentWord | None, typer.Option(help="whether it may ring in an outage")] = None,
    consent_on: Annotated[str | None, typer.Option(help="the day of that, as 2030-01-31; today")] = None,
    hours: Annotated[
        str | None, typer.Option(help="when it may ring: 07:00-22:00, mon-fri 08:00-18:00; empty: as configured")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="what it may be used for")] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="the person confirmed today that it is theirs")
    ] = False,
    confirmed_on: Annotated[str | None, typer.Option(help="the day of that, as 2030-01-31")] = None,
    press_one: Annotated[AskedWord | None, typer.Option(help="whether who answers has to press 1")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="take back all that was entered of it")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter consent, hours, press 1, purpose or a confirmation of one default number. What is not given stays as it is.

    Example: ringfence person facts a.archer 1 --consent given --confirmed --reason "on the telephone"
    """
    said = {
        "consent": None if consent is None else consent.value,
        "consent_on": day_of("--consent-on", consent_on),
        "hours": hours,
        "purpose": purpose,
        "confirmed_on": today() if confirmed else day_of("--confirmed-on", confirmed_on),
        "press_one": None if press_one is None else press_one.value,
    }
    order: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if bool(order) == clear:
        usage(
            "It is not said what to enter.",
            "Give --consent, --hours, --press-one, --purpose or --confirmed; or --clear alone.",
        )
    if confirmed and confirmed_on is not None:
        usage("--confirmed and --confirmed-on are given together.", "Give one of them.")
    why = reason_or_ask(reason)
    if clear:
        if not _POSITION.fullmatch(number):
            usage("--clear wants the number's place, as 1.", "See `ringfence person show`.")
        clear_entry(context, key, "facts", why, as_json, {"position": number})
        return
    if _POSITION.fullmatch(number):
        order["position"] = int(number)
    else:
        order["number"] = read_hidden("the number") if number == "-" else number
    enter(context, key, "facts", order | {"reason": why}, as_json)


def owns(
    context: typer.Context,
    key: KeyArgument,
    dids: Annotated[list[str] | None, typer.Argument(metavar="DID...", help="all DIDs the person owns")] = None,
    none: Annotated[bool, typer.Option("--none", help="this person owns no DID")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="give the DIDs back to the feeds")] = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter which DIDs a person owns, all of them. Also decides a DID that two people claim.

    Example: ringfence person owns a.archer "0113 496 0101" --reason "moved desks"
    """
    if bool(dids) + none + clear != 1:
        usage(_what(bool(dids) + none + clear), "Give all DIDs, or --none, or --clear.")
    why = reason_or_ask(reason)
    if clear:
        clear_entry(context, key, "dids", why, as_json)
    else:
        enter(context, key, "dids", {"dids": dids or [], "reason": why}, as_json)


def release(
    context: typer.Context,
    did: Annotated[str, typer.Argument(help="in E.164, or as dialled in your country")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """End the quarantine of a DID: the new owner's default numbers ring from now on.

    Example: ringfence person release "0113 496 0101" --reason "callers know the new owner"
    """
    why = reason_or_ask(reason)
    with faults_told(as_json):
        path = f"/v1/dids/{path_part(did)}/release"
        done = invocation(context).daemon().call("POST", path, body={"reason": why}, seconds=ENTRY_SECONDS)
    words = "The quarantine is ended." if done["released"] else "The DID was in no quarantine; nothing has changed."
    emit(as_json, done, lambda out: print_lines(out, [words]))


def forget(
    context: typer.Context,
    key: KeyArgument,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Erase the private numbers of somebody who has left, at once. It cannot be taken back.

    Files that HR sent are not changed: each is deleted when it is `archive_days` old.

    Example: ringfence person forget a.archer --reason "erasure asked for in writing"
    """
    why = reason_or_ask(reason)
    if not yes and not sys.stdin.isatty():
        usage("Nothing was erased: there is nobody to ask.", "Give --yes.")
    with faults_told(as_json):
        if not yes and not typer.confirm(f"Erase all private numbers of {key} for ever?", err=True):
            raise Refused(0, "Nothing was erased.")
        path = f"/v1/people/{path_part(key)}"
        done = invocation(context).daemon().call("DELETE", path, {"reason": why}, seconds=ENTRY_SECONDS)
    emit(as_json, done, lambda out: print_lines(out, [f"The private numbers of {key} are erased."]))


def _what(said: int) -> str:
    return "Several things are said at once." if said else "It is not said what to enter."

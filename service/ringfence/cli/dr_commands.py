"""`ringfence dr` and `ringfence failback`: a person's word. Each shows the state before and after."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer

from ringfence.cli import dr_pending_commands
from ringfence.cli.client import Daemon
from ringfence.cli.dr_picture import show_pending, show_preview, show_word
from ringfence.cli.dr_targets import (
    AllOption,
    DidsOption,
    ForOption,
    FromOption,
    ScopeOption,
    SiteOption,
    Target,
    TeamOption,
    ToOption,
    UntilOption,
    read_end,
    read_target,
)
from ringfence.cli.invocation import (
    NOT_WELL,
    REFUSED,
    AsJson,
    console,
    emit,
    faults_told,
    invocation,
    say,
    say_shadow,
    usage,
)
from ringfence.cli.tables import ReasonOption, YesOption, reason_or_ask

ASTERISK_SECONDS: Final = 2
_LOOK_SECONDS: Final = 1


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    dr = typer.Typer(
        name="dr",
        no_args_is_help=True,
        help="Send calls to default numbers, to the platform, or give the decision back to the automatic.",
    )
    dr.command("on")(on)
    dr.command("off")(off)
    dr.command("freeze")(freeze)
    dr.command("auto")(auto)
    dr.command("preview")(preview)
    dr_pending_commands.add_to(dr)
    app.add_typer(dr)
    app.command("failback")(failback)


def on(
    context: typer.Context,
    scope: ScopeOption = None,
    site: SiteOption = None,
    team: TeamOption = None,
    did: DidsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Force DR mode: calls go to default numbers, whatever the verdict. On a terminal it shows first what that does.

    Example: ringfence dr on --team "Service desk" --reason "vendor confirms an outage" --for 2h
    """
    target = read_target(scope, site, team, did, first, last, everything)
    _override(context, "dr", target, reason, read_end(for_, until), yes, as_json)


def off(
    context: typer.Context,
    scope: ScopeOption = None,
    site: SiteOption = None,
    team: TeamOption = None,
    did: DidsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Force normal mode: calls go to the platform, whatever becomes of them. Not a release: for that see `auto`.

    Example: ringfence dr off --did "0113 496 0101" --did "0113 496 0102" --reason "they test the platform" --for 30m
    """
    target = read_target(scope, site, team, did, first, last, everything)
    _override(context, "normal", target, reason, read_end(for_, until), yes, as_json)


def freeze(
    context: typer.Context,
    scope: ScopeOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Keep the mode as it is now. A call that the platform fails is still diverted on the spot.

    Example: ringfence dr freeze --all --reason "network works tonight" --until 06:00
    """
    target = read_target(scope, everything=everything)
    _override(context, "freeze", target, reason, read_end(for_, until), yes, as_json)


def auto(
    context: typer.Context,
    scope: ScopeOption = None,
    site: SiteOption = None,
    team: TeamOption = None,
    did: Annotated[str | None, typer.Option(help="one DID")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="the override's id, as `ringfence status` shows it")] = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Release an override: the automatic decides again. An override of several DIDs is named by its id.

    Example: ringfence dr auto --scope uc --reason "the platform works again"
    """
    target = Target() if id_ else read_target(scope, site, team, [did] if did else None, everything=everything)
    if id_ and (scope or site or team or did or everything):
        usage("--id is given together with another target.", "The id alone names the override.")
    why = reason_or_ask(reason)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        query = {name: "true" if value is True else value for name, value in target.body.items()}
        done = daemon.call("DELETE", "/v1/override", {**query, "id": id_, "reason": why})
        after = _told(daemon, target)
    words = f"the override {id_}" if id_ else target.words
    if id_:
        emit(as_json, done, lambda out: out.print(f"{words}: released", markup=False))
    else:
        _show(done, target, before, after, as_json)
    say_shadow(done)
    if not done["released"]:
        say(f"Nothing was set for {words}; nothing has changed.")
    _end(target, after)


def preview(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(help="on, off, freeze or auto")],
    scope: ScopeOption = None,
    site: SiteOption = None,
    team: TeamOption = None,
    did: DidsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    everything: AllOption = False,
    as_json: AsJson = False,
) -> None:
    """Show what an order would do: who moves, who would reach nobody, whether the channels suffice. Changes nothing.

    Example: ringfence dr preview on --from "0113 496 0100" --to "0113 496 0199"
    """
    modes = {"on": "dr", "off": "normal", "freeze": "freeze", "auto": "auto"}
    if mode not in modes:
        usage(f"{mode!r} is no order.", "Write one of on, off, freeze and auto.")
    target = read_target(scope, site, team, did, first, last, everything)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        seen = daemon.call("POST", "/v1/override/preview", body={"mode": modes[mode], **target.body})
    emit(as_json, seen, lambda out: show_preview(out, seen))
    say_shadow(seen)


def failback(
    context: typer.Context,
    scope: Annotated[str, typer.Option(help="the platform's name")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """End the hold-down now (the trial begins), or end the trial now (normal).

    Example: ringfence failback --scope uc --reason "tested by hand"
    """
    target, why = Target(scope), reason_or_ask(reason)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        done = daemon.call("POST", "/v1/failback", body={"scope": scope, "reason": why})
        after = _told(daemon, target)
    _show(done, target, before, after, as_json)
    say_shadow(done)
    _end(target, after)


def _override(
    context: typer.Context,
    mode: str,
    target: Target,
    reason: str | None,
    end: dict[str, str],
    yes: bool,
    as_json: bool,
) -> None:
    daemon = invocation(context).daemon()
    seen: dict[str, str] = {}
    if sys.stdin.isatty() and not yes and not as_json:
        seen = _confirmed(daemon, {"mode": mode, **target.body})
    order = {"mode": mode, "reason": reason_or_ask(reason), **end, **target.body, **seen}
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        done = daemon.call("PUT", "/v1/override", body=order)
        after = _told(daemon, target)
    if "pending" in done:
        emit(as_json, done, lambda out: show_pending(out, [done["pending"]]))
        say(
            "Nothing has changed yet: a second person has to approve it with",
            f"  ringfence dr approve {done['pending']['id']}",
        )
        raise typer.Exit(NOT_WELL)
    _show(done, target, before, after, as_json)
    say_shadow(done)
    if not end:
        say(
            "No end was given: this stays until somebody releases it with",
            f"  {target.release(done['override'])}",
        )
    _end(target, after)


def _confirmed(daemon: Daemon, order: dict[str, Any]) -> dict[str, str]:
    """Shows what it would do and asks; what was seen then goes with the order. Ends the program without a yes."""
    with faults_told(False):
        seen = daemon.call("POST", "/v1/override/preview", body=order)
    show_preview(console(), seen)
    say_shadow(seen)
    if not typer.confirm("Do it?", err=True):
        say("Nothing has changed.")
        raise typer.Exit(REFUSED)
    return {"expected": str(seen["expected"])}


def _told(daemon: Daemon, target: Target) -> dict[str, Any]:
    """The status once Asterisk has been told, or after 2 s without."""
    seen = daemon.call("GET", "/v1/status")
    for _ in range(ASTERISK_SECONDS // _LOOK_SECONDS):
        if _untold(target, seen):
            query = {"after": str(seen["version"]), "timeout_seconds": str(_LOOK_SECONDS)}
            seen = daemon.call("GET", "/v1/status/changes", query)
    return seen


def _untold(target: Target, seen: dict[str, Any]) -> list[str]:
    return [scope["scope"] for scope in seen["scopes"] if target.fits(scope) and not scope["published"]]


def _show(done: dict[str, Any], target: Target, before: dict[str, Any], after: dict[str, Any], as_json: bool) -> None:
    scopes = {
        when: [scope for scope in seen["scopes"] if target.fits(scope)]
        for when, seen in (("before", before), ("after", after))
    }
    emit(as_json, done | scopes, lambda out: show_word(out, target, done.get("override"), before, after))


def _end(target: Target, after: dict[str, Any]) -> None:
    if untold := _untold(target, after):
        say(
            f"Decided, but Asterisk has not taken it yet for {', '.join(untold)}; it will as soon as it answers.",
            "See `ringfence status` and `ringfence doctor`.",
        )
        raise typer.Exit(NOT_WELL)

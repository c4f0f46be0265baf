"""`ringfence dr` and `ringfence failback`: a person's word. Each shows the state before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from ringfence.cli.client import Daemon
from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, say, usage
from ringfence.cli.tables import ReasonOption, reason_or_ask
from ringfence.cli.times import check_duration, until_text

ASTERISK_SECONDS: Final = 2
_LOOK_SECONDS: Final = 1

ScopeOption = Annotated[str | None, typer.Option(help="the platform's name")]
DidOption = Annotated[str | None, typer.Option(help="one DID, in E.164 or as dialled in your country")]
AllOption = Annotated[bool, typer.Option("--all", help="everything")]
ForOption = Annotated[str | None, typer.Option("--for", help="how long: 90s, 15m, 2h, 1d; at most 31 days")]
UntilOption = Annotated[str | None, typer.Option(help="the end: 18:00, or a date and time")]


@dataclass(frozen=True, slots=True)
class _Target:
    """Exactly one of the three."""

    scope: str | None
    did: str | None
    everything: bool

    @property
    def words(self) -> str:
        return self.did or self.scope or "everything"

    @property
    def option(self) -> str:
        return f"--did {self.did}" if self.did else f"--scope {self.scope}" if self.scope else "--all"

    def fits(self, scope: dict[str, Any]) -> bool:
        return self.did is None and self.scope in (None, scope["scope"])


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
    app.add_typer(dr)
    app.command("failback")(failback)


def on(
    context: typer.Context,
    scope: ScopeOption = None,
    did: DidOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    as_json: AsJson = False,
) -> None:
    """Force DR mode: calls go to default numbers, whatever the verdict.

    Example: ringfence dr on --scope uc --reason "vendor confirms an outage" --for 2h
    """
    _override(context, "dr", _target(scope, did, everything), reason, for_, until, as_json)


def off(
    context: typer.Context,
    scope: ScopeOption = None,
    did: DidOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    as_json: AsJson = False,
) -> None:
    """Force normal mode: calls go to the platform, whatever becomes of them. Not a release: for that see `auto`.

    Example: ringfence dr off --scope uc --reason "probes are wrong, the vendor is on it" --for 30m
    """
    _override(context, "normal", _target(scope, did, everything), reason, for_, until, as_json)


def freeze(
    context: typer.Context,
    scope: ScopeOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    for_: ForOption = None,
    until: UntilOption = None,
    as_json: AsJson = False,
) -> None:
    """Keep the mode as it is now. A call that the platform fails is still diverted on the spot.

    Example: ringfence dr freeze --all --reason "network works tonight" --until 06:00
    """
    _override(context, "freeze", _target(scope, None, everything), reason, for_, until, as_json)


def auto(
    context: typer.Context,
    scope: ScopeOption = None,
    did: DidOption = None,
    everything: AllOption = False,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Release an override: the automatic decides again.

    Example: ringfence dr auto --scope uc --reason "the platform works again"
    """
    target = _target(scope, did, everything)
    why = reason_or_ask(reason)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        query = {
            "scope": target.scope,
            "did": target.did,
            "everything": "true" if target.everything else None,
            "reason": why,
        }
        done = daemon.call("DELETE", "/v1/override", query)
        after = _told(daemon, target)
    _show(done, target, before, after, as_json)
    if not done["released"]:
        say(f"Nothing was set for {target.words}; nothing has changed.")
    _end(target, after)


def failback(
    context: typer.Context,
    scope: Annotated[str, typer.Option(help="the platform's name")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """End the hold-down now (the trial begins), or end the trial now (normal).

    Example: ringfence failback --scope uc --reason "tested by hand"
    """
    target, why = _Target(scope, None, False), reason_or_ask(reason)
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        done = daemon.call("POST", "/v1/failback", body={"scope": scope, "reason": why})
        after = _told(daemon, target)
    _show(done, target, before, after, as_json)
    _end(target, after)


def _override(
    context: typer.Context,
    mode: str,
    target: _Target,
    reason: str | None,
    for_: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    end = _end_of(for_, until)
    order = {"mode": mode, "reason": reason_or_ask(reason), **end, "everything": target.everything}
    order |= {key: value for key, value in (("scope", target.scope), ("did", target.did)) if value is not None}
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        before = daemon.call("GET", "/v1/status")
        done = daemon.call("PUT", "/v1/override", body=order)
        after = _told(daemon, target)
    _show(done, target, before, after, as_json)
    if not end:
        say(
            "No end was given: this stays until somebody releases it with",
            f"  ringfence dr auto {target.option} --reason ...",
        )
    _end(target, after)


def _told(daemon: Daemon, target: _Target) -> dict[str, Any]:
    """The status once Asterisk has been told, or after 2 s without."""
    seen = daemon.call("GET", "/v1/status")
    for _ in range(ASTERISK_SECONDS // _LOOK_SECONDS):
        if _untold(target, seen):
            query = {"after": str(seen["version"]), "timeout_seconds": str(_LOOK_SECONDS)}
            seen = daemon.call("GET", "/v1/status/changes", query)
    return seen


def _untold(target: _Target, seen: dict[str, Any]) -> list[str]:
    return [scope["scope"] for scope in seen["scopes"] if target.fits(scope) and not scope["published"]]


def _show(done: dict[str, Any], target: _Target, before: dict[str, Any], after: dict[str, Any], as_json: bool) -> None:
    scopes = {
        when: [scope for scope in seen["scopes"] if target.fits(scope)]
        for when, seen in (("before", before), ("after", after))
    }

    def render(out: Any) -> None:
        from ringfence.cli.status_picture import scopes_table

        if target.did is not None:
            said = done.get("override")
            out.print(f"{said['did']}: {said['mode']}" if said else f"{target.did}: automatic", markup=False)
            return
        for when, seen in (("before", before), ("after", after)):
            out.print(f"{when}:")
            out.print(scopes_table(scopes[when], seen["at"]))

    emit(as_json, done | scopes, render)


def _end(target: _Target, after: dict[str, Any]) -> None:
    if untold := _untold(target, after):
        say(
            f"Decided, but Asterisk has not taken it yet for {', '.join(untold)}; it will as soon as it answers.",
            "See `ringfence status` and `ringfence doctor`.",
        )
        raise typer.Exit(NOT_WELL)


def _target(scope: str | None, did: str | None, everything: bool) -> _Target:
    given = [name for name, there in (("--scope", scope), ("--did", did), ("--all", everything or None)) if there]
    if len(given) != 1:
        wrong = f"{' and '.join(given)} are given together." if given else "It is not said what this is about."
        usage(wrong, "Give one of --scope NAME, --did NUMBER and --all; `ringfence status` lists the scopes.")
    return _Target(scope, did, everything)


def _end_of(for_: str | None, until: str | None) -> dict[str, str]:
    if for_ is not None and until is not None:
        usage("--for and --until are given together.", "Give one of them.")
    try:
        if for_ is not None:
            return {"for": check_duration(for_)}
        return {} if until is None else {"until": until_text(until, datetime.now().astimezone())}
    except ValueError as error:
        usage(f"{'--for' if for_ is not None else '--until'}: {error}.")

"""`ringfence access`: API keys, who is signed in, and the two break-glass accounts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringfence.cli import sealed_accounts
from ringfence.cli.client import NoDaemon, Refused, path_part
from ringfence.cli.invocation import REFUSED, AsJson, emit, faults_told, invocation, print_lines, say, usage
from ringfence.cli.tables import ReasonOption, reason_or_ask, show_table
from ringfence.cli.times import local

Limit = Annotated[int, typer.Option(min=1, max=1000, help="at most so many")]

# Those of `domain.access` that a key can be given, without loading it at every start.
_GIVEN = ("see", "order", "people", "plans", "incidents", "reveal", "export", "audit", "manage")
_PERMISSIONS = ", ".join(_GIVEN)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    access = typer.Typer(
        name="access", no_args_is_help=True, help="Who is let in: API keys, sign-ins, break-glass accounts."
    )
    access.command("me")(me)
    keys = typer.Typer(name="keys", no_args_is_help=True, help="API keys: for programs, each with its own end.")
    keys.command("list")(list_keys)
    keys.command("create")(create_key)
    keys.command("revoke")(revoke_key)
    access.add_typer(keys)
    sessions = typer.Typer(name="sessions", no_args_is_help=True, help="Who is signed in on the page.")
    sessions.command("list")(list_sessions)
    sessions.command("revoke")(revoke_sessions)
    access.add_typer(sessions)
    sealed = typer.Typer(
        name="break-glass",
        no_args_is_help=True,
        help="The two break-glass accounts, for when nothing else lets you in.",
    )
    sealed.command("status")(sealed_status)
    sealed.command("renew")(renew)
    access.add_typer(sealed)
    app.add_typer(access)


def me(context: typer.Context, as_json: AsJson = False) -> None:
    """Show whom the history will name for what you do here, and what you may do.

    Example: ringfence access me
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/access/me")

    def render(out: Any) -> None:
        print_lines(out, [f"{found['name']}, by {found['by']}"])
        print_lines(out, (f"  {one['permission']}: {one['words']}" for one in found["permissions"]))

    emit(as_json, found, render)


def list_keys(context: typer.Context, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the API keys with their last use, newest first, also those that were revoked or have expired.

    Example: ringfence access keys list
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/access/keys", {"limit": str(limit)})

    def render(out: Any) -> None:
        headings = ("id", "name", "may", "made by", "until", "last used", "state")
        show_table(out, headings, [_key_row(key) for key in found["keys"]])
        _tell_count(out, "key", len(found["keys"]), found["in_all"])

    emit(as_json, found, render)


def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="what it is for")],
    may: Annotated[list[str], typer.Option("--may", help=f"what it may do; may be repeated: {_PERMISSIONS}")],
    days: Annotated[int, typer.Option(min=1, max=731, help="after so many days it is of no use")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make an API key for a program. It is shown this once; only its SHA-256 is stored.

    Example: ringfence access keys create monitoring --may see --days 365
    """
    if unknown := [one for one in may if one not in _GIVEN]:
        usage(f"--may {unknown[0]}: a key cannot be given this.", f"It can be given: {_PERMISSIONS}.")
    with faults_told(as_json):
        order = {"name": name, "permissions": may, "days": days}
        made = invocation(context).daemon().call("POST", "/v1/access/keys", body=order)
    if not as_json:
        say(f"Key {made['key']['id']} until {local(made['key']['expires'])}. It cannot be shown again:")
    emit(as_json, made, lambda out: print_lines(out, [made["token"]]))


def revoke_key(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="as `keys list` shows it")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key: it is of no use from now on.

    Example: ringfence access keys revoke kqhwmbtrzzna --reason "it stood in a log"
    """
    why = reason_or_ask(reason)
    with faults_told(as_json):
        path = f"/v1/access/keys/{path_part(id_)}"
        done = invocation(context).daemon().call("DELETE", path, {"reason": why})
    emit(as_json, done, lambda out: print_lines(out, [f"Revoked: {done['name']}."]))


def list_sessions(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="only of this name")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List who is signed in, newest first.

    Example: ringfence access sessions list
    """
    with faults_told(as_json):
        query = {"limit": str(limit), "name": name}
        found = invocation(context).daemon().call("GET", "/v1/access/sessions", query)

    def render(out: Any) -> None:
        headings = ("id", "name", "roles", "by", "since", "last seen", "until")
        show_table(out, headings, [_session_row(session) for session in found["sessions"]])
        _tell_count(out, "session", len(found["sessions"]), found["in_all"])

    emit(as_json, found, render)


def revoke_sessions(
    context: typer.Context,
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="as `sessions list` shows it")] = None,
    name: Annotated[str | None, typer.Option(help="all sessions of this name")] = None,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """End one session, or all of one name. They are over at once.

    Example: ringfence access sessions revoke --name ada@example.org --reason "laptop lost"
    """
    if (id_ is None) == (name is None):
        usage("Give an ID or --name.", "`ringfence access sessions list` shows both.")
    why = reason_or_ask(reason)
    with faults_told(as_json):
        path = "/v1/access/sessions" if id_ is None else f"/v1/access/sessions/{path_part(id_)}"
        done = invocation(context).daemon().call("DELETE", path, {"name": name, "reason": why})
    emit(as_json, done, lambda out: print_lines(out, [f"Sessions ended: {done['ended']}."]))


def sealed_status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the break-glass accounts: when each was renewed and last used, and whether it is locked.

    Example: ringfence access break-glass status
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/access/break-glass")

    def render(out: Any) -> None:
        rows = [
            (
                one["name"],
                local(one["renewed"]),
                local(one["used"]) or "never",
                f"locked for {-(-one['locked_seconds'] // 60)} min" if one["locked_seconds"] else "ready",
            )
            for one in found["accounts"]
        ]
        show_table(out, ("account", "password since", "last used", "state"), rows)
        if not rows:
            print_lines(out, ["There are none: they are switched off, or were never made."])

    emit(as_json, found, render)


def renew(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="break-glass-1 or break-glass-2")],
    as_json: AsJson = False,
) -> None:
    """Give a break-glass account a new password, shown this once. The old one, a lock and its sessions are void.

    Example: ringfence access break-glass renew break-glass-1
    """
    asked = invocation(context)
    try:
        password = sealed_accounts.renew(name, asked.config_path)
    except sealed_accounts.CannotRenew as fault:
        say(*fault.lines)
        raise typer.Exit(REFUSED) from None
    told = True
    try:
        asked.daemon().call("POST", "/v1/access/break-glass/renewed")
    except (NoDaemon, Refused) as error:
        told = False
        say(f"The daemon could not be told: {error.message}", "It will notice within a minute of running.")
    result = {"name": name, "password": password, "daemon_told": told}
    emit(as_json, result, lambda out: print_lines(out, sealed_accounts.envelope_lines({name: password})))


def _key_row(key: dict[str, Any]) -> tuple[str, ...]:
    state = "valid" if key["valid"] else f"revoked by {key['revoked_by']}" if key["revoked"] else "expired"
    used = local(key["used"]) or "never"
    may = ", ".join(key["permissions"])
    return key["id"], key["name"], may, key["made_by"], local(key["expires"]), used, state


def _session_row(session: dict[str, Any]) -> tuple[str, ...]:
    times = (local(session["begun"]), local(session["seen"]), local(session["until"]))
    return session["id"], session["name"], ", ".join(session["roles"]), session["by"], *times


def _tell_count(out: Any, what: str, shown: int, in_all: int) -> None:
    if not in_all:
        print_lines(out, [f"There is no {what}."])
    elif shown < in_all:
        print_lines(out, [f"{shown} of {in_all}; more with --limit."])

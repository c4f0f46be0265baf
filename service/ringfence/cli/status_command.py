"""`ringfence status`: once, or for as long as somebody watches."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Final

import typer

from ringfence.cli.client import Daemon, NoDaemon
from ringfence.cli.invocation import NOT_WELL, AsJson, console, emit, faults_told, invocation

WATCH_SECONDS: Final = 10  # ages and evidence are renewed that often even if nothing changes
RETRY_SECONDS: Final = 1.0


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("status")(status)


def status(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="stay, and show each change as it happens")] = False,
    check: Annotated[bool, typer.Option("--check", help="exit with 4 when there is any alarm, for monitoring")] = False,
    as_json: AsJson = False,
) -> None:
    """Show modes, verdicts with their evidence, trunks, the table and the links.

    Example: ringfence status --watch
    """
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        if watch:
            _watch(daemon, as_json)
            return
        seen = daemon.call("GET", "/v1/status")
    emit(as_json, seen, lambda out: out.print(_picture(seen)))
    if check and seen["alarms"]:
        raise typer.Exit(NOT_WELL)


def _picture(seen: dict[str, Any]) -> Any:
    from ringfence.cli.status_picture import picture

    return picture(seen)


def _watch(daemon: Daemon, as_json: bool) -> None:
    try:
        live = not as_json and console().is_terminal
        asyncio.run(_show_live(daemon) if live else _print_changes(daemon, as_json))
    except KeyboardInterrupt:
        return


async def _print_changes(daemon: Daemon, as_json: bool) -> None:
    """One JSON object a line; or, into a pipe or file, one picture under the other."""
    version = ""
    while True:
        seen = await _next(daemon, version)
        if seen["version"] == version:
            continue
        version = seen["version"]
        if as_json:
            typer.echo(json.dumps(seen, ensure_ascii=False))
        else:
            out = console()
            out.print(_picture(seen))
            out.file.flush()


async def _show_live(daemon: Daemon) -> None:
    from rich.live import Live
    from rich.text import Text

    out, version = console(), ""
    with Live(Text("asking the daemon..."), console=out, auto_refresh=False, screen=True) as live:
        while True:
            try:
                seen = await _next(daemon, version)
            except NoDaemon as error:
                # Whoever watches through a restart wants to see it come back.
                live.update(Text(f"{error.message}\n{error.fix}", style="bold red"), refresh=True)
                version = ""
                await asyncio.sleep(RETRY_SECONDS)
                continue
            version = seen["version"]
            live.update(_picture(seen), refresh=True)


async def _next(daemon: Daemon, version: str) -> dict[str, Any]:
    query = {"after": version, "timeout_seconds": str(WATCH_SECONDS)}
    return await daemon.ask("GET", "/v1/status/changes", query, seconds=WATCH_SECONDS + 5)

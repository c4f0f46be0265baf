"""`ringfence support-bundle`: one file for a supporter, without secrets and without anybody's number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say
from ringfence.cli.tables import show_table

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("support-bundle")(support_bundle)


def support_bundle(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="the file to be made; default one with the time in it")] = None,
    log: Annotated[
        Path | None, typer.Option(help="the daemon's log, where it is not in the journal", exists=True, dir_okay=False)
    ] = None,
    rehearse: Annotated[bool, typer.Option("--dry-run", help="say what would be in it; write nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Pack what a supporter needs into one file: versions, doctor, status, configuration, log, counts. Every number and
    every secret is taken out. The daemon and Asterisk may be dead. Exit status 4 when a part was held back.

    Example: ringfence support-bundle /tmp/ringfence-support.tar.gz
    """
    from datetime import UTC, datetime

    from ringfence.cli.support import bundle
    from ringfence.cli.support.gathering import Sources

    asked = invocation(context)
    with faults_told(as_json):
        sources = Sources.of(asked.config_path, asked.daemon(), log)
        found = bundle.make(sources, file or bundle.default_file(datetime.now(UTC)), rehearse=rehearse)
    emit(as_json, found, lambda out: _show(out, found))
    if found["held_back"]:
        say("A part was held back: something in it looked like a number or a secret. See the list.")
        raise typer.Exit(NOT_WELL)


def _show(out: Console, found: dict[str, Any]) -> None:
    rows = [
        (one["name"], "-" if one["missing"] else f"{one['characters']:,}", one["missing"] or one["about"])
        for one in found["parts"]
    ]
    show_table(out, ("in it", "characters", "what it is, or why it is not there"), rows)
    if found["file"] is None:
        print_lines(out, ["Nothing was written (--dry-run)."])
        return
    print_lines(
        out,
        [
            f"{found['file']}: {found['size_bytes']:,} bytes, for your eyes alone (mode 0600).",
            f"Look before you send it: tar -xzOf {found['file']} | less",
        ],
    )

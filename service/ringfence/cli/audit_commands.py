"""`ringfence audit`: who did what, and whether the record still holds. `ringfence reveal`: one number in clear."""

from __future__ import annotations

import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ringfence.cli.client import Refused, path_part
from ringfence.cli.entries import KeyArgument
from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say, usage
from ringfence.cli.question_commands import Limit
from ringfence.cli.tables import ReasonOption, reason_or_ask, show_table
from ringfence.cli.times import local, until_text
from ringfence.domain.audit_kind import AuditKind

if TYPE_CHECKING:
    from rich.console import Console

EXPORT_SECONDS: Final = 120.0

KindOption = Annotated[AuditKind | None, typer.Option(help="only rows about this")]
SinceOption = Annotated[str | None, typer.Option(help="from this moment on, as 2030-01-31T18:00")]


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    audit = typer.Typer(name="audit", no_args_is_help=True, help="The audit record: read, verified, exported.")
    audit.command("list")(list_)
    audit.command("verify")(verify)
    audit.command("export")(export)
    app.add_typer(audit)
    reveal = typer.Typer(
        name="reveal", no_args_is_help=True, help="One number in clear, for a reason that the audit record keeps."
    )
    reveal.command("person")(reveal_person)
    reveal.command("call")(reveal_call)
    app.add_typer(reveal)


def list_(
    context: typer.Context,
    kind: KindOption = None,
    who: Annotated[str | None, typer.Option(help="only what this person did")] = None,
    about: Annotated[
        str | None, typer.Option(help="only what was done to this: scope:uc, did:+441134960123, a person's key")
    ] = None,
    since: SinceOption = None,
    before: Annotated[int | None, typer.Option(min=1, help="only rows with smaller numbers")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what was done, by whom and why, newest first.

    Example: ringfence audit list --kind override --since 2030-01-31T18:00
    """
    query = {
        "kind": kind,
        "who": who,
        "about": about,
        "since": _moment(since),
        "before": None if before is None else str(before),
        "limit": str(limit),
    }
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/audit", query)

    def render(out: Console) -> None:
        rows = [_shown(row) for row in found["rows"]]
        show_table(out, ("row", "at", "kind", "what", "about", "who", "why"), rows)
        if not rows:
            out.print("Nothing is recorded that fits.")
        elif found["next"] is not None:
            out.print(f"There is more: --before {found['next']}")

    emit(as_json, found, render)


def verify(
    context: typer.Context,
    anchors: Annotated[
        Path | None,
        typer.Option(help="anchors kept elsewhere, one JSON object a line", exists=True, dir_okay=False, readable=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the record from the database itself, with a daemon or without, and say whether a row was changed, removed,
    moved or put in. Exit status 4 if so.

    It is compared with the anchors beside the database, and with those of --anchors: copies that were kept where nobody
    on this machine writes prove the most.

    Example: ringfence audit verify --anchors /mnt/logs/audit-anchors.jsonl
    """
    from ringfence.cli import offline_audit

    with faults_told(as_json):
        found = offline_audit.verify(invocation(context).config_path, anchors)

    def render(out: Console) -> None:
        if found["holds"]:
            out.print(f"The record holds: {found['rows']} rows, compared with {found['anchors']} anchors.")
        else:
            print_lines(out, (f"{fault['kind']}: {fault['words']}" for fault in found["faults"]))
        print_lines(out, (f"It ends with row {found['head_number']}, digest {found['head_digest']}.",))

    emit(as_json, found, render)
    if not found["holds"]:
        say("The record was tampered with, or a backup was put back: see docs/explanation/audit.md.")
        raise typer.Exit(NOT_WELL)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="where to write it; it must not be there yet")],
    reason: ReasonOption = None,
    format: Annotated[ExportFormat, typer.Option(help="of the file")] = ExportFormat.JSONL,
    kind: KindOption = None,
    since: SinceOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the record to a file, newest first. That it was exported is itself recorded.

    Example: ringfence audit export /root/audit-2030.csv --format csv --reason "yearly audit"
    """
    query = {"kind": kind, "since": _moment(since), "format": format, "reason": reason_or_ask(reason)}
    if file.exists():
        usage(f"There already: {file}.", "Choose another name.")
    with faults_told(as_json):
        text = invocation(context).daemon().text("/v1/audit/export", query, EXPORT_SECONDS)
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as out_file:
                out_file.write(text)
        except OSError as error:
            raise Refused(0, f"{file}: {error.strerror}.", fix="Choose a file you may write to.") from error
    emit(as_json, {"written": str(file)}, lambda out: print_lines(out, (str(file),)))


def reveal_person(
    context: typer.Context,
    key: KeyArgument,
    position: Annotated[int, typer.Option(min=1, max=1000, help="which number, as `person show` counts them")] = 1,
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one default number of a person in clear.

    Example: ringfence reveal person a.archer --position 1 --reason "the family asks for a call back"
    """
    order = {"position": position, "reason": reason_or_ask(reason)}
    _reveal(context, f"/v1/people/{path_part(key)}/reveal", order, as_json)


def reveal_call(
    context: typer.Context,
    call: Annotated[str, typer.Argument(help="the call's id, as `ringfence calls --json` shows it")],
    reason: ReasonOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the number of whoever made a call, unless they withheld it.

    Example: ringfence reveal call 1893456000.17 --reason "call back, ticket 4711"
    """
    _reveal(context, f"/v1/calls/{path_part(call)}/reveal", {"reason": reason_or_ask(reason)}, as_json)


def _reveal(context: typer.Context, path: str, order: dict[str, Any], as_json: bool) -> None:
    with faults_told(as_json):
        found = invocation(context).daemon().call("POST", path, body=order)
    emit(as_json, found, lambda out: print_lines(out, (found["number"],)))


def _shown(row: dict[str, Any]) -> tuple[str, ...]:
    about = row["about"] if row["person"] is None else row["person"]
    return (str(row["number"]), local(row["at"]), row["kind"], row["action"], about, row["who"], row["why"])


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return until_text(text, datetime.now().astimezone())
    except ValueError as error:
        usage(f"--since: {error}.")

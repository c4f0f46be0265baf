"""`ringfence db`: which database this is, and moving all of it into another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say, who
from ringfence.cli.tables import show_table

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    database = typer.Typer(name="db", help="Look at the database, or move all of it into another one.")
    database.command("info")(info)
    database.command("move")(move)
    app.add_typer(database)


def info(context: typer.Context, as_json: AsJson = False) -> None:
    """Show where the database is, its size, schema and rows. The daemon may run. Exit status 4 when its schema is not
    this program's.

    Example: ringfence db info
    """
    from ringfence.cli import offline_database

    with faults_told(as_json):
        found = offline_database.info(invocation(context).config_path)

    def render(out: Console) -> None:
        print_lines(out, (f"{found['engine']}: {found['place']}",))
        schema = found["schema"] or "none yet"
        current = "" if found["up_to_date"] else f" (this program's is {found['newest_schema']})"
        out.print(f"{found['size_bytes']:,} bytes, schema {schema}{current}")
        if found["owner"]:
            print_lines(out, (f"Written by {found['owner']}",))
        show_table(out, ("table", "rows"), [(name, f"{rows:,}") for name, rows in found["rows"].items() if rows])

    emit(as_json, found, render)
    if not found["up_to_date"]:
        raise typer.Exit(NOT_WELL)


def move(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="the new database's address, without a password; it must be empty")],
    rehearse: Annotated[bool, typer.Option("--dry-run", help="do all of it, and undo it again")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another, empty database, and compare both. The daemon must not run. The old database and the
    configuration are left as they are.

    Example: ringfence db move --to 'postgresql+psycopg://ringfence@/ringfence'
    """
    from ringfence.cli import offline_database

    with faults_told(as_json):
        found = offline_database.move(invocation(context).config_path, to, rehearse=rehearse, who=who())

    def render(out: Console) -> None:
        show_table(out, ("table", "rows"), [(name, f"{rows:,}") for name, rows in found["rows"].items() if rows])
        out.print(f"{sum(found['rows'].values()):,} rows, the same in both by count and digest.")

    emit(as_json, found, render)
    say(*_next(found))


def _next(found: dict[str, Any]) -> tuple[str, ...]:
    if found["rehearsed"]:
        return ("This was a rehearsal: nothing is left of it there. Without --dry-run it stays.",)
    return (
        f"Now write into {found['config']}, above the first table:",
        f'    database = "{found["to"]}"',
        "then start the daemon, and look at `ringfence status` and `ringfence db info`.",
        f"The old database is as it was: {found['from']}. Private numbers are in it: remove it once you are content.",
    )

"""`ringfence hr preview` and `ringfence hr presets`: how a file would be read, before any source is set up."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringfence.cli.invocation import NOT_WELL, REFUSED, AsJson, emit, invocation, print_lines, say, usage
from ringfence.cli.tables import show_table

if TYPE_CHECKING:
    from rich.console import Console

    from ringfence.hr.preview import Wish

_FILE_TYPES: Final = ("folder", "sftp")


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module to the commands about HR sources."""
    app.command("preview")(show_preview)
    app.command("presets")(show_presets)


def show_preview(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="a CSV or Excel file as HR exports it")],
    preset: Annotated[
        str | None, typer.Option(help="mapping to begin with (`ringfence hr presets`); guessed if it is not given")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="which column a field comes from; nothing after = for none"),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="read it as this source of the configuration would, mapping and all")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, max=1000, help="how many rows to show")] = 5,
    sheet: Annotated[str, typer.Option(help="Excel: the sheet's name")] = "",
    trailer: Annotated[str, typer.Option(help="the file's last line, with {rows} for the number of rows")] = "",
    date_order: Annotated[str, typer.Option(help="dmy or mdy: how 03/04/2026 is read")] = "dmy",
    country: Annotated[str, typer.Option(help="country of numbers written without a plus")] = "GB",
    as_json: AsJson = False,
) -> None:
    """Show how a file's first rows would be read, which column feeds which field, and what is wrong. Exit status 4
    when anything is.

    Needs neither a daemon nor a configuration, and changes nothing. Private numbers are masked.

    Example: ringfence hr preview people.csv --preset bamboohr --map site=Division
    """
    from ringfence.app.hr.ports import FeedRefused
    from ringfence.cli.preview_picture import preview_data, show
    from ringfence.domain.hr.field_mapping import MappingError
    from ringfence.hr.preview import Wish, preview

    wish = Wish(preset or "", _fields(mapped or []), country, date_order, sheet, trailer)
    if trailer and "{rows}" not in trailer:
        usage(f"--trailer: {trailer!r} has no {{rows}}.", "Write it where the number of rows stands: TRAILER,{rows}.")
    if date_order not in ("dmy", "mdy"):
        usage(f"--date-order: {date_order!r} is neither dmy nor mdy.")
    if source is not None:
        wish = _of_source(invocation(context).config_path, source, wish)
    try:
        found = preview(file.name, _content(file), wish, lambda _done, _all: None)
    except MappingError as error:
        usage(f"{error}.")
    except FeedRefused as refused:
        problems = [str(problem.message) for problem in refused.problems]
        say(f"The file would be refused: {refused.message}", refused.fix)
        if as_json:
            emit(True, {"error": refused.message, "fix": refused.fix, "problems": problems}, lambda out: None)
        raise typer.Exit(REFUSED) from None
    emit(as_json, preview_data(found, rows), lambda out: show(out, found, rows))
    if found.missing or found.batch.rejected or found.batch.repeated:
        raise typer.Exit(NOT_WELL)


def show_presets(
    preset: Annotated[str | None, typer.Argument(help="show this one's columns")] = None, as_json: AsJson = False
) -> None:
    """List the presets for the exports of well-known HR systems, or the columns of one.

    Example: ringfence hr presets workday
    """
    from ringfence.domain.hr.presets import PRESETS

    if preset is not None and preset not in PRESETS:
        usage(f"{preset!r} is no preset.", f"There are {', '.join(PRESETS)}.")
    chosen = {name: found for name, found in PRESETS.items() if preset in (None, name)}
    data = [
        {
            "preset": name,
            "title": found.title,
            "columns": {field: list(names) for field, names in found.columns.items()},
        }
        for name, found in chosen.items()
    ]

    def render(out: Console) -> None:
        if preset is None:
            show_table(out, ("preset", "what it is for"), ((name, found.title) for name, found in chosen.items()))
        else:
            print_lines(out, [chosen[preset].title])
            columns = chosen[preset].columns.items()
            show_table(out, ("field", "column"), ((field, ", ".join(names)) for field, names in columns))

    emit(as_json, data, render)


def _fields(given: list[str]) -> dict[str, str | list[str]]:
    """Several columns where a field comes several times."""
    fields: dict[str, list[str]] = {}
    for option in given:
        field, equals, column = option.partition("=")
        if not equals or not field.strip():
            usage(f"--map: {option!r} is not FIELD=COLUMN.", 'Write it as --map key="Staff number".')
        fields.setdefault(field.strip(), []).append(column)
    return dict(fields)


def _content(file: Path) -> bytes:
    from ringfence.hr.sheet import MAX_FEED_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FEED_BYTES + 1)
    except OSError as error:
        usage(f"{file} cannot be read: {error.strerror}.")


def _of_source(config: Path, name: str, wish: Wish) -> Wish:
    """As one source is configured. Only this one table is read, so that the rest need not be right yet."""
    from pydantic import ValidationError

    from ringfence.hr.file_settings import FileSettings

    try:
        raw = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        fix = "Name the configuration with --config before the command."
        usage(f"--source: {config} cannot be read: {error.strerror}.", fix)
    except ValueError as error:
        usage(f"--source: {config} is no TOML: {error}.", "Correct that line.")
    tables = [table for table in raw.get("hr_source", []) if isinstance(table, dict)]
    table = next((table for table in tables if table.get("name") == name), None)
    if table is None:
        names = ", ".join(str(table.get("name")) for table in tables)
        usage(f"--source: {name!r} is not in {config}.", f"It has {names}." if names else "It has no HR source.")
    if table.get("type") not in _FILE_TYPES:
        usage(f"--source: {name!r} reads no files.", "Give --preset and --map instead.")
    try:
        settings = FileSettings.model_validate({k: v for k, v in table.items() if k in FileSettings.model_fields})
    except ValidationError as error:
        usage("\n".join(f"--source: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
    country = raw.get("default_country", wish.default_country)
    return replace(
        wish,
        preset=settings.preset,
        fields={**settings.fields, **wish.fields},
        default_country=str(country),
        date_order=settings.date_order,
        sheet=settings.sheet,
        trailer=settings.trailer,
        words=settings.status_words,
        last_line="complete" if settings.checksum != "none" else settings.last_line,
    )

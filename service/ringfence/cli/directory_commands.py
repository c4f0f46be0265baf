"""`ringfence import` and `ringfence export`: the directory as CSV files, with a daemon or without one."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ringfence.cli.client import NoDaemon, Refused
from ringfence.cli.invocation import AsJson, Invocation, emit, faults_told, invocation, print_lines, say, usage

IMPORT_SECONDS: Final = 120.0
MAX_FILE_BYTES: Final = 20 * 1024 * 1024  # 100,000 DIDs are 6 MB

PeopleOption = Annotated[
    Path | None, typer.Option(help="people with their default numbers", exists=True, dir_okay=False, readable=True)
]
DidsOption = Annotated[
    Path | None, typer.Option(help="DIDs with owner, site, platform", exists=True, dir_okay=False, readable=True)
]
SitesOption = Annotated[
    Path | None, typer.Option(help="sites with their fallback number", exists=True, dir_okay=False, readable=True)
]
TeamsOption = Annotated[
    Path | None, typer.Option(help="team lines with their members", exists=True, dir_okay=False, readable=True)
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("import")(import_)
    app.command("export")(export)


def import_(
    context: typer.Context,
    people: PeopleOption = None,
    dids: DidsOption = None,
    sites: SitesOption = None,
    teams: TeamsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would change, and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before applying")] = False,
    accept_cautions: Annotated[
        bool, typer.Option("--accept-cautions", help="apply although very much would be removed")
    ] = False,
    reason: Annotated[str, typer.Option(help="why, for the log")] = "import",
    as_json: AsJson = False,
) -> None:
    """Replace people, DIDs, sites or teams by CSV files: all or nothing, every fault at once with its line.

    A file that is not given leaves its part as it is. Without a daemon the database is changed directly.

    Example: ringfence import --people people.csv --dids dids.csv --sites sites.csv --dry-run
    """
    files = _read({"people": people, "dids": dids, "sites": sites, "teams": teams})
    asked = invocation(context)
    with faults_told(as_json):
        plan = _post(asked, files | {"dry_run": True, "reason": reason})
        if dry_run or not plan["lines"]:
            emit(as_json, plan, lambda out: print_lines(out, _lines(plan)))
            return
        say(*_lines(plan))
        _confirm(plan, yes, accept_cautions)
        order = files | {
            "dry_run": False,
            "reason": reason,
            "expected_version": plan["version"],
            "accept_cautions": bool(plan["cautions"]),
        }
        done = _post(asked, order)
    emit(as_json, done, lambda out: print_lines(out, [f"Imported. {done['summary']}."]))


def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="where to write the four files, people.csv and the others")],
    force: Annotated[bool, typer.Option("--force", help="overwrite files that are there")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the directory as CSV files that `import` reads. They hold private numbers: only their owner may read them.

    Example: ringfence export /root/directory-today
    """
    paths = {part: directory / f"{part}.csv" for part in ("people", "dids", "sites", "teams")}
    there = [str(path) for path in paths.values() if path.exists()]
    if there and not force:
        usage(f"There already: {', '.join(there)}.", "Choose another directory, or give --force.")
    with faults_told(as_json):
        files = _get_export(invocation(context))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for part, path in paths.items():
                _write_private(path, str(files[part]))
        except OSError as error:
            fix = "Choose a directory you may write to."
            raise Refused(0, f"{error.filename}: {error.strerror}.", fix=fix) from error
    written = {part: str(path) for part, path in paths.items()}
    emit(as_json, {"written": written}, lambda out: print_lines(out, written.values()))


def _read(paths: dict[str, Path | None]) -> dict[str, Any]:
    """The files' bytes as they are: their encoding is judged where all the other faults are found."""
    given = {part: path for part, path in paths.items() if path is not None}
    if not given:
        usage("No file is given.", "Give one or more of --people, --dids, --sites and --teams.")
    found = {}
    for part, path in given.items():
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                usage(f"{path} is larger than {MAX_FILE_BYTES // 1024**2} MB.", "Is it the right file?")
            content = path.read_bytes()
        except OSError as error:
            usage(f"{path}: {error.strerror}.")
        found[part] = {"name": str(path), "base64": base64.b64encode(content).decode()}
    return found


def _post(asked: Invocation, order: dict[str, Any]) -> dict[str, Any]:
    try:
        return asked.daemon().call("POST", "/v1/import", body=order, seconds=IMPORT_SECONDS)
    except NoDaemon as error:
        from ringfence.cli import offline

        return offline.import_files(asked.config_path, order, error)


def _get_export(asked: Invocation) -> dict[str, Any]:
    try:
        return asked.daemon().call("GET", "/v1/export", seconds=IMPORT_SECONDS)
    except NoDaemon as error:
        from ringfence.cli import offline

        return offline.export(asked.config_path, error)


def _lines(plan: dict[str, Any]) -> list[str]:
    left_off = plan["lines_left_off"]
    return [
        *(f"warning: {warning}" for warning in plan["warnings"]),
        *plan["lines"],
        *([f"... and {left_off} more changes"] if left_off else []),
        *(f"CAUTION: {caution}" for caution in plan["cautions"]),
        f"{plan['summary']}." if plan["lines"] else "Nothing to change.",
    ]


def _confirm(plan: dict[str, Any], yes: bool, accept_cautions: bool) -> None:
    asking = sys.stdin.isatty()
    if plan["cautions"] and not accept_cautions and (yes or not asking):
        raise Refused(
            409,
            "Nothing was imported: very much would be removed.",
            fix="Check the files, then give --accept-cautions.",
        )
    if yes:
        return
    if not asking:
        usage("Nothing was imported: there is nobody to ask.", "Look at the changes above, then give --yes.")
    if not typer.confirm("Apply this?", err=True):
        raise Refused(0, "Nothing was imported.")


def _write_private(path: Path, text: str) -> None:
    # Made anew with its mode, so that at no moment anybody else can read private numbers.
    path.unlink(missing_ok=True)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="", encoding="utf-8"
    ) as out:
        out.write(text)

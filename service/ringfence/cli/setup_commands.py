"""The commands that set Ringfence up: `init`, `handover`, `remove`, each in a module of its own; here `snippets`,
`check-config`, `settings`, `doctor`.

Only options, questions and exit statuses are here; what they do lies in the modules beside this one.
Exit statuses: 0 done or sound; 1 refused, or the configuration is wrong; 2 wrong use of the command line; 4 the doctor
found something failing.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ringfence.cli import config_report, handover_command, init_command, remove_command, snippet_files
from ringfence.cli.doctor.registry import examine_links
from ringfence.cli.doctor.report import exit_status, findings_json, show_findings
from ringfence.cli.invocation import fail
from ringfence.cli.new_files import WriteFault, replace_all
from ringfence.config import DEFAULT_PATH, ConfigError, load, load_secrets
from ringfence.config.reference import reference_page
from ringfence.config.snippets import generated_snippets, shipped_snippets

ConfigPath = Annotated[Path, typer.Option("--config", help="the configuration file", envvar="RINGFENCE_CONFIG")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of words")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for module in (init_command, handover_command, remove_command):
        module.add_to(app)
    app.command("snippets")(snippets)
    app.command("check-config")(check_config)
    app.command("settings")(settings)
    app.command("doctor")(doctor)


def snippets(
    config: ConfigPath = DEFAULT_PATH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would change")] = False,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="also renew the files that are the same on every site, after an upgrade")
    ] = False,
) -> None:
    """Renew Asterisk's generated snippets after a change of the configuration, and show the difference."""
    try:
        current = load(config)
        texts = generated_snippets(current, load_secrets(config))
    except ConfigError as error:
        fail(error.faults)
    if shipped:
        texts |= shipped_snippets()
    try:
        changed = snippet_files.changes(current.asterisk_conf_dir, texts)
        for change in changed:
            typer.echo(change.diff)
        if changed and not dry_run:
            new = {change.path.name: change.new for change in changed}
            replace_all(snippet_files.files_of(current.asterisk_conf_dir, new))
    except (OSError, WriteFault) as error:
        fail([str(error)])
    if not changed:
        typer.echo("Nothing to change.")
        return
    typer.echo("Nothing was written (--dry-run)." if dry_run else "Written. Now make Asterisk read it:")
    for command in () if dry_run else snippet_files.reloads_for(changed):
        typer.echo(f"  asterisk -rx '{command}'")


def check_config(config: ConfigPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Name every fault of the configuration at once, and how fast each target is detected at worst."""
    found = config_report.examine(config)
    if as_json:
        typer.echo(json.dumps(config_report.as_json(found), indent=2))
    else:
        config_report.show(found, Console(emoji=False))
    if found.errors:
        raise typer.Exit(1)


def settings() -> None:
    """Print the reference of all settings (docs/reference/settings.md)."""
    typer.echo(reference_page(), nl=False)


def doctor(config: ConfigPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Walk every link between Ringfence and Asterisk, and say for each failure what to do."""
    findings = asyncio.run(examine_links(config))
    if as_json:
        typer.echo(json.dumps(findings_json(findings), indent=2))
    else:
        show_findings(findings, Console(emoji=False))
    if status := exit_status(findings):
        raise typer.Exit(status)

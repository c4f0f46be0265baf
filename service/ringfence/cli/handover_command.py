"""`ringfence handover`: an inbound trunk's own endpoint leads into Ringfence, or back to where it led.

Exit statuses: 0 done, or there was nothing to do; 1 refused, nothing was changed; 2 wrong use of the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence.cli.install import manifest
from ringfence.cli.install.console import Console, console_of
from ringfence.cli.install.edits import Edit, EditFault, take_out
from ringfence.cli.install.handing_over import RELOAD, hand_over, handover_edit, lead_back
from ringfence.cli.install.manifest import HandedOver, Manifest, ManifestFault
from ringfence.cli.install.options import ConfigPath, ConsoleText
from ringfence.cli.install.survey import context_of
from ringfence.cli.invocation import fail
from ringfence.cli.new_files import NewFile, WriteFault, replace_all
from ringfence.config import DEFAULT_PATH, ConfigError, Settings, load

CONTEXT_PREFIX: Final = "ringfence-in-"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("handover")(handover)


def handover(
    trunk: Annotated[str, typer.Argument(help="a [[trunk]] of the configuration")],
    undo: Annotated[bool, typer.Option("--undo", help="lead it back to where it led before")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the lines, and write nothing")] = False,
    console: ConsoleText = "asterisk",
    config: ConfigPath = DEFAULT_PATH,
) -> None:
    """Lead a trunk's own endpoint into Ringfence, by lines behind it that change its context and what leaks numbers.

    From the reload on its calls pass Ringfence; calls in progress go on. `--undo` takes them off again at once.

    Example: ringfence handover carrier
    """
    asterisk = console_of(console)
    try:
        settings = load(config)
        known = manifest.read(manifest.place_beside(config))
    except ConfigError as error:
        fail(error.faults)
    except ManifestFault as fault:
        fail([str(fault)])
    remembered = known or Manifest(settings.asterisk_conf_dir.parent, settings.asterisk_conf_dir)
    if undo:
        _undo(trunk, remembered, asterisk, config, dry_run=dry_run)
        return
    endpoint = _endpoint_of(trunk, settings)
    context = CONTEXT_PREFIX + trunk
    before = context_of(asterisk, endpoint)
    if before is None:
        fail([f"Asterisk could not be asked about endpoint {endpoint}: is it running, and is this root?"])
    if before == context:
        typer.echo(f"Endpoint {endpoint} leads into {context} already.")
        return
    try:
        edit = _written_already(trunk, remembered) or handover_edit(remembered.etc, endpoint, context)
        if dry_run:
            _show(edit.path, edit.lines)
            return
        one = HandedOver(trunk, endpoint, before, edit)
        # Remembered first: what cannot be remembered is not done.
        if one not in remembered.handed_over:
            _remember(replace(remembered, handed_over=(*remembered.handed_over, one)), config)
        hand_over(edit, asterisk, endpoint, context)
    except EditFault as fault:
        _remember(remembered, config)
        fail([str(fault)])
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}. Run it with sudo. Nothing was changed."])
    typer.echo(f"Calls by {endpoint} pass Ringfence now; before they went to {before}.")
    typer.echo(f"Back again: ringfence handover {trunk} --undo")


def _undo(trunk: str, remembered: Manifest, asterisk: Console, config: Path, *, dry_run: bool) -> None:
    found = [one for one in remembered.handed_over if one.trunk == trunk]
    if not found:
        typer.echo(f"Trunk {trunk!r} was not handed over by this command: nothing to take back.")
        return
    for one in reversed(found):
        if dry_run:
            typer.echo(f"Would take out of {one.edit.path}:")
            for line in one.edit.lines:
                typer.echo(f"    {line}")
            continue
        try:
            lead_back(one.edit, one.endpoint)
        except OSError as error:
            fail([f"{error.filename}: {error.strerror}. Run it with sudo."])
    if dry_run:
        return
    if asterisk.ask(RELOAD) is None:
        typer.echo(f"Asterisk has not read it yet: asterisk -rx '{RELOAD}'")
    endpoint, before = found[0].endpoint, found[0].context_before
    if (leads_to := context_of(asterisk, endpoint) or "").startswith(CONTEXT_PREFIX):
        # What is remembered stays: a removal has to know of it.
        fail([f"Endpoint {endpoint} still leads into {leads_to}: some line besides ours says so. It led to {before}."])
    typer.echo(f"Endpoint {endpoint} leads to {before} again.")
    left = tuple(one for one in remembered.handed_over if one.trunk != trunk)
    _remember(replace(remembered, handed_over=left), config)


def _written_already(trunk: str, remembered: Manifest) -> Edit | None:
    """By a run that was killed before Asterisk had read it: a second time the lines would stand there twice."""
    return next(
        (one.edit for one in remembered.handed_over if one.trunk == trunk and take_out(one.edit, dry_run=True)), None
    )


def _endpoint_of(trunk: str, settings: Settings) -> str:
    found = next((one for one in settings.trunk if one.name == trunk), None)
    if found is None:
        fail([f"There is no trunk {trunk!r}; there are {', '.join(one.name for one in settings.trunk)}."], status=2)
    if not found.endpoint:
        fail([f"Trunk {trunk!r} has the endpoint that Ringfence made: it leads into {CONTEXT_PREFIX}{trunk} already."])
    return found.endpoint


def _remember(remembered: Manifest, config: Path) -> None:
    try:
        replace_all([NewFile(manifest.place_beside(config), manifest.text_of(remembered))])
    except WriteFault as fault:
        fail([str(fault), "Run it with sudo. Nothing was changed."])


def _show(path: Path, lines: Sequence[str]) -> None:
    typer.echo(f"Would add to the end of {path}, and run `{RELOAD}`:")
    for line in lines:
        typer.echo(f"    {line}")

"""`ringfence remove`: the site's files, AstDB and users are as if Ringfence had never been there.

Exit statuses: 0 done, or there was nothing; 1 refused, nothing was changed; 2 wrong use of the command line; 4 done,
but Asterisk has not read all of it yet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.install import manifest
from ringfence.cli.install.console import console_of
from ringfence.cli.install.manifest import Manifest, ManifestFault
from ringfence.cli.install.options import ConfigPath, ConsoleText
from ringfence.cli.install.removal import find, purge, reasons_against, take_all_out
from ringfence.cli.invocation import NOT_WELL, fail, say_all
from ringfence.config import DEFAULT_PATH, ConfigError, Settings, load
from ringfence.config.database_settings import PASSWORD_SECRET
from ringfence.config.reading import SEALED_ACCOUNTS, SECRETS, secret_places

_Context = Annotated[
    list[str] | None,
    typer.Option("--context", help="TRUNK=CONTEXT, where its endpoint led before somebody changed it by hand"),
]


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("remove")(remove)


def remove(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would go, and change nothing")] = False,
    with_purge: Annotated[
        bool, typer.Option("--purge", help="configuration, secrets, database and history, too: there is no way back")
    ] = False,
    context: _Context = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before doing it")] = False,
    asterisk_conf_dir: Annotated[
        Path | None, typer.Option(help="where the snippets are, if neither configuration nor memory says")
    ] = None,
    console: ConsoleText = "asterisk",
    config: ConfigPath = DEFAULT_PATH,
) -> None:
    """Take Ringfence out of Asterisk again, byte by byte: lines, snippets, users, and what AstDB holds.

    Trunks that `ringfence handover` led in lead back first. Configuration and history stay, unless --purge.

    Example: ringfence remove --dry-run
    """
    asterisk = console_of(console)
    settings, remembered = _known(config)
    conf_dir = _conf_dir(asterisk_conf_dir, settings, remembered)
    own = {trunk.name: trunk.endpoint for trunk in settings.trunk if trunk.endpoint} if settings else {}
    try:
        found = find(remembered, conf_dir, asterisk, own, _told(context or []))
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}. Run it with sudo."])
    found = replace(found, purged=tuple(_ours(config, settings)) if with_purge else ())
    if found.nothing:
        typer.echo("There is nothing of Ringfence here.")
        return
    say_all(["This goes:", *(f"  {line}" for line in found.words())])
    if reasons := reasons_against(found, _socket(settings)):
        fail([*reasons, "Nothing was changed."])
    if dry_run:
        typer.echo("Nothing was changed (--dry-run).")
        return
    if not yes and sys.stdin.isatty() and not typer.confirm("Take it out?"):
        fail(["Nothing was changed."])
    try:
        left = take_all_out(found, asterisk)
        purge([*found.purged, manifest.place_beside(config)])
        if with_purge and config.parent.is_dir() and not any(config.parent.iterdir()):
            config.parent.rmdir()
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}. Run it again with sudo: it goes on where it stopped."])
    if not with_purge:
        typer.echo(f"Kept: {config.parent} and the state; `ringfence remove --purge` takes them, too.")
    if left:
        say_all(["Taken out. Asterisk has not read it yet:", *(f"  asterisk -rx '{command}'" for command in left)])
        raise typer.Exit(NOT_WELL)
    typer.echo("Taken out, and Asterisk has read it.")


def _known(config: Path) -> tuple[Settings | None, Manifest | None]:
    """A configuration that is gone or broken must not keep anybody from getting rid of the rest."""
    try:
        remembered = manifest.read(manifest.place_beside(config))
    except ManifestFault as fault:
        fail([str(fault)])
    try:
        return load(config), remembered
    except ConfigError:
        return None, remembered


def _conf_dir(given: Path | None, settings: Settings | None, remembered: Manifest | None) -> Path:
    if given is not None:
        return given
    if remembered is not None:
        return remembered.conf_dir
    return settings.asterisk_conf_dir if settings else Path("/etc/asterisk/ringfence")


def _ours(config: Path, settings: Settings | None) -> Iterable[Path]:
    """In the order they go: what says where the others are is the last."""
    if settings is not None and settings.state_dir.exists():
        yield settings.state_dir
    names = (*_secrets(config, settings), config.name, manifest.NAME)
    yield from (path for name in names if (path := config.parent / name).exists())


def _secrets(config: Path, settings: Settings | None) -> Iterable[str]:
    """By the names they have beside the configuration: one that a variable leads to elsewhere is not ours."""
    if settings is not None:
        return secret_places(config, settings)
    # What a configuration that cannot be read may have named.
    routes_and_providers = sorted(
        path.name for kind in ("notify", "oidc") for path in config.parent.glob(f"{kind}_*_secret")
    )
    return [*SECRETS, PASSWORD_SECRET, SEALED_ACCOUNTS, *routes_and_providers]


def _socket(settings: Settings | None) -> Path:
    """Where the daemon listens; without a configuration where it does by default."""
    place = settings.socket if settings else Settings.model_fields["socket"].default
    assert isinstance(place, Path)
    return place


def _told(given: Sequence[str]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in given]
    if bad := [entry for entry, (trunk, _, context) in zip(given, pairs, strict=True) if not (trunk and context)]:
        fail([f"--context {bad[0]}: write TRUNK=CONTEXT."], status=2)
    return {trunk: context for trunk, _, context in pairs}

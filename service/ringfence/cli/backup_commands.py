"""`ringfence backup`: one command, one encrypted file; `ringfence restore`: back again, also onto an empty machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, say, usage, who
from ringfence.cli.tables import show_table
from ringfence.cli.times import local

if TYPE_CHECKING:
    from rich.console import Console
    from typer._click.core import Context

_HELP_OPTIONS: Final = ("-h", "--help")
_MAKE: Final = "make"

PassphraseFile = Annotated[
    Path | None, typer.Option(help="file whose first line is the passphrase", exists=True, dir_okay=False)
]
IdentityFile = Annotated[
    Path | None,
    typer.Option(help="file with the secret key, as `backup new-key` writes it", exists=True, dir_okay=False),
]
BackupFile = Annotated[Path, typer.Argument(help="the backup", exists=True, dir_okay=False)]


class _Backup(TyperGroup):
    """`ringfence backup` alone, or with a file, is its commonest command."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in _HELP_OPTIONS):
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    backup = typer.Typer(
        name="backup",
        cls=_Backup,
        help="Back up everything into one encrypted file, while the daemon runs. `ringfence backup [FILE]` is `make`.",
    )
    backup.command(_MAKE)(make)
    backup.command("verify")(verify)
    backup.command("list")(list_)
    backup.command("new-key")(new_key)
    app.add_typer(backup)
    app.command("restore")(restore)


def make(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="file, or directory; default [backup] directory")] = None,
    recipient: Annotated[list[str] | None, typer.Option(help="age public key that opens it; default [backup]")] = None,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="ask for a passphrase that opens it")] = False,
    passphrase_file: PassphraseFile = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="also ari_secret, ami_secret and those beside them")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a backup now. The daemon may run, and goes on.

    Example: ringfence backup make /mnt/backups
    """
    from ringfence.cli import backup_work

    secret = _passphrase(passphrase_file, asked=passphrase, again=True)
    with faults_told(as_json):
        found = backup_work.make(
            invocation(context).config_path, file, recipient or [], secret, with_secrets=with_secrets, who=who()
        )

    def render(out: Console) -> None:
        print_lines(out, (found["file"],))
        out.print(f"{found['rows']} rows, {found['size_bytes']:,} bytes. Try it: `ringfence backup verify`.")

    emit(as_json, found, render)


def verify(
    file: BackupFile,
    identity: IdentityFile = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Read a backup from end to end, and say what is in it. Nothing is written.

    Example: ringfence backup verify /mnt/backups/ringfence-node1-20300131T021500Z.backup.age --identity /media/key
    """
    from ringfence.cli import backup_work

    with faults_told(as_json):
        secret = _passphrase(passphrase_file, asked=identity is None and backup_work.needs_passphrase(file))
        found = backup_work.verify(file, identity, secret)

    def render(out: Console) -> None:
        out.print(
            f"Whole. Made {local(found['made_at'])} on {found['node'] or 'unknown'}, Ringfence {found['version']}."
        )
        out.print(f"Schema {found['schema']}, {'with' if found['with_secrets'] else 'without'} secrets.")
        show_table(out, ("table", "rows"), [(name, str(rows)) for name, rows in found["tables"].items() if rows])
        print_lines(out, (f"file: {name}" for name in found["files"]))

    emit(as_json, found, render)


def list_(
    context: typer.Context,
    directory: Annotated[Path | None, typer.Argument(help="default [backup] directory", file_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List the backups in a directory, newest first. Exit status 4 when there is none.

    Example: ringfence backup list /mnt/backups
    """
    from ringfence.cli import backup_work

    with faults_told(as_json):
        found = backup_work.listed(invocation(context).config_path, directory)

    def render(out: Console) -> None:
        rows = [(local(one["made_at"]), one["node"], f"{one['size_bytes']:,}", one["file"]) for one in found["backups"]]
        show_table(out, ("made", "node", "bytes", "file"), rows)

    emit(as_json, found, render)
    if not found["backups"]:
        say(f"There is no backup in {found['directory']}.")
        raise typer.Exit(NOT_WELL)


def new_key(
    file: Annotated[Path, typer.Argument(help="where the secret key goes; it must not be there yet")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair. The secret key goes into the file, which belongs off this machine; the public one is printed.

    Example: ringfence backup new-key /media/usb/ringfence-backup.key
    """
    from ringfence.cli import backup_work

    with faults_told(as_json):
        found = backup_work.new_key(file)

    def render(out: Console) -> None:
        print_lines(out, (found["recipient"],))

    emit(as_json, found, render)
    say(
        f"The secret key is in {file}: keep it off this machine, twice. Nobody can open a backup without it.",
        f'Into the configuration: [backup] recipients = ["{found["recipient"]}"]',
    )


def restore(
    context: typer.Context,
    file: BackupFile,
    identity: IdentityFile = None,
    passphrase_file: PassphraseFile = None,
    replace: Annotated[bool, typer.Option("--replace", help="keep aside what is there, and take its place")] = False,
    keep_api_keys: Annotated[
        bool, typer.Option("--keep-api-keys", help="its API keys open doors again, also those revoked since")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back, or the copy of a database that was made before an upgrade. The daemon must not run. All of it
    is checked before anything is written.

    Example: ringfence restore ringfence-node1-20300131T021500Z.backup.age --identity /media/usb/ringfence-backup.key
    """
    from ringfence.cli import backup_work

    with faults_told(as_json):
        secret = _passphrase(passphrase_file, asked=identity is None and backup_work.needs_passphrase(file))
        wish = backup_work.Asked(invocation(context).config_path, file, identity, secret, replace, keep_api_keys)
        found = backup_work.restore(wish, who())
    emit(as_json, found, lambda out: print_lines(out, _told(found)))


def _told(found: dict[str, Any]) -> list[str]:
    lines = [f"Restored: {found['rows']} rows, as of {local(found['made_at'])}."]
    if found["schema_before"] != found["schema"]:
        lines.append(f"Brought up to date: schema {found['schema_before']} -> {found['schema']}.")
    lines += [f"Kept aside: {path}" for path in found["aside"]]
    lines += [f"Written: {path}" for path in found["written"]]
    lines += [f"As it was: {path}" for path in found["left"]]
    if found["words_in_force"]:
        lines.append(f"Decisions of people in force again: {', '.join(found['words_in_force'])}.")
    if found["closed_api_keys"]:
        lines.append(f"API keys closed, make new ones: {', '.join(found['closed_api_keys'])}.")
    lines += [f"Missing: {name}. It was not in the backup." for name in found["missing_secrets"]]
    return [*lines, "Everybody has to sign in again. Now `ringfence doctor`, then start the daemon."]


def _passphrase(file: Path | None, *, asked: bool, again: bool = False) -> str:
    """Empty when none is to be used."""
    if file is not None:
        try:
            found = file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError):
            usage(f"--passphrase-file: {file} cannot be read.")
        if not found:
            usage(f"--passphrase-file: the first line of {file} is empty.")
        return found
    if not asked:
        return ""
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=again, err=True))

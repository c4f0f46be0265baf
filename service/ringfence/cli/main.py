"""Puts the commands together. Each command module has `add_to(app)`; nothing registers itself on import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperGroup

from ringfence.cli import (
    access_commands,
    audit_commands,
    backup_commands,
    capacity_command,
    coverage_command,
    db_commands,
    directory_commands,
    dr_commands,
    hr_commands,
    incident_commands,
    notice_commands,
    person_commands,
    question_commands,
    run_command,
    shadow_command,
    simulate_command,
    status_command,
    support_command,
    teams_command,
    voice_commands,
)
from ringfence.cli.invocation import Invocation

if TYPE_CHECKING:
    from typer._click.core import Command, Context

HELP = """Keeps inbound numbers answered when the phone platform is down.

Exit statuses: 0 done; 1 refused or failed; 2 wrong use of the command line; 3 no daemon answers; 4 done, or asked,
but not all is well.
"""

# Loading these takes four times as long as all the others together; who asks for the status at night need not wait.
SETUP_COMMANDS: Final = ("init", "handover", "remove", "snippets", "check-config", "settings", "doctor")

# Commands that read the configuration themselves have an option of the same name; the one given here is passed on.
_CONFIG_READERS = ("run", "init", "handover", "remove", "snippets", "check-config", "doctor")


class _Commands(TyperGroup):
    """Knows the setup commands by name, and loads them when one is asked for."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [*super().list_commands(ctx), *SETUP_COMMANDS]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in SETUP_COMMANDS and cmd_name not in self.commands:
            self.commands.update(_setup_commands())
        return super().get_command(ctx, cmd_name)


def _setup_commands() -> dict[str, Command]:
    from ringfence.cli import setup_commands

    app = typer.Typer()
    setup_commands.add_to(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="ringfence",
        cls=_Commands,
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback with local variables would show private numbers
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for module in (
        status_command,
        dr_commands,
        question_commands,
        simulate_command,
        shadow_command,
        directory_commands,
        hr_commands,
        person_commands,
        coverage_command,
        capacity_command,
        teams_command,
        incident_commands,
        access_commands,
        audit_commands,
        backup_commands,
        db_commands,
        support_command,
        notice_commands,
        voice_commands,
        run_command,
    ):
        module.add_to(app)
    return app


def main() -> None:
    """Entry point of the `ringfence` program."""
    build()()


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ringfence {version('ringfence')}")
        raise typer.Exit


def _global_options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="the configuration file", envvar="RINGFENCE_CONFIG", show_envvar=True)
    ] = None,
    socket: Annotated[
        Path | None,
        typer.Option(help="the daemon's local socket, if the configuration does not tell", envvar="RINGFENCE_SOCKET"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="say which version this is, and end", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    context.obj = Invocation(config, socket)
    if config is not None:
        context.default_map = {name: {"config": str(config)} for name in _CONFIG_READERS}

"""Puts the commands together. Each command module has `add_to(app)`; nothing registers itself on import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli import (
    directory_commands,
    dr_commands,
    question_commands,
    run_command,
    setup_commands,
    status_command,
)
from ringfence.cli.invocation import Invocation

HELP = """Keeps inbound numbers answered when the phone platform is down.

Exit statuses: 0 done; 1 refused or failed; 2 wrong use of the command line; 3 no daemon answers; 4 done, or asked,
but not all is well.
"""

# Commands that read the configuration themselves have an option of the same name; the one given here is passed on.
_CONFIG_READERS = ("run", "init", "snippets", "check-config", "doctor")


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="ringfence",
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback with local variables would show private numbers
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for module in (status_command, dr_commands, question_commands, directory_commands, run_command, setup_commands):
        module.add_to(app)
    return app


def main() -> None:
    """Entry point of the `ringfence` program."""
    build()()


def _global_options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="the configuration file", envvar="RINGFENCE_CONFIG", show_envvar=True)
    ] = None,
    socket: Annotated[
        Path | None,
        typer.Option(help="the daemon's local socket, if the configuration does not tell", envvar="RINGFENCE_SOCKET"),
    ] = None,
) -> None:
    context.obj = Invocation(config, socket)
    if config is not None:
        context.default_map = {name: {"config": str(config)} for name in _CONFIG_READERS}

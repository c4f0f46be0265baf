"""`ringfence run`: the daemon in the foreground, as systemd and containers want it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.invocation import DEFAULT_CONFIG


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("run")(run)


def run(config: Annotated[Path, typer.Option(help="the configuration file")] = DEFAULT_CONFIG) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; its log goes to standard error as JSON.

    Example: ringfence run --config /etc/ringfence/ringfence.toml
    """
    from ringfence.sparing import sparing

    with sparing():
        from ringfence import daemon  # everything there is; no other command pays for it

    raise typer.Exit(daemon.run(config))

"""Puts the commands together. Each command module has `add_to(app)`; nothing registers itself on import."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="ringfence",
    help="Keeps inbound numbers answered when the phone platform is down.",
    no_args_is_help=True,
)


def main() -> None:
    """Entry point of the `ringfence` program."""
    app()

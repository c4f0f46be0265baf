"""The setup commands, run in this process as the program runs them."""

from __future__ import annotations

import typer
from typer.testing import CliRunner, Result

from ringfence.cli.setup_commands import add_to


def run_ringfence(*arguments: str) -> Result:
    """One command; stdin is no terminal, so it never asks."""
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

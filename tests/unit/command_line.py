"""The program's commands, run in this process as the program runs them; standard input is no terminal, so none asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from ringfence.cli.setup_commands import add_to
from tests.fakes.program import program
from tests.fakes.thread import ServedNode


def run_ringfence(*arguments: str) -> Result:
    """One of the setup commands."""
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def ringfence(
    served: ServedNode | None, *arguments: str, answer: str = "", who: str = "ada", config: Path | None = None
) -> Result:
    """Any command, against a served node; None: no daemon answers. `answer` is what standard input has."""
    environment = {
        "RINGFENCE_SOCKET": "/nonexistent/control.sock" if served is None else served.place.removeprefix("unix:"),
        "RINGFENCE_CONFIG": None if config is None else str(config),
        "SUDO_USER": who,
        "COLUMNS": "200",
    }
    return CliRunner(env=environment).invoke(program(), list(arguments), input=answer)


def told(result: Result, exit_code: int = 0) -> Any:
    """What a command says with `--json`."""
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)

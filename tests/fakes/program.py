"""The program's command line, built once for all tests of a process: that takes 0.3 s, and no command changes it."""

from __future__ import annotations

from functools import cache

import typer
from typer import testing

from ringfence.cli.main import build

# The runner builds what it is given anew for each command.
testing._get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]

program = cache(build)

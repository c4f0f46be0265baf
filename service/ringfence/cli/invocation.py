"""What every command shares: where the daemon is, who asks, and how results and faults are told.

Results go to standard output, as JSON with `--json`; everything said about them goes to standard error.
"""

from __future__ import annotations

import getpass
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from ringfence.cli.client import Daemon, NoDaemon, Refused

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_CONFIG: Final = Path("/etc/ringfence/ringfence.toml")
DEFAULT_SOCKET: Final = Path("/run/ringfence/control.sock")
PIPE_COLUMNS: Final = 160  # without a terminal nobody folds lines for us

REFUSED: Final = 1
USAGE: Final = 2
NO_DAEMON: Final = 3
NOT_WELL: Final = 4

AsJson = Annotated[bool, typer.Option("--json", help="print JSON, stable for programs")]


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options given before the command."""

    config: Path | None
    socket: Path | None

    @property
    def config_path(self) -> Path:
        return self.config or DEFAULT_CONFIG

    def daemon(self) -> Daemon:
        """The door to the daemon. Nothing is connected yet."""
        return Daemon(self.socket or self._configured_socket(), who())

    def _configured_socket(self) -> Path:
        """Only this one setting is read: who may ask the daemon need not be allowed to read the configuration, and
        a fault elsewhere in it must not keep anybody from asking."""
        try:
            raw = tomllib.loads(self.config_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if self.config is not None and not self.config.exists():
                usage(f"--config: {self.config}: {error}", "Name an existing file, or leave the option away.")
            return DEFAULT_SOCKET
        found = raw.get("socket")
        return Path(found) if isinstance(found, str) else DEFAULT_SOCKET


def invocation(context: typer.Context) -> Invocation:
    found = context.find_object(Invocation)
    assert found is not None, "the program's callback puts it there"
    return found


def who() -> str:
    """Whom the history shall name: behind sudo the person, not root."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def emit(as_json: bool, data: Any, render: Callable[[Console], None]) -> None:
    """The result of a command."""
    if as_json:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        render(console())


def console() -> Console:
    """Standard output for people; colours only on a terminal, and never alone in meaning something."""
    from rich.console import Console

    seen = Console(highlight=False, emoji=False)
    if seen.is_terminal or "COLUMNS" in os.environ:
        return seen
    return Console(highlight=False, emoji=False, width=PIPE_COLUMNS)


def print_lines(out: Console, lines: Iterable[str]) -> None:
    """Lines as they are: none is folded, nothing in them is taken for markup."""
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def say(*lines: str) -> None:
    """A message beside the result."""
    for line in lines:
        if line:
            typer.echo(line, err=True)


def say_all(lines: Iterable[str]) -> None:
    """A result in lines."""
    for line in lines:
        typer.echo(line)


def fail(lines: Iterable[str], status: int = 1) -> NoReturn:
    """Says why, and ends the command."""
    say(*lines)
    raise typer.Exit(status)


def say_shadow(done: Mapping[str, Any]) -> None:
    """That an order has moved no call, where the daemon says so."""
    if done.get("shadow"):
        say("SHADOW: nothing was done to calls. It is decided, written down and shown; live, it would be done.")


def usage(message: str, fix: str = "") -> NoReturn:
    """Ends the program: it was called wrongly."""
    say(message, fix)
    raise typer.Exit(USAGE)


@contextmanager
def faults_told(as_json: bool) -> Iterator[None]:
    """Turns a fault into a sentence with its fix and an exit status; with `--json` also into an object."""
    try:
        yield
    except NoDaemon as error:
        say(error.message, error.fix)
        _as_object(as_json, {"error": error.message, "field": None, "fix": error.fix, "problems": []})
        raise typer.Exit(NO_DAEMON) from None
    except Refused as error:
        say(*error.problems, error.message, error.fix)
        _as_object(as_json, error.body())
        raise typer.Exit(REFUSED) from None


def _as_object(as_json: bool, body: dict[str, Any]) -> None:
    if as_json:
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False))

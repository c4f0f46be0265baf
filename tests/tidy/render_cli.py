"""`docs/reference/cli.md`, printed from the program itself.

Run `python -m tests.tidy.render_cli` after a change of a command; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from ringfence.cli.main import build
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "cli.md"

INTRODUCTION = """# Command line

*For everybody at a terminal: every command, its options, what it answers with.*

Printed from the program by `python -m tests.tidy.render_cli`; a test keeps this page equal. Do not edit it.

Commands that ask or order something speak to the daemon over its local socket, the [HTTP API](http-api.md) without a
token: whoever may open the socket's file may use them. The history names the person, behind `sudo` too. Results go to
standard output, messages to standard error; `--json` makes the result JSON for programs.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | refused or failed; the message names what has to change |
| 2 | wrong use of the command line |
| 3 | no daemon answers |
| 4 | not all is well: an alarm, a record unlike the table, an order not taken yet, something held, a target missed |

Durations are written `90s`, `15m`, `2h`, `1d`. The option `--install-completion` sets up shell completion.
"""


def page() -> str:
    """The whole page."""
    program = typer.main.get_command(build())
    parts = [INTRODUCTION, "## Options before the command\n", *_options(program), ""]
    for words, command in _commands(program, ["ringfence"]):
        parts += [f"## {' '.join(words)}\n", *_section(words, command), ""]
    return "\n".join(parts).rstrip() + "\n"


def _commands(group: Any, words: list[str]) -> Iterator[tuple[list[str], Any]]:
    context = group.context_class(group, info_name=words[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from _commands(command, [*words, name])
        else:
            yield [*words, name], command


def _section(words: list[str], command: Any) -> Iterator[str]:
    text, _, example = (command.help or "").partition("Example: ")
    yield f"{text.strip()}\n"
    arguments = "".join(f" {parameter.name.upper()}" for parameter in command.params if _is_argument(parameter))
    yield f"    {' '.join(words)}{arguments} [options]\n"
    if example:
        yield f"Example: `{' '.join(example.split())}`\n"
    yield from _options(command)


def _options(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if p.name not in ("help", "install_completion", "show_completion")]
    if not shown:
        return
    yield "| option | meaning | default |"
    yield "|---|---|---|"
    for parameter in shown:
        name = parameter.name.upper() if _is_argument(parameter) else ", ".join(parameter.opts)
        needed = "required" if parameter.required else _default(parameter)
        yield f"| `{name}` | {_cell(parameter.help or '')} | {needed} |"


def _default(parameter: Any) -> str:
    value = parameter.default
    unset = value is None or value == "" or value is False or callable(value) or "Sentinel" in type(value).__name__
    return "" if unset else f"`{value}`"


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

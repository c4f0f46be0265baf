"""Prints ringfence(8) from the program's own help. Run by the Python of the package that is being built.

Every command with its first sentence; the options of each are in `ringfence COMMAND --help`.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from ringfence.cli.main import build


def page(version: str) -> str:
    """The man page, as roff."""
    program = typer.main.get_command(build())
    summary, _, rest = (program.help or "").strip().partition("\n")
    lines = [
        f'.TH RINGFENCE 8 "" "Ringfence {version}" "System administration"',
        ".SH NAME",
        f"ringfence \\- {escaped(summary.strip().rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B ringfence\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...",
        ".SH DESCRIPTION",
        escaped(" ".join(rest.split())),
        ".PP\nThe options of a command: \\fBringfence\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR.",
        ".SH OPTIONS",
    ]
    for option in program.params:
        lines += [f".TP\n.B {escaped(', '.join(option.opts))}", escaped(getattr(option, "help", "") or "")]
    lines += [".SH COMMANDS", *commands(program, [])]
    lines += [
        ".SH FILES",
        ".TP\n.I /etc/ringfence/ringfence.toml\nthe configuration",
        ".TP\n.I /var/lib/ringfence\nthe database, and what has not been stored in it yet",
        ".TP\n.I /usr/share/doc/ringfence/docs\nthe documentation",
    ]
    return "\n".join(lines) + "\n"


def commands(group: Any, words: list[str]) -> list[str]:
    """Every command below `group`, with the first sentence of its help."""
    context = group.context_class(group, info_name="ringfence")
    lines: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        path = [*words, name]
        if hasattr(command, "list_commands"):
            lines += commands(command, path)
        else:
            sentence = " ".join((command.help or "").split()).partition(". ")[0].rstrip(".")
            lines += [f".TP\n.B {escaped(' '.join(path))}", escaped(sentence)]
    return lines


def escaped(text: str) -> str:
    """As roff takes it: a backslash, a dash that can be copied, and no line that looks like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))

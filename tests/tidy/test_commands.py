"""Every command and option that a page names is one the program has: nobody shall type what is refused."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from ringfence.cli.main import build
from tests.tidy.tree import name_of, pages, text_of

# A line of a shell block, or a span of code. Anything else that begins with the name is a sentence.
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(ringfence [^`\n]+)`")
OPTION = re.compile(r"--[a-z-]+")
OF_EVERY_COMMAND = {"--help", "--config", "--socket"}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_that_is_named_exists(page: Path) -> None:
    named = list(_named(text_of(page)))
    assert [line for line in named if _command_of(line) is None] == [], "no such command"
    assert [f"{line}: {option}" for line in named for option in _unknown_options(line)] == [], "no such option"


def _named(text: str) -> Iterator[str]:
    for block in SHELL.findall(text):
        for line in block.replace("\\\n", " ").replace("$ringfence", "ringfence").splitlines():
            if line.startswith("ringfence "):
                yield line
    yield from SPAN.findall(text)


def _command_of(line: str) -> str | None:
    words = [word for word in line.split()[1:3] if not word.startswith("-")]
    candidates = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    return next((candidate for candidate in candidates if candidate in _program()), None) if words else ""


def _unknown_options(line: str) -> list[str]:
    known = _program().get(_command_of(line) or "", set()) | OF_EVERY_COMMAND
    return [word for word in shlex.split(line, comments=True) if OPTION.fullmatch(word) and word not in known]


@cache
def _program() -> dict[str, set[str]]:
    """`dr on` -> its options. A group, as `dr` or the program itself (""), has those of its commands, too."""
    return {" ".join(words): options for words, options in _walk(typer.main.get_command(build()), ())}


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    options = {option for parameter in command.params for option in parameter.opts}
    if hasattr(command, "list_commands"):
        context = command.context_class(command, info_name="ringfence")
        for name in command.list_commands(context):
            for found in _walk(command.get_command(context, name), (*words, name)):
                options |= found[1]
                yield found
    yield words, options

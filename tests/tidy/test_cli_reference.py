"""The page of commands is what the program says, and no command is without help and an example."""

from __future__ import annotations

import typer

from ringfence.cli.main import SETUP_COMMANDS, build
from tests.tidy import render_cli
from tests.tidy.tree import text_of


def test_the_page_is_what_the_program_says() -> None:
    assert text_of(render_cli.PAGE) == render_cli.page(), "run `python -m tests.tidy.render_cli`"


def test_every_command_says_what_it_does_and_shows_an_example() -> None:
    for words, command in render_cli._commands(typer.main.get_command(build()), ["ringfence"]):
        assert command.help, words
        assert words[1] in SETUP_COMMANDS or f"Example: {' '.join(words)}" in command.help, words


def test_every_command_that_has_a_result_can_give_it_as_json() -> None:
    silent = {"run", "init", "handover", "remove", "snippets", "settings"}
    for words, command in render_cli._commands(typer.main.get_command(build()), ["ringfence"]):
        options = {option for parameter in command.params for option in parameter.opts}
        assert words[1] in silent or "--json" in options, words

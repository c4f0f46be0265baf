"""Private numbers on a command line: in the order in which they were given, or typed in where nobody sees them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand

from ringfence.cli.invocation import usage

if TYPE_CHECKING:
    from typer._click.core import Context

_ORDER: Final = "ringfence.number_options"
_OPTION: Final = re.compile(r"--(private|work)(=.*)?", re.DOTALL)
_WITH_RING_SECONDS: Final = re.compile(r"(?P<number>.*?)\s+(?P<seconds>[0-9]{1,4})\s*s", re.IGNORECASE)


class InOrder(TyperCommand):
    """Remembers which of `--private` and `--work` came when: each is a list of its own, and their common order is the
    order in which the numbers ring."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        found = (_OPTION.fullmatch(argument) for argument in args)
        ctx.meta[_ORDER] = [match[1] for match in found if match is not None]
        return super().parse_args(ctx, args)


def given_numbers(
    context: typer.Context, private: list[str], work: list[str], ring_seconds: int
) -> list[dict[str, Any]]:
    """As the API takes them. `30s` behind a number is how long that one rings, as in `people.csv`."""
    from ringfence.domain.directory import MAX_RING_SECONDS, MIN_RING_SECONDS  # with it come the numbering plans

    waiting = {"private": iter(private), "work": iter(work)}
    entered = []
    for place, use in enumerate(context.meta[_ORDER], start=1):
        text = next(waiting[use])
        number = read_hidden(f"{use} number {place}") if text == "-" else text
        split = _WITH_RING_SECONDS.fullmatch(number)
        if split is not None:
            number = split["number"]
        seconds = ring_seconds if split is None else int(split["seconds"])
        if not MIN_RING_SECONDS <= seconds <= MAX_RING_SECONDS:
            usage(f"Number {place} shall ring for {seconds} s.", f"Write {MIN_RING_SECONDS}s to {MAX_RING_SECONDS}s.")
        entered.append({"number": number, "use": use, "ring_seconds": seconds})
    return entered


def read_hidden(what: str) -> str:
    """Typed in on a terminal, a line of standard input otherwise. Ends the program when there is none."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, err=True))
    line = sys.stdin.readline().strip()
    if not line:
        usage(f"Standard input has no line for {what}.", "Write one number a line.")
    return line

"""Tables for a terminal, and the questions that several commands ask."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.invocation import usage

if TYPE_CHECKING:
    from rich.console import Console

ReasonOption = Annotated[str | None, typer.Option(help="why, in a few words; asked for on a terminal")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]


def show_table(out: Console, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Nothing without a row. Nothing in a cell is taken for markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if table.row_count:
        out.print(table)


def reason_or_ask(given: str | None) -> str:
    """The reason; ends the program when there is none and nobody to ask."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        usage("--reason is missing.", "Say in a few words why; it is what the others will read.")
    return str(typer.prompt("Why? (the others will read it)", err=True))

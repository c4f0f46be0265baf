"""The code blocks of a page for people, in order: what a script needs to follow the page to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_ASSIGNMENT = re.compile(r"^([A-Z]+)=\S+", re.MULTILINE)
_STEP = re.compile(r"^\d+\. ")
OUT_AGAIN = "Take it out again"


@dataclass(frozen=True, slots=True)
class Block:
    """One `sh` block under its headings: `section` of two signs, `part` of three."""

    section: str
    part: str
    text: str

    @property
    def is_step(self) -> bool:
        return bool(_STEP.match(self.section))


@dataclass(frozen=True, slots=True)
class Howto:
    """`variables` is the page's first block, with which every other one begins."""

    variables: str
    blocks: tuple[Block, ...]

    @property
    def step_count(self) -> int:
        return len({block.section for block in self.blocks if block.is_step})

    def steps(self, part: str) -> list[Block]:
        """What somebody runs to whom, of several parts of one step, this one belongs."""
        return [block for block in self.blocks if block.is_step and block.part in ("", part)]

    def out_again(self) -> list[Block]:
        return [block for block in self.blocks if block.section == OUT_AGAIN]

    def script(self, block: Block, values: Mapping[str, str]) -> str:
        """The block as it is run, the reader's own values in the page's first lines."""
        filled = _ASSIGNMENT.sub(lambda found: f"{found[1]}={values[found[1]]}", self.variables)
        return f"set -eu\n{filled}\n{block.text}"


def read(page: Path) -> Howto:
    """A variable without a value later on is a KeyError: nobody runs the page's example addresses."""
    first, *others = _blocks(page.read_text(encoding="utf-8"))
    return Howto(first.text, tuple(others))


def _blocks(text: str) -> Iterator[Block]:
    section = part = ""
    inside: list[str] | None = None
    for line in text.splitlines():
        if inside is not None:
            if line == "```":
                yield Block(section, part, "\n".join(inside) + "\n")
                inside = None
            else:
                inside.append(line)
        elif line == "```sh":
            inside = []
        elif line.startswith("## "):
            section, part = line.removeprefix("## "), ""
        elif line.startswith("### "):
            part = line.removeprefix("### ")

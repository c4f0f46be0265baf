"""What the fuzzers begin with: recorded from the lab's Asterisk or written as its makers document it, a JSON text a
line with the bytes as Latin-1. And the inputs that once broke something, which are tried ever after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

SAMPLES: Final = Path(__file__).parent / "samples"
WORDS: Final = Path(__file__).parent / "words"
CORPUS: Final = Path(__file__).parent / "corpus"


def samples_of(name: str) -> tuple[bytes, ...]:
    """The inputs a parser's fuzzer begins with."""
    return _lines(SAMPLES / f"{name}.jsonl")


def words_of(name: str) -> tuple[bytes, ...]:
    """Pieces of a parser's grammar, to be put into its inputs."""
    return _lines(WORDS / f"{name}.jsonl")


def found_before(name: str) -> tuple[bytes, ...]:
    """Inputs that once broke this parser."""
    return _lines(CORPUS / f"{name}.jsonl")


def as_line(data: bytes) -> str:
    """An input as a line of either kind of file."""
    return json.dumps(data.decode("latin-1"))


def _lines(path: Path) -> tuple[bytes, ...]:
    if not path.exists():
        return ()
    return tuple(_input(json.loads(line)) for line in path.read_text(encoding="ascii").splitlines() if line)


def _input(told: Any) -> bytes:
    """A text; or where one piece comes over and over: what is before it, the piece, how often, what is behind it."""
    if isinstance(told, list):
        begin, piece, count, end = told
        told = begin + piece * count + end
    return str(told).encode("latin-1")

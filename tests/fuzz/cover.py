"""Which lines of some modules an input reaches, told by the interpreter."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Line = tuple[str, int]


class Cover:
    """Counts the lines of functions; what is only run by an import is none of an input's doing."""

    def __init__(self, modules: Iterable[str]) -> None:
        files = [str(importlib.import_module(name).__file__) for name in modules]
        self.all_lines = frozenset(line for file in files for line in _lines_of(file))
        self.reached: set[Line] = set()
        self._files = frozenset(files)
        self._now: set[Line] = set()

    def begin(self) -> None:
        self._now.clear()
        sys.settrace(self._called)

    def end(self) -> bool:
        """Whether the input reached a line that none before it did."""
        sys.settrace(None)
        new = self._now - self.reached
        self.reached |= new
        return bool(new)

    @property
    def covered(self) -> int:
        return len(self.reached & self.all_lines)

    def _called(self, frame: FrameType, event: str, _: object) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def _lines_of(file: str) -> Iterator[Line]:
    code = compile(Path(file).read_text(encoding="utf-8"), file, "exec")
    yield from ((file, line) for line in _inside(code, in_function=False))


def _inside(code: CodeType, in_function: bool) -> Iterator[int]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            # A class's body has the module's way of running; only functions have locals of their own.
            yield from _inside(inner, in_function=bool(inner.co_flags & 0x2))
    if in_function:
        yield from (line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno)

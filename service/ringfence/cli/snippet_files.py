"""Asterisk's snippets on the disk against what the configuration makes of them now."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.cli.new_files import NewFile, readers_like
from ringfence.config.snippets import INCLUDES, SHIPPED, WITH_SECRET

_INCLUDES_OTHERS: Final = re.compile(r"^#include\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """One file that is not what it should be. `old` is None when it is not there."""

    path: Path
    old: str | None
    new: str

    @property
    def diff(self) -> str:
        """For people. A file with a secret is never shown."""
        if self.path.name in WITH_SECRET:
            return f"{self.path}: {'new' if self.old is None else 'changed'}; not shown, it holds a secret"
        before = [] if self.old is None else self.old.splitlines()
        lines = difflib.unified_diff(before, self.new.splitlines(), f"{self.path}", f"{self.path} (new)", lineterm="")
        return "\n".join(lines)


def changes(directory: Path, texts: Mapping[str, str]) -> list[Change]:
    """Raises OSError for a file that is there and cannot be read."""
    found = []
    for name, new in texts.items():
        path = directory / name
        old = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        if old != new:
            found.append(Change(path, old, new))
    return found


def files_of(directory: Path, texts: Mapping[str, str]) -> list[NewFile]:
    """As files to be written, in the order in which it is safe: one that includes others comes behind them, for
    Asterisk starts without any dialplan when it is told to include a file that is not there. Those with a secret stay
    between us and Asterisk's own account."""
    readers = readers_like(directory.parent / "manager.conf")
    return [
        NewFile(directory / name, text, secret=name in WITH_SECRET, readers=readers if name in WITH_SECRET else None)
        for name, text in sorted(texts.items(), key=lambda item: _INCLUDES_OTHERS.search(item[1]) is not None)
    ]


def reloads_for(changed: list[Change]) -> list[str]:
    """The console commands that make Asterisk read what changed, each once."""
    names = {change.path.name for change in changed}
    commands = []
    for include in INCLUDES:
        parts = {include.snippet}
        if include.snippet == SHIPPED[0]:
            parts = {name for name in names if name.startswith("extensions_")}
        if names & parts:
            commands.append(include.reload)
    return commands

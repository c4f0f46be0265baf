"""The project's own files, read once for all tidy tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service" / "ringfence"
TESTS = ROOT / "tests"


def python_files(*folders: Path) -> Iterator[Path]:
    """Every module below the folders, in order."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def pages() -> list[Path]:
    """Every Markdown page that people read."""
    return [ROOT / "README.md", ROOT / "docker" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """How a path is called in a message."""
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))

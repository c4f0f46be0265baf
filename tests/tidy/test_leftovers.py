"""Nothing is left for later without anybody's knowledge, and the tree is free of the place it was made in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, name_of

# Put together, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
REGISTRY = re.compile(
    "|".join(
        re.escape(dot.join(parts))
        for dot, parts in (
            (".", ("py" + "pi", "org")),
            (".", ("python" + "hosted", "org")),
            (".", ("deb" + "ian", "org")),
            (".", ("ub" + "untu", "com")),
            (".", ("doc" + "ker", "io")),
            (".", ("gh" + "cr", "io")),
            ("--", ("", "extra-index-url")),
            ("--", ("", "index-url")),
        )
    )
)
FOLDERS = ("service", "tests", "asterisk-conf", "docs", "docker", "requirements", ".ci")
SUFFIXES = {"", ".py", ".toml", ".conf", ".md", ".sh", ".txt", ".yaml", ".xml", ".ini", ".mako"}


def test_nothing_is_left_unfinished_in_the_service() -> None:
    service = [path for path in _texts() if path.parts[len(ROOT.parts)] in ("service", "asterisk-conf")]
    assert list(_lines_with(UNFINISHED, service)) == [], "finish it, or open an issue"


def test_no_registry_is_named() -> None:
    assert list(_lines_with(REGISTRY, _texts())) == [], "whoever installs has an index configured"


@pytest.mark.parametrize("name", ["runtime.txt", "build.txt", "dev.txt"])
def test_every_dependency_is_locked_with_a_hash(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    pinned = [line for line in lines if re.match(r"[a-z0-9]", line, re.IGNORECASE)]
    assert pinned
    assert [line.split()[0] for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []


def _texts() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "Makefile", "pyproject.toml"))
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                yield path


def _lines_with(pattern: re.Pattern[str], paths: Iterator[Path] | list[Path]) -> Iterator[str]:
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if pattern.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()[:100]}"

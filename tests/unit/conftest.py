"""Fixtures of more than one of these files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.thread import ServedNode, served_on_socket


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedNode]:
    """A fake node on a socket, for the command line."""
    with served_on_socket(tmp_path / "control.sock") as node:
        yield node

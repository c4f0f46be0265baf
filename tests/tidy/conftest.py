"""What the tidy tests read is let go after them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tidy.tree import tree_of


@pytest.fixture(scope="package", autouse=True)
def trees_let_go() -> Iterator[None]:
    """Of every module: 100 MB, in a process that goes on to other tests."""
    yield
    tree_of.cache_clear()

"""Fixtures of more than one of these files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.store.database import Database
from tests.integration.stores import opened


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new file, `ringfence.db`, with every table."""
    async with opened(tmp_path / "ringfence.db") as database:
        yield database

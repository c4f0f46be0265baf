"""Fixtures of more than one of these files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.store.database import Database
from tests.integration.stores import ENGINES, empty_place, opened_at


@pytest.fixture(params=ENGINES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Path | str]:
    """Where a new database lies, with every table: the file `ringfence.db`, then one on a server."""
    async with empty_place(request.param, tmp_path / "ringfence.db") as place:
        yield place


@pytest.fixture
async def database(place: Path | str) -> AsyncIterator[Database]:
    """The one at `place`, opened."""
    async with opened_at(place) as database:
        yield database

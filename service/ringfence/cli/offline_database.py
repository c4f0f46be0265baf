"""What the `db` commands do; loaded only by them, for it takes a while."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringfence.app.ports import RingfenceError
from ringfence.bootstrap import database_moving
from ringfence.bootstrap.identity import StateDir
from ringfence.bootstrap.storing import place_of
from ringfence.cli.client import Refused
from ringfence.cli.progress import shown
from ringfence.config import ConfigError, Settings, load
from ringfence.config.database_settings import checked_address


@dataclass(slots=True)
class _Progress:
    done: int = 0
    in_all: int = 0

    def told(self, done: int, in_all: int) -> None:
        self.done, self.in_all = done, in_all

    async def look(self) -> tuple[str, int, int | None]:
        return "copying and comparing", self.done, self.in_all or None


def move(config: Path, to: str, *, rehearse: bool, who: str) -> dict[str, Any]:
    """Raises Refused."""
    with _refusing():
        settings, progress = _settings(config), _Progress()
        try:
            address = checked_address(to)
        except ValueError as error:
            raise Refused(422, f"--to {error}.", "to") from None
        if not address:
            raise Refused(422, "--to is empty.", "to", "Name the new database's address.")
        order = database_moving.Order(settings, config, address, rehearse, who)

        async def work() -> dict[str, Any]:
            moved = await database_moving.move(order, progress.told)
            return {**asdict(moved), "from": str(place_of(settings)), "to": address, "config": str(config)}

        os.umask(0o077)
        with StateDir(settings.state_dir):
            return asyncio.run(shown("moving", work(), progress.look))


def info(config: Path) -> dict[str, Any]:
    """Raises Refused."""
    with _refusing():
        found = _run(database_moving.info(_settings(config), config))
        return {**asdict(found), "up_to_date": found.schema == found.newest_schema}


def _run(work: Coroutine[Any, Any, database_moving.Info]) -> database_moving.Info:
    return asyncio.run(work)


def _settings(config: Path) -> Settings:
    try:
        return load(config)
    except ConfigError as error:
        raise Refused(0, error.faults[0], fix="See `ringfence check-config`.") from None


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except RingfenceError as error:
        raise Refused(503, error.message, None, error.fix) from None

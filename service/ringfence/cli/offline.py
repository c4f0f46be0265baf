"""Import and export on the database itself, while no daemon runs: the first import of a new installation, or an
export from a machine that is to be replaced. The state directory's lock keeps a daemon from starting meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from ringfence.app.audit import Auditor
from ringfence.app.directory_import import DirectoryImport, ImportRefused, counted
from ringfence.app.ports import RingfenceError
from ringfence.bootstrap.clock import SystemClock
from ringfence.bootstrap.identity import NodeRunning, StateDir
from ringfence.bootstrap.storing import database_of
from ringfence.bootstrap.values import csv_rules
from ringfence.cli.client import NoDaemon, Refused
from ringfence.cli.invocation import say, who
from ringfence.config import ConfigError, Settings, load
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.web.directory_api import change_directory, exported
from ringfence.web.directory_models import ImportOrder

T = TypeVar("T")


def import_files(config: Path, order: dict[str, Any], no_daemon: NoDaemon) -> dict[str, Any]:
    """As `POST /v1/import`; published when the daemon starts. Raises NoDaemon when this cannot be done either, and
    Refused."""

    async def work(settings: Settings) -> dict[str, Any]:
        async with _directory(settings, config) as (importer, _):
            done = await change_directory(importer, ImportOrder.model_validate(order), who())
            return done.model_dump(mode="json")

    settings = _settings(config, no_daemon)
    done = _run(settings, work(settings), no_daemon)
    if done["applied"]:
        say("No daemon runs: the database was changed directly. It is published when the daemon starts.")
    return done


def export(config: Path, no_daemon: NoDaemon) -> dict[str, Any]:
    """As `GET /v1/export`. Raises NoDaemon, Refused."""

    async def work(settings: Settings) -> dict[str, Any]:
        async with _directory(settings, config) as (importer, database):
            at = SystemClock().now().wall
            await Auditor(SqlAuditStore(database)).note(exported(at, who(), "command line"))
            files = await importer.export()
            return {name.removesuffix(".csv"): text for name, text in files.items()}

    settings = _settings(config, no_daemon)
    return _run(settings, work(settings), no_daemon)


def _settings(config: Path, no_daemon: NoDaemon) -> Settings:
    try:
        return load(config)
    except ConfigError:
        # Without a configuration there is no database to be found; that no daemon answers is the thing to mend.
        raise no_daemon from None


def _run(settings: Settings, work: Coroutine[Any, Any, T], no_daemon: NoDaemon) -> T:
    before = os.umask(0o077)  # a first import makes the database, and it holds private numbers
    try:
        with StateDir(settings.state_dir):
            return asyncio.run(work)
    except NodeRunning:
        raise no_daemon from None  # there is one after all, and it does not answer: hands off its database
    except ImportRefused as error:
        problems = [str(problem) for problem in error.errors]
        raise Refused(422, f"{counted(len(problems))}, nothing was imported.", None, error.fix, problems) from None
    except RingfenceError as error:
        raise Refused(503, error.message, getattr(error, "field", None), error.fix) from None
    finally:
        os.umask(before)
        work.close()


@asynccontextmanager
async def _directory(settings: Settings, config: Path) -> AsyncIterator[tuple[DirectoryImport, Database]]:
    database = database_of(settings, config, sole=True)
    try:
        await database.prepare()
        yield DirectoryImport(SqlDirectoryStore(database), SystemClock(), csv_rules(settings)), database
    finally:
        await database.close()

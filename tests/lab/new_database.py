"""A new database without the wait for its migrations: made once by each process of a test run, then copied.

On SQLite a file is copied; on PostgreSQL a database, in one server for each of these processes.

For tests of what is stored. That a database comes to be out of nothing is shown in `test_store_database.py` and
`test_store_aside.py`.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.store.database import Database
from tests.lab.ports import Ports
from tests.lab.postgres import PostgresServer


async def lay(file: Path) -> None:
    """Puts one there, with every table and nothing in them. Leaves alone what is there already."""
    template = Path(_folder().name) / "new.db"
    if not template.exists():
        # Made aside: whoever asks meanwhile finds it whole, or makes one too.
        made = template.with_name(f"{secrets.token_hex(3)}.db")
        database = await Database.open(made)
        await database.close()
        made.replace(template)
    if not file.exists():
        file.touch(mode=0o600)
        shutil.copyfile(template, file)


async def server() -> PostgresServer:
    """The process's own PostgreSQL, started when it is first asked for. Whoever stops it starts it again."""
    cluster = _cluster()
    if not cluster.process.running:
        await cluster.start()
    return cluster


async def lay_on_server() -> str:
    """The name of a new one there, with every table and nothing in them. To be dropped after use: `server().drop`."""
    cluster = await server()
    if not _templates:
        template = cluster.create()
        database = await Database.open(cluster.url(template))
        await database.close()
        _templates.append(template)
    return cluster.create(_templates[0])


_templates: list[str] = []


@cache
def _cluster() -> PostgresServer:
    cluster = PostgresServer(Ports())
    atexit.register(cluster.remove)
    return cluster


@cache
def _folder() -> TemporaryDirectory[str]:
    """Removed when the process ends."""
    return TemporaryDirectory(prefix="ringfence-new-database-")

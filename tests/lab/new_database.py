"""A new database without the wait for its migrations: made once by each process of a test run, then copied.

For tests of what is stored. That a database comes to be out of nothing is shown in `test_store_database.py` and
`test_store_aside.py`.
"""

from __future__ import annotations

import secrets
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.store.database import Database


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


@cache
def _folder() -> TemporaryDirectory[str]:
    """Removed when the process ends."""
    return TemporaryDirectory(prefix="ringfence-new-database-")

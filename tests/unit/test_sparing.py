"""The daemon's modules without what they would bring along for nothing."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from ringfence.sparing import sparing
with sparing():
    from ringfence import daemon
brought = {"rich", "pygments", "pyasn1", "ldap3", "asyncssh", "openpyxl", "alembic", "psycopg"} & set(sys.modules)
print(sorted(brought))
"""


def told(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_daemon_brings_nothing_that_only_some_need() -> None:
    assert told(PROGRAM) == "[]"


def test_afterwards_there_is_a_rich() -> None:
    assert told(f"{PROGRAM}\nimport rich\nprint(rich.__name__)").splitlines() == ["[]", "rich"]


def test_rich_stays_where_it_was_there_already() -> None:
    assert told(f"import rich.console\nwas = rich\n{PROGRAM}\nprint(sys.modules['rich'] is was)").endswith("True")

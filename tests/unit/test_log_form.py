"""What an error quotes does not reach the log in clear, and nothing of the memory reaches the disk."""

from __future__ import annotations

import json
import subprocess
import sys

PRIVATE = ("+447700900123", "07700 900123", "447700900123")

CHILD = """
import logging, os, resource, sys
from pydantic import BaseModel
from ringfence import daemon
daemon.log_as_json()
daemon.keep_to_itself()
sys.stdout.write(f"{os.umask(0)} {resource.getrlimit(resource.RLIMIT_CORE)}")
class Strict(BaseModel):
    name: list[int]
number = " and ".join(sys.argv[1:])
log = logging.getLogger("ringfence.something")
log.info("DIDs of ours are no secret", extra={"did": "+441134960001"})
try:
    Strict(name=number)
except ValueError:
    log.exception("it failed")
logging.getLogger("a.library").warning("could not parse %r", number)
raise RuntimeError(f"gave up on {number}")
"""


def test_no_number_that_an_error_quotes_is_in_the_log_and_nothing_is_dumped() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, *PRIVATE], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    ours, failed, foreign, ended = lines
    assert ours["did"] == "+441134960001"
    assert "ValidationError" in failed["exception"] and "could not parse" in foreign["event"]
    assert "gave up on" in ended["exception"] and ended["level"] == "critical"
    assert [number for number in PRIVATE if number in done.stderr] == []
    assert PRIVATE[0][-3:] in failed["exception"], "masked, and still to be told from another"
    assert (done.returncode, done.stdout) == (1, "63 (0, 0)")

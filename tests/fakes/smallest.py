"""The smallest configuration that Ringfence takes. A test adds what it is about, and nothing else stands in its way."""

from __future__ import annotations

from pathlib import Path


def smallest(head: str = "", *, trunk: str = 'sources = ["198.51.100.1"]', last: str = "") -> str:
    """A platform `uc`, a trunk `carrier`, an egress trunk `out`. `head` stands before the first table, `trunk` is the
    rest of the trunk's lines; `last` stands behind everything, beginning with lines of the egress trunk."""
    before = f"{head}\n" if head else ""
    return f"""\
{before}[[platform]]
name = "uc"
host_port = "192.0.2.10:5060"

[[trunk]]
name = "carrier"
platform = "uc"
{trunk}

[[egress_trunk]]
name = "out"
host_port = "203.0.113.20:5060"
{last}"""


def smallest_in(state: Path, head: str = "", *, last: str = "") -> str:
    """The same with its state, and the daemon's socket, in that folder."""
    return smallest(f'{head}state_dir = "{state}"\nsocket = "{state}/control.sock"', last=last)

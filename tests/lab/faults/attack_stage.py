"""The stage of the rows of an attack: a node with limits on what diverted calls may come to, and every door open."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from tests.lab.attack.relay import Relay
from tests.lab.certificates import CertificateAuthority
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.node import RingfenceNode

DID_CALLS = 40
"""An hour, to one DID; those of no record count as one."""
PRIVATE = "7700900"
"""What all private numbers of the lab have in them, and nothing else."""


class AttackedNode(RingfenceNode):
    """With limits in force, and the FastAGI door open."""

    def __init__(self, lab: Lab, platform: Mapping[str, str] | None = None, more: str = "") -> None:
        super().__init__(lab, platform, more)
        self.fastagi_port = lab.ports.take()

    def toml(self) -> str:
        limited = super().toml().replace("did_calls = 0\n", f"did_calls = {DID_CALLS}\n")
        return f"{limited}\n[fastagi]\nenabled = true\nport = {self.fastagi_port}\n"


class TlsNode(AttackedNode):
    """Whose pages and API are served over TLS."""

    def toml(self) -> str:
        shown = CertificateAuthority(self.directory / "ca").certify("127.0.0.1")
        files = f'certificate = "{shown.certificate}"\nprivate_key = "{shown.key}"\n'
        return re.sub(r"(\[http\]\nport = \d+\n)", rf"\g<1>{files}", super().toml())


@asynccontextmanager
async def attacked(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, made_as=AttackedNode) as stage:
        yield stage


@asynccontextmanager
async def attacked_over_tls(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, made_as=TlsNode) as stage:
        yield stage


@asynccontextmanager
async def relayed(installation: Installation, relay: Relay) -> AsyncIterator[Stage]:
    async with relay, opened(installation, made_as=AttackedNode, prepare=relay.lay) as stage:
        yield stage


async def forget_use(stage: Stage) -> None:
    """What the rows before have used up of this hour's limits."""
    await stage.lab.asterisk.cli("database deltree ringfence/use")


def divert_count(stage: Stage) -> int:
    """How often everybody's calls were moved away since the row began."""
    changes = [change for change in stage.watch.changes if change.at >= stage.began_at]
    earlier = [change for change in stage.watch.changes if change.at < stage.began_at][-1:]
    return sum(change.decision == "divert" != before.decision for before, change in pairwise([*earlier, *changes]))


async def kept_keys(stage: Stage) -> frozenset[str]:
    """Of AstDB, but for what the dialplan counts and learns: no more rows than there are DIDs, people and trunks."""
    listing = await stage.lab.asterisk.cli("database show")
    keys = (line.partition(":")[0].strip() for line in listing.splitlines() if line.startswith("/"))
    return frozenset(
        key for key in keys if not key.startswith(("/ringfence/use/", "/ringfence/taken/", "/ringfence/door"))
    )


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def cpu_seconds(pid: int) -> float:
    """What a process has worked since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""One such site, started: its Asterisk, its carrier, the platform, two telephones, and no Ringfence."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from tests.lab.asterisk import AsteriskInstance
from tests.lab.behaviour import Behaviour
from tests.lab.far_end import FarEnd
from tests.lab.installation import Installation
from tests.lab.lab import Lab

FOLDER = Path(__file__).parent
QUICK = Behaviour(ring_delay_ms=10, answer_delay_ms=20)
PHONES = ("1001", "1002")
PILOT = "+441134960300"
_ENDPOINT = re.compile(r"^ Endpoint:  ([A-Za-z0-9_-]+) ", re.MULTILINE)
_SETTING = re.compile(r"^ [a-z_0-9]+ +: .*$", re.MULTILINE)


class Kind(StrEnum):
    """Who wrote the configuration; the folder's name."""

    PLAIN = "plain"
    FREEPBX = "freepbx"
    SBC = "sbc"


@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk of the site with everything its people want done to its calls."""

    name: str
    endpoint: str
    context: str
    open_did: str
    closed_did: str
    headers: tuple[tuple[str, str], ...] = ()


TRUNKS: Mapping[Kind, Trunk] = MappingProxyType(
    {
        Kind.PLAIN: Trunk(
            "branch", "branch", "from-branch", "+441134960140", "+441134960141", (("X-Lab-Trunk", "branch"),)
        ),
        Kind.FREEPBX: Trunk("carrier", "carrier", "from-trunk", "+441134960240", "+441134960241"),
        Kind.SBC: Trunk("sbc", "sbc", "from-sbc", "+441134960310", "+441134960311"),
    }
)

PLAIN_CARRIER = Trunk("carrier", "carrier", "from-carrier", "+441134960150", "")
"""The other trunk of the plain site, with whose calls nothing is done."""

# What the site itself keeps in AstDB: family, key, value.
OWN_KEYS: Mapping[Kind, tuple[tuple[str, str, str], ...]] = MappingProxyType(
    {
        Kind.PLAIN: (("office", "greeting", "summer"),),
        Kind.FREEPBX: (
            ("DEVICE/1001", "dial", "PJSIP/1001"),
            ("DEVICE/1002", "dial", "PJSIP/1002"),
            ("AMPUSER/1001", "cidname", "Desk"),
            ("TC", "1", "auto"),
        ),
        Kind.SBC: (),
    }
)


@dataclass(slots=True)
class RunningSite:
    """`lab.mobile_network` is the world that the site's carrier, or its SBC, reaches."""

    kind: Kind
    lab: Lab
    phones: FarEnd

    @property
    def asterisk(self) -> AsteriskInstance:
        return self.lab.asterisk

    @property
    def trunk(self) -> Trunk:
        return TRUNKS[self.kind]

    @property
    def console(self) -> str:
        """The command that starts Asterisk's console, as its administrator would say it."""
        return shlex.join(self.asterisk.home.command("asterisk", "-C", f"{self.asterisk.inside('etc')}/asterisk.conf"))

    def files(self) -> dict[str, tuple[bytes, int]]:
        """All that is in Asterisk's folder: content and mode."""
        return files_in(self.asterisk.etc)

    async def held(self) -> dict[str, str]:
        """What Asterisk itself holds: AstDB, users, contexts, endpoints with their settings. Not global variables, that
        nothing but a restart takes away, and that nobody reads."""
        lines = ("database show", "manager show users", "ari show users", "dialplan show")
        held = {line: await self.asterisk.cli(line) for line in lines}
        listed = _ENDPOINT.findall(await self.asterisk.cli("pjsip show endpoints"))
        for name in listed:
            settings = _SETTING.findall(await self.asterisk.cli(f"pjsip show endpoint {name}"))
            held[f"endpoint {name}"] = "\n".join(settings)
        return held


def lay_files(kind: Kind, folder: Path, places: Mapping[str, str]) -> None:
    """The site's own files. `places`: what they have between `@` signs."""
    for source in sorted((FOLDER / kind).glob("*.conf")):
        text = source.read_text(encoding="utf-8")
        for name, value in places.items():
            text = text.replace(f"@{name}@", value)
        (folder / source.name).write_text(text, encoding="utf-8")
        (folder / source.name).chmod(0o640)


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below it: content and mode."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode) for path in found}


@asynccontextmanager
async def running(installation: Installation, kind: Kind) -> AsyncIterator[RunningSite]:
    """Closed whatever happens."""
    async with Lab(installation, name=f"site-{kind}") as lab:
        phones = FarEnd("phones", lab.ports, healthy=QUICK)
        try:
            _lay(lab.asterisk, kind, lab, phones)
            await phones.start()
            await lab.asterisk.start()
            for far_end in (lab.platform, lab.mobile_network):
                await far_end.behave(QUICK)
            for family, key, value in OWN_KEYS[kind]:
                await lab.asterisk.db_put(family, key, value)
            yield RunningSite(kind, lab, phones)
        finally:
            await phones.close()


def _lay(asterisk: AsteriskInstance, kind: Kind, lab: Lab, phones: FarEnd) -> None:
    places = {
        "SIP_PORT": str(asterisk.ports.sip),
        "AMI_PORT": str(asterisk.ports.ami),
        "HTTP_PORT": str(asterisk.ports.http),
        "PLATFORM": lab.platform.address,
        "NETWORK": lab.mobile_network.address,
        "PHONES": phones.address,
    }
    lay_files(kind, asterisk.etc, places)
    asterisk.prepare()
    with (asterisk.etc / "modules.conf").open("a") as modules:
        modules.write("load=app_mixmonitor.so\n")

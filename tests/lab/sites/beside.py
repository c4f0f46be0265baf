"""Ringfence put beside such a site by the commands an administrator gives, and taken out by them."""

from __future__ import annotations

from enum import StrEnum

from typer.testing import Result

from tests.lab.node import RingfenceNode
from tests.lab.sites.running import Kind, RunningSite, Trunk
from tests.lab.waiting import LabError, wait_until
from tests.unit.command_line import run_ringfence

MOBILE = "+447700900123"
FALLBACK = "+441134960199"
VACANT = "+441134960198"

# By table, what an administrator adds to the file that `init` writes. The daemon's part is for the lab's haste: what
# is down is known in seconds, and comes back at a person's word.
_PLATFORM = 'endpoint = "uc"\nno_progress_seconds = 1.5\nhold_down_seconds = 60\n'
_MORE = """
[http]
port = {http}

[press_one]
enabled = false
"""
# The site's own Dial to the platform.
_DIAL = " same => n,Dial(PJSIP/uc/sip:${EXTEN}@${PLATFORM},60)\n"


class Way(StrEnum):
    """The three ways in, in the words of `ringfence init --way`."""

    DIAL = "dial"
    GOTO = "goto"
    GOSUB = "gosub"


class SiteNode(RingfenceNode):
    """The daemon, and the commands beside it."""

    def __init__(self, site: RunningSite, way: Way, trunk: Trunk | None = None) -> None:
        super().__init__(site.lab)
        self.trunk = trunk or site.trunk
        self._site = site
        self._way = way
        self._own_files: dict[str, bytes] = {}

    def add(self, *, door: bool = False) -> None:
        """Everything up to the first call: configuration, snippets, includes, and the trunk led in. `door`: with the
        one line behind the site's own Dial that brings back what the platform fails to take."""
        site, trunk = self._site, self.trunk
        self.run(
            "init",
            *("--platform", site.lab.platform.address, "--platform-name", "uc"),
            *("--trunk-name", trunk.name, "--trunk-source", "127.0.0.1", "--trunk-endpoint", trunk.endpoint),
            *("--egress", site.lab.mobile_network.address, "--egress-name", "out"),
            *("--egress-endpoint", "sbc" if site.kind is Kind.SBC else "carrier"),
            *("--way", self._way, "--state-dir", str(self.state_dir)),
            *("--asterisk-conf-dir", str(site.asterisk.etc / "ringfence"), "--include"),
        )
        self.config_path.write_text(self._completed(self.config_path.read_text()))
        self.run("snippets")
        if self._way is Way.GOSUB:
            self._ask_first()
        if door:
            self._edit(self._dial_place, _DIAL, f"{_DIAL} same => n,Gosub(ringfence-failed,s,1)\n")

    async def read_by_asterisk(self) -> None:
        """What `snippets` says to run; and then the trunk is handed over, unless the site asks by itself."""
        await self._site.asterisk.reload()
        if self._way is not Way.GOSUB:
            self.run("handover", self.trunk.name)

    async def remove(self) -> None:
        """The administrator's own lines first, then ours."""
        for name, content in self._own_files.items():
            (self._site.asterisk.etc / name).write_bytes(content)
        await self._site.asterisk.cli("dialplan reload")
        if self.process.running:
            await self.process.stop()
        self.run("remove", "--yes")

    def run(self, command: str, *arguments: str) -> Result:
        given = ["--config", str(self.config_path)]
        if command != "snippets":
            given += ["--console", self._site.console]
        done = run_ringfence(command, *arguments, *given)
        if done.exit_code:
            raise LabError(f"ringfence {command}: {done.exit_code}\n{done.output}")
        return done

    async def import_people(self) -> None:
        """The open number has an owner. Ready comes after the first import."""
        await wait_until(self.alive, what="the daemon's socket", deadline_seconds=20, diagnose=self.process.log_tail)
        trunk = self.trunk
        texts = {
            "people": f"key,name,site,default_number_1\np0,Ada,leeds,{MOBILE}\n",
            "dids": "did,owner,site,platform,kind,critical\n"
            f"{trunk.open_did},p0,leeds,uc,voice,no\n{VACANT},,leeds,uc,voice,no\n",
            "sites": f"name,fallback_number,announcement\nleeds,{FALLBACK},unavailable\n",
        }
        body = {name: {"name": f"{name}.csv", "text": text} for name, text in texts.items()}
        await self.must("POST", "/v1/import", {**body, "dry_run": False, "accept_cautions": True})
        await self.wait_table(2)
        await self.wait_ready()

    def _completed(self, text: str) -> str:
        site = self._site
        text = f'socket = "{self.socket}"\n{text}'
        text = text.replace("[[platform]]\n", f"[[platform]]\n{_PLATFORM}", 1)
        if site.kind is Kind.SBC:
            text = text.replace("[[trunk]]\n", '[[trunk]]\ndid_source = "p-called-party-id"\n', 1)
        return text + _MORE.format(http=self.http_port)

    @property
    def _dial_place(self) -> str:
        return "extensions_custom.conf" if self._site.kind is Kind.FREEPBX else "extensions.conf"

    def _ask_first(self) -> None:
        """As docs/howto/keep-your-own-dial.md has it: before the Dial, and behind it."""
        lines = (
            f" same => n,Gosub(ringfence-decide,s,1(${{EXTEN}},{self.trunk.name}))\n"
            ' same => n,GotoIf($["${GOSUB_RETVAL}" = "plan"]?ringfence-full,s,1)\n'
            f"{_DIAL}"
            " same => n,Gosub(ringfence-failed,s,1)\n"
        )
        self._edit(self._dial_place, _DIAL, lines)

    def _edit(self, name: str, old: str, new: str) -> None:
        """A line of the site's own, changed by its administrator."""
        path = self._site.asterisk.etc / name
        content = path.read_bytes()
        self._own_files.setdefault(name, content)
        if old.encode() not in content:
            raise LabError(f"{name} has no line {old!r}")
        path.write_bytes(content.replace(old.encode(), new.encode(), 1))

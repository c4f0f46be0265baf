"""A private Asterisk: everything it reads, writes and listens on belongs to one instance.

Put configuration into `.etc` before `start()`; what is not there is filled in. Several instances
live side by side. `kill`, `freeze` and the like act on the program itself, by its pid.
"""

from __future__ import annotations

import asyncio
import re
import secrets

from tests.lab.asterisk_files import (
    DIRECTORIES,
    AsteriskPorts,
    ModuleTree,
    base_files,
    write_missing,
)
from tests.lab.installation import Home
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.voice_data import with_prompts
from tests.lab.waiting import LabError

START_DEADLINE_SECONDS = 30.0
CLI_DEADLINE_SECONDS = 10.0
DATA_DIRECTORIES = ("/usr/share/asterisk", "/var/lib/asterisk")
MODULE_DIRECTORIES = (
    "usr/lib/*/asterisk/modules",
    "usr/lib/asterisk/modules",
    "usr/lib64/asterisk/modules",
    "usr/local/lib/asterisk/modules",
)


class AsteriskInstance:
    """One Asterisk of our own. `close()` ends it and removes what it wrote."""

    def __init__(self, home: Home, ports: Ports, *, name: str = "asterisk") -> None:
        self.name = name
        self.host = HOST
        self.home = home
        self.ports = AsteriskPorts(sip=ports.take(), ami=ports.take(), http=ports.take(), rtp=ports.take_range())
        self.secret = secrets.token_hex(12)
        self._scratch = home.make_scratch(name)
        for directory in DIRECTORIES:
            (self._scratch.outside / directory).mkdir(parents=True)
        self.directory = self._scratch.outside
        self.etc = self.directory / "etc"
        self.log_path = self.directory / "log" / "messages"
        self.cdr_csv = self.directory / "log/cdr-csv/Master.csv"
        self._inside = self._scratch.inside
        self.process = SupervisedProcess(
            name,
            home.command("asterisk", "-f", "-C", f"{self._inside}/etc/asterisk.conf"),
            self.directory / "log" / "console",
        )

    @property
    def sip_uri_host(self) -> str:
        return f"127.0.0.1:{self.ports.sip}"

    def inside(self, relative: str) -> str:
        """A path of the instance as Asterisk itself sees it, for use in its configuration."""
        return f"{self._inside}/{relative}"

    def prepare(self) -> None:
        """Fill in the files that the caller has not written. `start()` does it too."""
        files = base_files(self._inside, _module_tree(self.home), self.ports, self.secret)
        write_missing(self.etc, files)

    async def start(self) -> None:
        """Started means fully booted: every module loaded and calls accepted."""
        self.prepare()
        self.home.refresh_hosts()
        self.process.start()
        await self.wait_booted()

    async def wait_booted(self) -> None:
        control = self.directory / "run" / "asterisk.ctl"
        await self.process.wait_ready(
            control.exists, what="its control socket", deadline_seconds=START_DEADLINE_SECONDS
        )
        await self.process.wait_ready(self._is_booted, what="fully booted", deadline_seconds=START_DEADLINE_SECONDS)

    async def _is_booted(self) -> bool:
        """An old socket of a killed instance refuses; that is simply not booted yet."""
        try:
            return "fully booted" in (await self.cli("core waitfullybooted")).lower()
        except LabError:
            return False

    async def stop(self) -> None:
        await self.process.stop()

    async def kill(self) -> None:
        await self.process.kill()

    async def freeze(self) -> None:
        await self.process.freeze()

    async def thaw(self) -> None:
        self.process.thaw()

    async def restart(self) -> None:
        await self.process.stop()
        await self.start()

    async def close(self) -> None:
        await self.process.kill()
        self._scratch.remove()

    async def reload(self, module: str = "") -> str:
        """Reload everything, or one module, such as `res_pjsip.so`."""
        return await self.cli(f"module reload {module}".strip() if module else "core reload")

    async def version(self) -> str:
        """Its name with its version, as on a page."""
        return (await self.cli("core show version")).split(" built")[0].strip()

    async def cli(self, command: str, deadline_seconds: float = CLI_DEADLINE_SECONDS) -> str:
        """One console command; its whole output."""
        arguments = ("-C", f"{self._inside}/etc/asterisk.conf", "-rx", command)
        child = await asyncio.create_subprocess_exec(
            *self.home.command("asterisk", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(child.communicate(), deadline_seconds)
        except TimeoutError:
            raise LabError(
                f"{self.name} did not answer `{command}` within {deadline_seconds:g} s\n{self.log_tail()}"
            ) from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        text = output.decode(errors="replace")
        if child.returncode != 0:
            raise LabError(f"{self.name} refused `{command}`: {text.strip()}\n{self.log_tail()}")
        return text

    async def db_put(self, family: str, key: str, value: str) -> None:
        """Through the console, which suits short values; records go over AMI."""
        await self.cli(f'database put {family} {key} "{value}"')

    async def db_get(self, family: str, key: str) -> str | None:
        found = re.search(r"^Value: (.*)$", await self.cli(f"database get {family} {key}"), re.M)
        return found[1].rstrip("\r") if found else None

    async def db_show(self, family: str = "") -> dict[str, str]:
        """Every key below a family, with its full name."""
        rows = re.finditer(r"^(/\S.*?)\s*: (.*)$", await self.cli(f"database show {family}"), re.M)
        return {row[1]: row[2].rstrip() for row in rows}

    async def db_delete_tree(self, family: str) -> None:
        await self.cli(f"database deltree {family}")

    def log_tail(self, line_count: int = 30) -> str:
        return self.process.log_tail(line_count)


async def supports_no_progress_timeout(instance: AsteriskInstance) -> bool:
    """Whether `Dial` takes the second timeout: asked, because distributions backport."""
    release = re.search(r"Asterisk (?:certified[/-])?(\d+)", await instance.cli("core show version"))
    manual = " ".join((await instance.cli("core show application Dial")).split())
    return release is not None and int(release[1]) >= 20 and "progress" in _timeout_part(manual)


def _timeout_part(manual: str) -> str:
    """The manual's words on the timeout argument alone; the options speak of progress too."""
    _, _, arguments = manual.partition("[Arguments]")
    _, _, timeout = arguments.partition("timeout")
    return timeout.partition("options")[0].lower()


def _module_tree(home: Home) -> ModuleTree:
    base = home.root or home.outside("/")
    for pattern in MODULE_DIRECTORIES:
        for found in sorted(base.glob(pattern)):
            modules = "/" + str(found.relative_to(base))
            return ModuleTree(modules=modules, data=data_directory(home))
    raise LabError(f"no Asterisk modules under {base}: tried {', '.join(MODULE_DIRECTORIES)}")


def data_directory(home: Home) -> str:
    """Where its sounds and documents lie, as the program sees it; the prompts are spoken if need be."""
    found = [candidate for candidate in DATA_DIRECTORIES if home.outside(f"{candidate}/sounds").is_dir()]
    return with_prompts(home, (found or DATA_DIRECTORIES)[0])

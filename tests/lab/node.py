"""Ringfence itself in the lab: configured as `ringfence init` would, run as a process of its own, asked over its doors.

The process is the real daemon, so it can be killed, frozen and restarted like everything else here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from ringfence import config
from ringfence.config.snippets import INCLUDES, generated_snippets, shipped_snippets
from tests.lab.lab import Lab
from tests.lab.people import Organisation
from tests.lab.process import SupervisedProcess
from tests.lab.unlimited import UNLIMITED
from tests.lab.waiting import LabError, wait_until

SECRET = "lab-secret-0123456789abcdef"
READY_SECONDS = 20.0
SHOWN = ("/metrics", "/v1/status", "/v1/calls?limit=1000", "/v1/history", "/v1/audit?limit=1000", "/v1/people?find=a")

TEMPLATE = (
    """\
node = "lab"
state_dir = "{state}"
socket = "{socket}"
asterisk_conf_dir = "{conf}"
ring_budget_seconds = {ring_budget}

[asterisk]
ari_port = {ari}
ami_port = {ami}
cdr_csv = "{cdr}"

[http]
port = {http}

[egress]
loop_patience_seconds = 2
max_calls = 400

"""
    + UNLIMITED
    + """
[[platform]]
name = "uc"
host_port = "{platform}"
{platform_extra}
[[trunk]]
name = "carrier"
platform = "uc"
sources = ["{carrier}"]
fallback_number = "+441314960000"

[[egress_trunk]]
name = "a"
host_port = "{network_a}"
no_progress_seconds = 1.5
{trunk_a}

[[egress_trunk]]
name = "b"
host_port = "{network_b}"
channels = 200
no_progress_seconds = 1.5
"""
)

PLATFORM = {
    "profile": '"lan"',
    "no_progress_seconds": "8.0",
    "ring_seconds": "60",
    "hold_down_seconds": "5",
    "trial_one_in": "2",
    "trial_calls": "5",
    "refusing_window_seconds": "15",
}


class RingfenceNode:
    """The daemon beside a lab's Asterisk. `configure` before the Asterisk starts, `start` after."""

    trunk_a = "channels = 200"

    def __init__(self, lab: Lab, platform: Mapping[str, str] | None = None, more: str = "") -> None:
        """`more`: further tables of the configuration, with `{directory}` for the node's own and `{platform}` for the
        platform's address."""
        self.lab = lab
        self._more = more
        # Not below the Asterisk's folder: a Unix socket's path may have 107 bytes.
        self._directory = TemporaryDirectory(prefix="ringfence-lab-")
        self.directory = Path(self._directory.name)
        self.state_dir = self.directory / "state"
        self.socket = self.directory / "control.sock"
        self.http_port = lab.ports.take()
        self.config_path = self.directory / "ringfence.toml"
        self.platform = {**PLATFORM, **(platform or {})}
        # These, and `trunk_a`, may be changed before `configure`; `database`: a server's. `environment`: not ours.
        self.ring_budget_seconds = 90
        self.database = ""
        self.environment: Mapping[str, str] | None = None
        self._starts = 0
        self.process = self._process()

    def configure(self) -> None:
        """Writes the configuration, the secrets and Asterisk's snippets."""
        lab = self.lab
        self.write_configuration()
        settings, secrets = config.load(self.config_path), config.load_secrets(self.config_path)
        own = lab.asterisk.etc / "ringfence"
        own.mkdir(parents=True, exist_ok=True)
        for name, text in {**shipped_snippets(), **generated_snippets(settings, secrets)}.items():
            write_private(own / name, text)
        lab.asterisk.prepare()
        transport = f"[lab-udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{lab.asterisk.ports.sip}\n"
        (lab.asterisk.etc / "pjsip.conf").write_text(transport)
        (lab.asterisk.etc / "extensions.conf").write_text("")
        for include in INCLUDES:
            with (lab.asterisk.etc / include.asterisk_file).open("a") as file:
                file.write(f"{include.section}\n{include.line}\n" if include.section else f"{include.line}\n")

    def write_configuration(self) -> None:
        """The daemon's own files alone: enough for a second node beside an Asterisk that is configured already."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_path.write_text(self.toml())
        for name in config.reading.SECRETS:
            write_private(self.directory / name, SECRET)

    def toml(self) -> str:
        """The configuration's text."""
        extra = "".join(f"{name} = {value}\n" for name, value in self.platform.items())
        database = f'database = "{self.database}"\n' if self.database else ""
        more = self._more.replace("{directory}", str(self.directory)).replace("{platform}", self.lab.platform.address)
        return database + self._template(extra) + more

    def _template(self, extra: str) -> str:
        lab = self.lab
        return TEMPLATE.format(
            state=self.state_dir,
            socket=self.socket,
            conf=lab.asterisk.etc / "ringfence",
            ring_budget=self.ring_budget_seconds,
            ari=lab.asterisk.ports.http,
            ami=lab.asterisk.ports.ami,
            http=self.http_port,
            cdr=lab.asterisk.cdr_csv,
            carrier=lab.carrier.host,
            platform=lab.platform.address,
            platform_extra=extra,
            network_a=lab.mobile_network.address,
            trunk_a=self.trunk_a,
            network_b=lab.other_mobile_network.address,
        )

    async def start(self, ready: bool = True) -> None:
        """Starts the daemon; returns when it is ready (Asterisk knows modes and table), or at once."""
        if self._starts or self.environment is not None:
            self.process = self._process()
        self._starts += 1
        self.process.start()
        if ready:
            await self.wait_ready()

    async def wait_ready(self, deadline_seconds: float = READY_SECONDS) -> None:
        await self.process.wait_ready(self.is_ready, what="ready", deadline_seconds=deadline_seconds)

    async def is_ready(self) -> bool:
        """What /readyz says; False while nobody answers."""
        try:
            status, _ = await self.ask("GET", "/readyz")
        except (aiohttp.ClientError, OSError):
            return False
        return status == 200

    async def alive(self) -> bool:
        """Whether the local socket answers, ready or not."""
        try:
            status, _ = await self.ask("GET", "/healthz")
        except (aiohttp.ClientError, OSError):
            return False
        return status == 200

    async def stored(self) -> bool:
        """Whether the database can be used."""
        return bool((await self.must("GET", "/v1/status"))["store"]["up"])

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request through the local socket: status and decoded answer."""
        connector = aiohttp.UnixConnector(str(self.socket))
        timeout = aiohttp.ClientTimeout(total=60)
        headers = {"X-Ringfence-Who": "lab"}
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session,
            session.request(method, f"http://ringfence{path}", json=body) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def must(self, method: str, path: str, body: object = None) -> Any:
        """As `ask`, and an error when it is refused."""
        status, answer = await self.ask(method, path, body)
        if status >= 400:
            raise LabError(f"{method} {path}: {status} {answer}\n{self.process.log_tail()}")
        return answer

    async def import_directory(self, organisation: Organisation) -> None:
        """Imports the whole organisation and waits until Asterisk is verified to hold it."""
        await self.must(
            "POST",
            "/v1/import",
            {
                "people": {"name": "people.csv", "text": organisation.people_csv()},
                "dids": {"name": "dids.csv", "text": organisation.dids_csv()},
                "sites": {"name": "sites.csv", "text": organisation.sites_csv()},
                "dry_run": False,
                "accept_cautions": True,
            },
        )
        await self.wait_table(organisation.dids)

    async def wait_table(self, rows: int, deadline_seconds: float = READY_SECONDS) -> None:
        async def equal() -> bool:
            table = (await self.must("GET", "/v1/status"))["table"]
            return bool(table["state"] == "equal" and table["rows"] == rows)

        await wait_until(
            equal, what=f"a table of {rows} rows", deadline_seconds=deadline_seconds, diagnose=self.process.log_tail
        )

    async def mode(self) -> str:
        """The mode of the platform's scope."""
        scopes = (await self.must("GET", "/v1/status"))["scopes"]
        return str(next(scope["mode"] for scope in scopes if scope["scope"] == "uc"))

    async def wait_mode(self, *modes: str, deadline_seconds: float) -> None:
        async def there() -> bool:
            return await self.mode() in modes

        await wait_until(
            there, what=f"mode {' or '.join(modes)}", deadline_seconds=deadline_seconds, diagnose=self.process.log_tail
        )

    async def published_mode(self) -> str:
        """The mode key as Asterisk holds it: what a call sees."""
        return await self.lab.asterisk.db_get("ringfence/mode", "uc") or ""

    async def close(self) -> None:
        if self.process.running:
            await self._keep_answers()
            await self.process.stop()
        from tests.lab import (
            private_watch,
        )  # a plugin of pytest, which is not where the demonstration runs in containers

        for file in (self.directory / "daemon.log", self.state_dir / "audit-anchors.jsonl"):
            private_watch.keep_file(file)
        self._directory.cleanup()

    async def _keep_answers(self) -> None:
        """What this daemon shows, for `private_watch` to look at; nothing where it is frozen."""
        from tests.lab import private_watch

        for path in SHOWN:
            with suppress(aiohttp.ClientError, OSError, TimeoutError, ValueError):
                async with asyncio.timeout(2):
                    private_watch.keep(path.rpartition("/")[2], await self.text(path))

    async def text(self, path: str) -> str:
        """One question through the local socket, the answer as it is."""
        connector = aiohttp.UnixConnector(str(self.socket))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"http://ringfence{path}") as answer,
        ):
            return await answer.text()

    def _process(self) -> SupervisedProcess:
        program = Path(sys.executable).parent / "ringfence"
        command = [str(program), "--config", str(self.config_path), "run"]
        return SupervisedProcess("ringfence", command, self.directory / "daemon.log", environment=self.environment)


def write_private(path: Path, text: str) -> None:
    """As `ringfence init` does: readable by its owner alone."""
    path.touch(mode=0o600)
    path.write_text(text)

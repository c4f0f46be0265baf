"""The package's service under a real systemd, beside a real Asterisk: its sandbox, its secrets, its watchdog."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.lab.booted_root import BootedRoot, why_not_bootable
from tests.lab.deb import ensure_deb
from tests.lab.people import Organisation
from tests.lab.provision import ensure_root
from tests.lab.waiting import wait_until

UNIT = "ringfence.service"
START_SECONDS = 60.0
ORGANISATION = replace(Organisation(people=4, dids=6), platform="platform")
OLDER, PACKAGE = "0.0.9", "/root/ringfence.deb"

pytestmark = [
    pytest.mark.skipif(why_not_bootable() is not None, reason=str(why_not_bootable())),
    pytest.mark.timeout(240),  # the first builds the package, if nobody has yet
]


@pytest_asyncio.fixture
async def machine() -> AsyncIterator[BootedRoot]:
    """Asterisk runs, Ringfence is configured and has a directory. It does not run yet."""
    package = ensure_deb(ensure_root())
    with BootedRoot(ensure_root()) as machine:
        await machine.boot()
        shutil.copy(package, machine.path(PACKAGE))
        machine.run("systemctl", "start", "asterisk.service")
        machine.run("dpkg", "--install", PACKAGE)
        sites = ("--platform", "127.0.0.1:5070", "--trunk-source", "127.0.0.2", "--egress", "127.0.0.3:5080")
        machine.run("ringfence", "init", *sites, "--include")
        machine.run("systemctl", "restart", "asterisk.service")
        texts = {
            "people": ORGANISATION.people_csv(),
            "dids": ORGANISATION.dids_csv(),
            "sites": ORGANISATION.sites_csv(),
        }
        options = []
        for name, text in texts.items():
            machine.path(f"/root/{name}.csv").write_text(text)
            options += [f"--{name}", f"/root/{name}.csv"]
        machine.run("ringfence", "import", *options, "--yes")
        yield machine


async def test_it_runs_in_its_sandbox_and_is_ready_when_calls_are_routed(machine: BootedRoot) -> None:
    machine.run("systemctl", "start", UNIT)  # returns when it is ready
    assert machine.shown(UNIT, "ActiveState") == "active"
    assert machine.shown(UNIT, "StatusText") == f"platform: normal; {ORGANISATION.dids} DIDs in Asterisk"

    pid = machine.shown(UNIT, "MainPID")
    status = machine.run("cat", f"/proc/{pid}/status")
    account = machine.run("id", "--user", "ringfence").strip()
    assert f"Uid:\t{account}\t{account}" in status and "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    # root has made the first import, before there was a service.
    assert machine.run("find", "/var/lib/ringfence", "!", "-user", "ringfence") == ""
    assert machine.run("stat", "--format=%A %U", "/etc/ringfence/ari_secret").strip() == "-rw------- root"
    machine.run("systemctl", "reload", UNIT)
    assert machine.shown(UNIT, "MainPID") == pid, "it is told of a renewed certificate, and goes on"
    security = machine.run("systemd-analyze", "security", "--no-pager", "--threshold=20", UNIT)
    assert "OK" in security.splitlines()[-1]


async def test_a_daemon_that_stands_still_is_begun_anew(machine: BootedRoot) -> None:
    drop_in = machine.path(f"/etc/systemd/system/{UNIT}.d/soon.conf")
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nWatchdogSec=3\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", UNIT)
    pid = machine.shown(UNIT, "MainPID")

    machine.run("kill", "-STOP", pid)
    await _running_as_another(machine, pid)
    assert int(machine.shown(UNIT, "NRestarts")) >= 1, "nobody but the watchdog can have noticed"


async def test_an_upgrade_restarts_what_runs_and_keeps_everything(machine: BootedRoot) -> None:
    machine.run("systemctl", "enable", "--now", UNIT)
    pid, node = machine.shown(UNIT, "MainPID"), machine.path("/var/lib/ringfence/node-id").read_text()
    configuration = machine.path("/etc/ringfence/ringfence.toml").read_text()
    machine.path("/etc/default/ringfence").write_text("# mine\n")

    # All that makes the installed one older.
    installed = machine.path("/var/lib/dpkg/status")
    version = machine.run("dpkg-query", "--show", "--showformat=${Version}", "ringfence")
    installed.write_text(installed.read_text().replace(f"Version: {version}\n", f"Version: {OLDER}\n"))
    machine.run("dpkg", "--install", PACKAGE)
    await _running_as_another(machine, pid)
    assert OLDER not in machine.run("dpkg-query", "--show", "ringfence")
    assert machine.path("/etc/default/ringfence").read_text() == "# mine\n"
    assert machine.path("/etc/ringfence/ringfence.toml").read_text() == configuration
    assert machine.path("/var/lib/ringfence/node-id").read_text() == node

    machine.run("systemctl", "stop", UNIT)
    machine.run("dpkg", "--install", PACKAGE)
    assert machine.shown(UNIT, "ActiveState") == "inactive", "who stopped it meant it"

    machine.run("systemctl", "start", UNIT)
    machine.run("dpkg", "--remove", "ringfence")
    assert machine.attempt(["systemctl", "is-active", UNIT]).stdout.strip() == "inactive"
    assert machine.path("/etc/ringfence/ringfence.toml").exists()
    assert machine.path("/var/lib/ringfence/node-id").exists()

    said = machine.run("dpkg", "--purge", "ringfence")
    assert "database deltree ringfence" in said, "what calls are routed by is not a package's to take away"
    assert machine.path("/etc/asterisk/ringfence").exists()
    left = machine.run("find", "/etc", "/usr", "/var/lib", "-name", "*ringfence*", "-not", "-path", "/etc/asterisk/*")
    assert [line for line in left.splitlines() if "/sounds/" not in line] == []


async def _running_as_another(machine: BootedRoot, pid: str) -> None:
    def there() -> bool:
        return machine.shown(UNIT, "MainPID") not in ("0", pid) and machine.shown(UNIT, "ActiveState") == "active"

    await wait_until(
        there,
        what="the service to be begun anew",
        deadline_seconds=START_SECONDS,
        diagnose=lambda: machine.run("journalctl", "--unit", UNIT, "--lines=40"),
        interval_seconds=0.3,
    )

"""The page on security tells of the ports and files that the program really opens and makes."""

from __future__ import annotations

import re
import stat
from fnmatch import fnmatch
from pathlib import Path

from ringfence.config.asterisk_settings import AsteriskSettings
from ringfence.config.fastagi_settings import FastAgiTable
from ringfence.config.http_settings import HttpSettings
from ringfence.web.server import SOCKET_DIRECTORY_MODE, SOCKET_MODE
from tests.tidy.tree import ROOT, text_of
from tests.unit.command_line import run_ringfence

PAGE = ROOT / "docs" / "howto" / "security.md"
UNIT = ROOT / "docker" / "systemd" / "ringfence.service"
FILES = {
    path: (owner, int(mode, 8))
    for path, owner, mode in re.findall(r"^\| `(/\S+)` \| (\w+) \| (0[0-7]{3}) \|", text_of(PAGE), re.MULTILINE)
}


def test_the_ports_are_those_of_the_settings() -> None:
    listed = set(re.findall(r"^\| TCP (\d+) \|", text_of(PAGE), re.MULTILINE))
    asterisk = AsteriskSettings()
    known = {HttpSettings().port, FastAgiTable().port, asterisk.ami_port, asterisk.ari_port}
    assert listed == {str(port) for port in known}
    assert (HttpSettings().host, FastAgiTable().enabled) == ("127.0.0.1", False)


def test_init_makes_the_files_that_are_listed(tmp_path: Path) -> None:
    made = run_ringfence(
        *("init", "--platform", "192.0.2.10:5060", "--trunk-source", "198.51.100.1", "--egress", "203.0.113.20:5060"),
        *("--config", str(tmp_path / "etc/ringfence/ringfence.toml")),
        *("--asterisk-conf-dir", str(tmp_path / "etc/asterisk/ringfence")),
    )
    assert made.exit_code == 0, made.output
    found = {f"/{file.relative_to(tmp_path)}": file for file in tmp_path.rglob("*") if file.is_file()}
    assert len(found) > 10
    for name, file in found.items():
        pattern = name if name in FILES else next(listed for listed in FILES if fnmatch(name, listed))
        assert stat.S_IMODE(file.stat().st_mode) == FILES[pattern][1], name
    assert {name for name in FILES if name.startswith("/etc/") and "*" not in name} <= set(found)


def test_the_unit_makes_the_folders_that_are_listed() -> None:
    unit = dict(re.findall(r"^(\w+)=(.*)$", text_of(UNIT), re.MULTILINE))
    state, run = FILES["/var/lib/ringfence"], FILES["/run/ringfence"]
    assert (unit["User"], int(unit["StateDirectoryMode"], 8)) == state
    assert (unit["User"], int(unit["RuntimeDirectoryMode"], 8)) == run == (unit["User"], SOCKET_DIRECTORY_MODE)
    assert FILES["/var/lib/ringfence/ringfence.db"] == (unit["User"], 0o666 & ~int(unit["UMask"], 8))
    assert FILES["/run/ringfence/control.sock"] == (unit["User"], SOCKET_MODE)

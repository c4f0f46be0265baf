"""`ringfence init`: all or nothing, never over anything, and no secret where others see it."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ringfence.app.access.tokens import typed
from ringfence.bootstrap import sealed_file
from ringfence.bootstrap.passwords import Argon2Passwords
from ringfence.cli.new_files import NewFile, WriteFault, write_all
from ringfence.config import load, load_secrets
from ringfence.config.reading import SECRETS
from ringfence.config.snippets import ALL_SNIPPETS, INCLUDES, generated_snippets, shipped_snippets
from tests.unit.command_line import run_ringfence

ESSENTIAL = ("--platform", "192.0.2.10:5060", "--trunk-source", "198.51.100.1", "--egress", "203.0.113.20:5060")
QUESTION_SECONDS = 20.0


def places(home: Path) -> tuple[str, ...]:
    return (
        *("--config", str(home / "etc" / "ringfence" / "ringfence.toml")),
        *("--asterisk-conf-dir", str(home / "etc" / "asterisk" / "ringfence")),
    )


def config_of(home: Path) -> Path:
    return home / "etc" / "ringfence" / "ringfence.toml"


def everything_below(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file()}


def test_writes_a_configuration_that_can_be_used(tmp_path: Path) -> None:
    done = run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    assert done.exit_code == 0, done.output
    settings, secrets = load(config_of(tmp_path)), load_secrets(config_of(tmp_path))
    conf_dir = tmp_path / "etc" / "asterisk" / "ringfence"
    assert settings.asterisk_conf_dir == conf_dir
    assert {path.name for path in conf_dir.iterdir()} == set(ALL_SNIPPETS)
    for name, text in (generated_snippets(settings, secrets) | shipped_snippets()).items():
        assert (conf_dir / name).read_text() == text
    for include in INCLUDES:
        assert include.line in done.output
        assert str(tmp_path / "etc" / "asterisk" / include.asterisk_file) in done.output


def test_the_essential_and_what_differs_is_written_and_nothing_else(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    lines = [line for line in config_of(tmp_path).read_text().splitlines() if line and not line.startswith("#")]
    keys = {line.partition("=")[0].strip() for line in lines if "=" in line}
    assert keys == {"asterisk_conf_dir", "name", "host_port", "profile", "platform", "sources", "channels"}


def test_every_option_reaches_the_configuration(tmp_path: Path) -> None:
    more = (
        *("--platform-name", "cloud", "--trunk-name", "sip_in", "--egress-name", "sip_out", "--profile", "wan"),
        *("--fallback-number", "+31101234567", "--control", "proxy=203.0.113.53:5060", "--node", "node-2"),
        *("--country", "NL", "--ari-port", "8188", "--ami-port", "5138", "--state-dir", str(tmp_path / "state")),
        *("--trunk-source", "198.51.100.0/28"),
    )
    done = run_ringfence("init", *ESSENTIAL, *more, *places(tmp_path))
    assert done.exit_code == 0, done.output
    settings = load(config_of(tmp_path))
    assert (settings.node, settings.default_country, settings.state_dir) == ("node-2", "NL", tmp_path / "state")
    assert (settings.asterisk.ari_port, settings.asterisk.ami_port) == (8188, 5138)
    assert settings.egress.countries == ["NL"]
    assert (settings.platform[0].name, settings.platform[0].profile) == ("cloud", "wan")
    trunk = settings.trunk[0]
    assert (trunk.name, trunk.platform, trunk.country_code) == ("sip_in", "cloud", "31")
    assert trunk.sources == ["198.51.100.1", "198.51.100.0/28"]
    assert trunk.fallback_number == "+31101234567"
    assert (settings.egress_trunk[0].name, settings.egress_trunk[0].country_code) == ("sip_out", "31")
    assert (settings.control[0].name, settings.control[0].host_port) == ("proxy", "203.0.113.53:5060")


def test_secrets_are_fresh_private_and_nowhere_to_be_seen(tmp_path: Path) -> None:
    seen = set()
    for home in (tmp_path / "a", tmp_path / "b"):
        done = run_ringfence("init", *ESSENTIAL, *places(home))
        directory = config_of(home).parent
        for name in SECRETS:
            secret = (directory / name).read_text().strip()
            assert len(secret) >= 32
            assert secret not in seen, "every secret is made anew"
            seen.add(secret)
            assert secret not in done.output
            assert secret not in config_of(home).read_text()
            assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
        for name in ("ari_ringfence.conf", "manager_ringfence.conf"):
            path = home / "etc" / "asterisk" / "ringfence" / name
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to another group")
def test_asterisks_own_account_may_read_its_secrets(tmp_path: Path) -> None:
    asterisk = tmp_path / "etc" / "asterisk"
    asterisk.mkdir(parents=True)
    (asterisk / "manager.conf").touch()
    os.chown(asterisk / "manager.conf", 12345, 12345)
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    found = (asterisk / "ringfence" / "manager_ringfence.conf").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 12345, 0o640)


@pytest.mark.parametrize("there", ["etc/ringfence/ami_secret", "etc/asterisk/ringfence/extensions_ringfence.conf"])
def test_nothing_is_overwritten_and_nothing_is_begun(tmp_path: Path, there: str) -> None:
    precious = tmp_path / there
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")
    done = run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    assert done.exit_code == 1
    assert str(precious) in done.output
    assert everything_below(tmp_path) == {precious}
    assert precious.read_text() == "precious"


def test_a_second_init_names_every_file_and_changes_none(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    before = {path: path.read_bytes() for path in everything_below(tmp_path)}
    done = run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    assert done.exit_code == 1
    assert all(str(path) in done.output for path in before)
    assert {path: path.read_bytes() for path in everything_below(tmp_path)} == before


def test_a_link_that_leads_nowhere_is_somebodys(tmp_path: Path) -> None:
    config_of(tmp_path).parent.mkdir(parents=True)
    (config_of(tmp_path).parent / "ari_secret").symlink_to(tmp_path / "elsewhere")
    done = run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    assert done.exit_code == 1
    assert not (tmp_path / "elsewhere").exists()


def test_what_was_begun_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder would have to be")
    files = [NewFile(tmp_path / "new" / "a", "a"), NewFile(tmp_path / "blocked" / "b", "b")]
    with pytest.raises(WriteFault, match="Nothing was written"):
        write_all(files)
    assert not (tmp_path / "new").exists()


def test_without_a_terminal_nothing_is_asked_and_everything_missing_is_named(tmp_path: Path) -> None:
    done = run_ringfence("init", *places(tmp_path))
    assert done.exit_code == 2
    for option in ("--platform", "--trunk-source", "--egress"):
        assert option in done.output
    assert everything_below(tmp_path) == set()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--platform", "192.0.2.10", "host_port"),
        ("--platform", '1.2.3.4:5060"\nnode = "x', "host_port"),
        ("--trunk-source", "1.2.3.4\nmatch=0.0.0.0/0", "source address"),
        ("--platform-name", "Big UC", "name"),
        ("--country", "XX", "two-letter country"),
        ("--fallback-number", "0113", "fallback_number"),
        ("--profile", "moon", "profile"),
        ("--control", "proxy", "NAME=HOST:PORT"),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_written(tmp_path: Path, option: str, value: str, said: str) -> None:
    done = run_ringfence("init", *ESSENTIAL, option, value, *places(tmp_path))
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert everything_below(tmp_path) == set()


def test_on_a_terminal_what_is_missing_is_asked(tmp_path: Path) -> None:
    program = "import typer; from ringfence.cli.setup_commands import add_to; app = typer.Typer(); add_to(app); app()"
    ours, theirs = pty.openpty()
    arguments = ["init", *ESSENTIAL[:2], *places(tmp_path)]
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    await_words(ours, "Addresses the carrier's calls come from")
    os.write(ours, b"198.51.100.1, 198.51.100.2\n")
    await_words(ours, "Trunk diverted calls go out by")
    os.write(ours, b"203.0.113.20:5060\n")
    shown = await_words(ours, "let in with everything")
    assert "ringfence doctor" in " ".join(shown.split())
    assert child.wait(QUESTION_SECONDS) == 0
    os.close(ours)
    assert load(config_of(tmp_path)).trunk[0].sources == ["198.51.100.1", "198.51.100.2"]
    for name, hashed in sealed_file.read(config_of(tmp_path).parent / "break_glass").items():
        password = re.search(rf"{name}  (\S+)", shown)
        assert password is not None
        assert asyncio.run(Argon2Passwords().fits(hashed, typed(password.group(1))))


def await_words(terminal: int, words: str) -> str:
    seen, deadline = "", time.monotonic() + QUESTION_SECONDS
    while words not in " ".join(seen.split()):
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"waited for {words!r}, saw {seen!r}"
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_the_sealed_accounts_are_made_and_their_passwords_stay_out_of_a_log(tmp_path: Path) -> None:
    done = run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    file = config_of(tmp_path).parent / "break_glass"
    lines = file.read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["break-glass-1", "break-glass-2"]
    assert all(line.partition(":")[2].startswith("$argon2id$") for line in lines)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(file) in done.output
    assert "This is no terminal" in done.output
    assert f"--config {config_of(tmp_path)} access break-glass renew break-glass-2" in done.output

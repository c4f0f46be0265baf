"""The Debian package on a clean machine: what it brings, what it does not do by itself, and that it leaves nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.deb import ensure_deb, python_of
from tests.lab.overlay_root import OverlayRoot
from tests.lab.provision import BOOKWORM, ensure_root

UNIT = "ringfence.service"
# What any installation of any package changes, and what other tests do meanwhile in the root below.
NOT_OURS = ("./var/lib/dpkg", "./var/log", "./var/cache", "./tmp", "./proc", "./run", "./ringfence-lab-*")
# Those of accounts as they were before the latest change, which the tools for accounts keep.
KEPT_COPIES = {"./etc/passwd-", "./etc/group-", "./etc/shadow-", "./etc/gshadow-", "./etc/subuid-", "./etc/subgid-"}
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")

pytestmark = pytest.mark.timeout(240)  # the first builds the package, if nobody has yet


# `make deb-bookworm`: the same on Debian 12, the oldest one whose Python suffices.
ON_BOOKWORM = os.environ.get("RINGFENCE_LAB_SUITE") == "bookworm"


@pytest.fixture(scope="module")
def root() -> Path:
    return ensure_root(BOOKWORM, ("usr/bin/systemctl",)) if ON_BOOKWORM else ensure_root()


@pytest.fixture(scope="module")
def package(root: Path) -> Path:
    return ensure_deb(root)


@pytest.fixture
def machine(root: Path, package: Path) -> Iterator[OverlayRoot]:
    with OverlayRoot(root, {package.parent: "/packages"}) as machine:
        yield machine


def install(machine: OverlayRoot, package: Path) -> str:
    return machine.run("dpkg", "--install", f"/packages/{package.name}")


def test_installed_it_does_nothing_and_purged_it_was_never_there(machine: OverlayRoot, package: Path) -> None:
    before = _files(machine), _accounts(machine)

    assert "configure it with 'ringfence init'" in install(machine, package)
    assert machine.attempt(["systemctl", "is-enabled", UNIT]).stdout.strip() == "disabled"
    assert not machine.path("/etc/ringfence").exists() and not machine.path("/var/lib/ringfence").exists()
    # Whose group there is where there is an Asterisk.
    groups = ["ringfence"] if ON_BOOKWORM else ["ringfence", "asterisk"]
    assert machine.run("id", "--name", "--groups", "ringfence").split() == groups
    assert machine.run("dpkg", "--verify", "ringfence") == ""

    machine.run("dpkg", "--purge", "ringfence")
    after = _files(machine), _accounts(machine)
    assert sorted((after[0] ^ before[0]) - KEPT_COPIES) == []
    assert after[1] == before[1]


def test_what_it_brings_can_be_used_and_not_be_changed(machine: OverlayRoot, package: Path) -> None:
    install(machine, package)
    assert machine.run("systemd-analyze", "verify", "--man=no", f"/usr/lib/systemd/system/{UNIT}") == ""
    assert machine.run("ringfence", "--version").startswith("ringfence ")
    assert "ringfence" in machine.run("sh", "-c", "zcat /usr/share/man/man8/ringfence.8.gz")
    assert machine.run("bash", "-nc", "source /usr/share/bash-completion/completions/ringfence") == ""
    completed = machine.run(
        "ringfence",
        environment={"_RINGFENCE_COMPLETE": "complete_bash", "COMP_WORDS": "ringfence expl", "COMP_CWORD": "1"},
    )
    assert completed.split() == ["explain"]

    folder = machine.path("/usr/lib/ringfence")
    loose = [
        path
        for path in folder.rglob("*")
        if not path.is_symlink() and (path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID))
    ]
    assert loose == []
    assert not list(folder.rglob("pip")), "what runs here is what was locked"
    example = "/usr/share/doc/ringfence/examples/ringfence.toml"
    text = machine.path(example).read_text()
    assert 'asterisk_conf_dir = "/etc/asterisk/ringfence"' in text and "/tmp" not in text


def test_running_it_as_root_leaves_no_file_that_dpkg_does_not_know(machine: OverlayRoot, package: Path) -> None:
    install(machine, package)
    before = _files(machine)
    machine.run("ringfence", "settings")
    machine.run("ringfence", "simulate", "--help")
    machine.attempt(["ringfence", "run"])
    assert sorted(_files(machine) ^ before) == []


def test_it_belongs_to_the_python_it_was_built_with(package: Path, root: Path, machine: OverlayRoot) -> None:
    python = python_of(root)
    fields = machine.run("dpkg-deb", "--field", f"/packages/{package.name}")
    assert f"Depends: python{python}, libc6 (>= " in fields
    assert fields.splitlines()[1].endswith(f"+python{python}")


def _files(machine: OverlayRoot) -> set[str]:
    """Every path on the machine's own disk."""
    pruned = " -o ".join(f"-path '{path}'" for path in NOT_OURS)
    return set(machine.run("sh", "-c", f"cd / && find . -xdev \\( {pruned} \\) -prune -o -print").splitlines())


def _accounts(machine: OverlayRoot) -> list[str]:
    return [machine.path(name).read_text() for name in ACCOUNTS]

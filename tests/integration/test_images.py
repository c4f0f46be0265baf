"""The images of docker/Dockerfile: what is in them and what is not, and what their compose files say."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.lab.asterisk_files import MODULES
from tests.lab.compose_check import checked
from tests.lab.images import SOURCE, Image, ensure_images

# The first build ever fetches two Debians and 150 MB of packages.
pytestmark = pytest.mark.timeout(900)
ACCOUNTS = {"ringfence": "ringfence", "asterisk": "asterisk", "lab": "ringfence"}
# Megabytes, unpacked: to notice what should not have come in. A base made here has the documentation and translations
# that a published one leaves out, about 60 of them.
MOST_MEGABYTES = {"ringfence": 430, "asterisk": 480, "lab": 450}
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
BUILD_TOOLS = ("gcc", "cc", "c++", "make", "ld", "pip", "pip3", "git", "curl", "wget")


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return ensure_images()


@pytest.fixture(params=ACCOUNTS)
def image(request: pytest.FixtureRequest, images: dict[str, Image]) -> Image:
    return images[request.param]


def test_it_runs_as_an_account_of_its_own(image: Image) -> None:
    assert image.config["User"] == ACCOUNTS[image.name]
    assert account_of(image) in (4711, 4712)


def test_nothing_of_it_belongs_to_that_account_but_what_it_writes(image: Image) -> None:
    own = {str(path) for path in files(image.tree) if os.lstat(image.tree / path).st_uid == account_of(image)}
    writable = ("run/", "var/lib/", "var/log/", "var/spool/", "etc/asterisk/ringfence", "etc/ringfence")
    assert [name for name in own if not name.startswith(writable)] == []


def test_its_health_is_asked_for(images: dict[str, Image]) -> None:
    for name in ("ringfence", "asterisk"):
        assert images[name].config["Healthcheck"]["Test"][0] == "CMD"
    assert images["ringfence"].config["Entrypoint"] == ["ringfence"]
    assert images["ringfence"].config["Cmd"] == ["run"]
    assert images["asterisk"].config["Entrypoint"] == ["asterisk"]


def test_no_tool_of_the_build_is_left(image: Image) -> None:
    programs = {path.name for path in files(image.tree) if path.parent.name in ("bin", "sbin")}
    assert programs.isdisjoint(BUILD_TOOLS)
    assert not (image.tree / "source").exists() and not (image.tree / "wheels").exists()
    assert not list((image.tree / "usr/lib").rglob("cc1*"))


def test_no_secret_is_in_it(image: Image) -> None:
    names = [str(path) for path in files(image.tree) if path.name.endswith(("_secret", "http_token", ".toml", "_key"))]
    assert [name for name in names if not name.startswith(("opt/ringfence/lib/", "opt/lab/", "usr/share/"))] == []
    assert not [line for line in image.config.get("Env") or [] if "SECRET" in line or "TOKEN" in line]
    snippets = image.tree / "etc/asterisk/ringfence"
    assert not (snippets / "ari_ringfence.conf").exists() and not (snippets / "manager_ringfence.conf").exists()


def test_it_is_not_larger_than_it_need_be(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nimage {image.name}: {image.size / 1e6:.0f} MB unpacked")
    assert image.size < MOST_MEGABYTES[image.name] * 1e6


def test_the_program_says_its_version(images: dict[str, Image]) -> None:
    command = ["chroot", "--userspec=4711:4711", str(images["ringfence"].tree), "/opt/ringfence/bin/ringfence"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert version("ringfence") in done.stdout


def test_asterisk_loads_what_the_tests_have_loaded() -> None:
    text = (SOURCE / "docker/asterisk/modules.conf").read_text(encoding="utf-8")
    loaded = [line.removeprefix("load=").removesuffix(".so") for line in text.splitlines() if line.startswith("load=")]
    assert loaded == MODULES.split()


@pytest.mark.parametrize("name", ["compose.yaml", "compose.demo.yaml"])
def test_compose_itself_takes_the_file(name: str) -> None:
    services = checked(SOURCE / "docker" / name)["services"]
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"] and service["pids_limit"] and service["cpus"]
        assert service.get("privileged") is None and service.get("cap_add") is None


def test_those_who_freeze_and_kill_see_each_others_processes() -> None:
    services = checked(SOURCE / "docker/compose.demo.yaml")["services"]
    assert {services[name]["pid"] for name in ("carrier", "platform", "ringfence")} == {"service:asterisk"}
    assert services["asterisk"]["init"] is True


def files(tree: Path) -> Iterator[Path]:
    """Every file, relative to the tree; links are not followed."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if not stat.S_ISLNK(path.lstat().st_mode):
                yield path.relative_to(tree)


def account_of(image: Image) -> int:
    rows = (line.split(":") for line in (image.tree / "etc/passwd").read_text().splitlines())
    return next(int(row[2]) for row in rows if row[0] == image.config["User"])

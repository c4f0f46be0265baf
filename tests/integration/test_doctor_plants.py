"""`ringfence doctor` names each of these misconfigurations, by its check, and the file or setting that mends it."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.cli.doctor.finding import State
from tests.integration.plant import Ground, Plant
from tests.integration.planted_faults import PJSIP_RELOAD, PLANTS
from tests.integration.test_doctor import DoctorSite, open_site, words
from tests.lab.asterisk import AsteriskInstance
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.installation import Installation
from tests.lab.ports import Ports

RELOADS = ("module load func_rand.so", "dialplan reload", "manager reload", PJSIP_RELOAD)
AT_LEAST = 25


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DoctorSite]:
    """One Asterisk for all plants: what one of them changes is put back."""
    ports = Ports()
    asterisk = AsteriskInstance(installation.asterisk, ports, name="plants")
    platform, mobiles = Platform(ports), MobileNetwork(ports)
    try:
        await platform.start()
        await mobiles.start()
        async with open_site(asterisk, tmp_path_factory.mktemp("plants"), platform, mobiles) as site:
            await site.start()
            yield site
    finally:
        await asterisk.close()
        await platform.close()
        await mobiles.close()
        ports.close()


@pytest_asyncio.fixture(loop_scope="session")
async def ground(running: DoctorSite) -> AsyncIterator[Ground]:
    home, etc = running.config.parent, running.asterisk.etc
    before = {path: _kept(path) for folder in (home, etc) for path in folder.rglob("*") if path.is_file()}
    console, clock = running.console, running.clock
    planted = Ground(running, home, [])
    yield planted
    for held in planted.held:
        held.close()
    running.console, running.clock = console, clock
    changed = [path for path, kept in before.items() if _kept(path) != kept]
    for path in changed:
        _put_back(path, before[path])
    await planted.cli(*(RELOADS if any(etc in path.parents for path in changed) else RELOADS[:1]))


def test_there_are_enough_of_them() -> None:
    assert len({plant.what for plant in PLANTS}) == len(PLANTS) >= AT_LEAST


async def test_the_site_is_sound_without_them(running: DoctorSite) -> None:
    found = await running.examine()
    wrong = {name for name, findings in found.items() if any(f.state in (State.WARN, State.FAIL) for f in findings)}
    # A lab on the loopback address has no witnesses, and nobody has made a key for its backups: both are right.
    assert wrong <= {"configuration", "backup"}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.what)
async def test_each_is_found_and_the_fix_named(ground: Ground, plant: Plant) -> None:
    done = plant.act(ground)
    if inspect.isawaitable(done):
        await done
    found = (await ground.site.examine())[plant.check]
    told = [finding for finding in found if finding.state in (State.WARN, State.FAIL)]
    assert told, f"{plant.check} says: {words(found)}"
    assert all(finding.fix for finding in told)
    said = words(told)
    assert [name for name in plant.names if name not in said] == [], said


def _kept(path: Path) -> tuple[bytes, int, int, int] | None:
    if path.suffix in (".db-wal", ".db-shm") or not path.exists():
        return None
    status = path.stat()
    return path.read_bytes(), status.st_mode, status.st_uid, status.st_gid


def _put_back(path: Path, kept: tuple[bytes, int, int, int] | None) -> None:
    if kept is None:
        return
    content, mode, uid, gid = kept
    aside = path.with_name(f".{path.name}.back")
    aside.write_bytes(content)
    os.chown(aside, uid, gid)
    aside.chmod(mode & 0o7777)
    shutil.move(aside, path)

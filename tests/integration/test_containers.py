"""The services of the compose files, run out of the built images: root read-only, no capability, no root account."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.compose_stage import ComposeStage
from tests.lab.images import SOURCE, Image, ensure_images
from tests.lab.node import RingfenceNode
from tests.lab.people import Organisation
from tests.lab.process import SupervisedProcess
from tests.lab.waiting import wait_until

pytestmark = pytest.mark.timeout(900)
DEMO, BESIDE = SOURCE / "docker/compose.demo.yaml", SOURCE / "docker/compose.yaml"
# All seven acts, and everybody's start before them.
PLAY_SECONDS = 300.0


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return ensure_images()


@pytest.fixture
def stage(images: dict[str, Image]) -> Iterator[ComposeStage]:
    with ComposeStage(DEMO, images) as stage:
        yield stage


class Daemon(RingfenceNode):
    """Ringfence in its container, asked by its local socket."""

    def __init__(self, process: SupervisedProcess) -> None:
        self.process = process
        self.socket = Path(f"/proc/{process.pid}/root/run/ringfence/control.sock")


async def ready(stage: ComposeStage) -> Daemon:
    """With a directory in it, and Asterisk told of everything."""
    node = Daemon(stage.processes["ringfence"])
    await wait_until(node.alive, what="the local socket", deadline_seconds=30, diagnose=node.process.log_tail)
    await node.import_directory(Organisation(people=10, dids=12))
    await node.wait_ready()
    return node


async def test_health_is_what_it_is_and_nothing_can_be_written(stage: ComposeStage) -> None:
    await stage.up("ringfence", "platform", "mobile-network", "other-mobile-network")
    daemon = (await ready(stage)).process
    assert stage.healthy("ringfence") and stage.healthy("asterisk")
    for service in ("ringfence", "asterisk", "platform"):
        done = stage.run_in(
            service, "sh", "-c", "touch /opt/x; touch /usr/x; touch /x; id -u; grep CapBnd /proc/self/status"
        )
        assert done.stdout.count("Read-only file system") == 3, done.stdout
        assert done.stdout.split()[-3:-2] != ["0"] and done.stdout.split()[-1] == "0" * 16

    await daemon.freeze()
    assert not stage.healthy("ringfence")
    daemon.thaw()
    await daemon.wait_ready(lambda: stage.healthy("ringfence"), what="healthy again", deadline_seconds=20)
    await stage.processes["asterisk"].freeze()
    assert stage.healthy("ringfence"), "a restart of Ringfence would not mend Asterisk"


async def test_the_demonstration_loses_no_call(stage: ComposeStage, capsys: pytest.CaptureFixture[str]) -> None:
    await stage.up("carrier")
    carrier = stage.processes["carrier"]
    status = await carrier.wait_exit(PLAY_SECONDS)
    told = carrier.log_tail(60)
    with capsys.disabled():
        print(f"\n{told}")
    assert status == 0, told
    phases = {
        row["phase"]: row for row in json.loads((stage.volume("stage") / "demo-report.json").read_text())["phases"]
    }
    assert sum(row["lost"] for row in phases.values()) == 0
    # On a machine that stands still for a second a healthy platform may be late for a call, which then goes on.
    assert phases["normal"]["platform"] > 10 * phases["normal"]["default_number"]
    assert phases["platform frozen"]["default_number"] > 0
    assert phases["platform killed too"]["default_number"] > 0
    assert not stage.processes["ringfence"].running and not stage.processes["platform"].running


async def test_beside_an_asterisk_with_secrets_from_files(
    stage: ComposeStage, images: dict[str, Image], tmp_path: Path
) -> None:
    await stage.up("asterisk", "platform")
    own = tmp_path / "etc/ringfence"
    shutil.copytree(stage.volume("ringfence-etc"), own, copy_function=shutil.copy)
    for file in own.iterdir():
        # As docs/howto/run-in-containers.md has it done.
        shutil.chown(file, 0, 4711)
        file.chmod(0o640)
    with ComposeStage(BESIDE, images, host_files=tmp_path) as beside:
        beside.network.share(stage.processes["asterisk"].pid)
        await beside.up("ringfence")
        await ready(beside)
        assert beside.healthy("ringfence")

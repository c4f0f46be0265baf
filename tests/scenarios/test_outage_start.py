"""Starting under bad conditions: another daemon, a taken port, wrong secrets, a database that is gone or garbage."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.node import SECRET, RingfenceNode
from tests.lab.waiting import wait_until
from tests.scenarios.outage_steps import (
    GENEROUS_SECONDS,
    ORGANISATION,
    PLATFORM,
    call,
    call_all,
    fail_over,
    log_lines,
    reach,
    status,
    until,
)

EVERYBODY = range(6)


@pytest_asyncio.fixture(scope="module")
async def shared(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        yield stage


@pytest_asyncio.fixture
async def stage(shared: Stage) -> Stage:
    await shared.heal()
    return shared


async def _refused(node: RingfenceNode) -> str:
    """Starts a daemon that must end by itself; what it said, and nothing else may be a traceback."""
    node.process.start()
    await node.process.wait_exit(GENEROUS_SECONDS)
    assert node.process.exit_status == 1
    log = node.process.log_path.read_text()
    assert "Traceback" not in log
    return log.splitlines()[-1]


async def test_a_second_daemon_is_told_who_holds_the_asterisk(stage: Stage) -> None:
    second = RingfenceNode(stage.lab, PLATFORM)
    second.write_configuration()
    try:
        said = await _refused(second)
        assert "'lab'" in said and "already publishes into this Asterisk" in said, said
    finally:
        await second.close()
    assert await call(stage) == "platform"

    await stage.node.process.kill()
    await stage.node.start()
    assert await call(stage) == "platform", "the same node does not wait for its own claim"


async def test_a_second_daemon_on_the_same_state_is_told_which_process_holds_it(stage: Stage) -> None:
    second = RingfenceNode(stage.lab, PLATFORM)
    second.write_configuration()
    second.config_path.write_text(second.toml().replace(str(second.state_dir), str(stage.node.state_dir)))
    try:
        said = await _refused(second)
        assert str(stage.node.process.pid) in said and str(stage.node.state_dir) in said, said
    finally:
        await second.close()


async def test_a_taken_port_is_named(stage: Stage) -> None:
    await stage.node.process.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stage.node.http_port))
        taken.listen()
        said = await _refused(stage.node)
    assert str(stage.node.http_port) in said, said
    assert await call(stage) == "platform", "calls need no daemon"


@pytest.mark.parametrize(("name", "words"), [("ami_secret", "AMI"), ("ari_secret", "ARI")])
async def test_a_wrong_secret_is_said_once_and_not_tried_in_a_storm(stage: Stage, name: str, words: str) -> None:
    await stage.node.process.stop()
    stage.node.process.log_path.write_text("")
    secret = stage.node.directory / name
    secret.write_text("another-secret-0123456789")
    try:
        await stage.node.start(ready=False)

        async def said() -> bool:
            return await stage.node.alive() and words in (await status(stage))["asterisk"]["detail"]

        await until(stage, f"the status to say that {words} refuses us", said)
        assert await call_all(stage, EVERYBODY) == ["platform"] * 6
        # One line for each connection: three over AMI, one over ARI. What the verdicts rest on says it, too.
        refused = log_lines(stage, "refused the login") - log_lines(stage, "verdict changed")
        assert 1 <= refused <= 3, stage.node.process.log_tail()
        assert log_lines(stage, "another-secret") == 0
        refusals = stage.lab.asterisk.log_path.read_text(errors="replace").count("failed to authenticate")
        assert refusals <= 6, "one try each, and then a long pause"
    finally:
        secret.write_text(SECRET)
        await stage.node.process.stop()


async def test_a_corrupt_database_stops_neither_the_daemon_nor_the_failover(stage: Stage) -> None:
    await fail_over(stage)
    await stage.node.process.kill()
    kept = _take_database(stage)
    (stage.node.state_dir / "ringfence.db").write_bytes(b"garbage, page after page\n" * 4096)
    try:
        await stage.node.start(ready=False)
        await until(stage, "the daemon", stage.node.alive)
        await reach(stage, "FAILED_OVER")
        assert await stage.published() == "divert"
        assert await call_all(stage, EVERYBODY) == ["person"] * 6
    finally:
        await stage.node.process.kill()
        _put_database_back(stage, kept)
    await stage.node.start()
    assert await stage.node.mode() == "FAILED_OVER"


async def test_a_removed_database_keeps_mode_and_override_over_a_restart(stage: Stage) -> None:
    _take_database(stage)
    await stage.order("dr")
    await wait_until(lambda: _is(stage, "divert"), what="DR", deadline_seconds=GENEROUS_SECONDS)
    assert await call_all(stage, EVERYBODY) == ["person"] * 6
    await stage.node.process.kill()
    await stage.node.start(ready=False)
    await until(stage, "the daemon", stage.node.alive)

    async def forced() -> bool:
        scope = (await status(stage))["scopes"][0]
        return bool(scope["published"]) and scope["override"] is not None and scope["override"]["mode"] == "dr"

    await until(stage, "the override", forced)
    assert await stage.published() == "divert"
    assert await call_all(stage, EVERYBODY) == ["person"] * 6
    await stage.node.import_directory(ORGANISATION)  # the next test finds a directory again


async def _is(stage: Stage, decision: str) -> bool:
    return await stage.published() == decision


def _take_database(stage: Stage) -> dict[str, bytes]:
    """Deletes it; gives what was in it."""
    kept = {path.name: path.read_bytes() for path in stage.node.state_dir.glob("ringfence.db*")}
    for name in kept:
        (stage.node.state_dir / name).unlink()
    return kept


def _put_database_back(stage: Stage, kept: dict[str, bytes]) -> None:
    for path in stage.node.state_dir.glob("ringfence.db*"):
        path.unlink()
    for name, content in kept.items():
        (stage.node.state_dir / name).write_bytes(content)

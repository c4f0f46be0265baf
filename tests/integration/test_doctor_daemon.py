"""`ringfence doctor` beside the real daemon, from a published table to one that was taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cli.doctor import daemon_checks
from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.registry import run_checks
from tests.lab.lab import Lab
from tests.lab.node import RingfenceNode
from tests.lab.people import Organisation
from tests.lab.waiting import wait_until


async def _examine(node: RingfenceNode) -> dict[str, Finding]:
    findings = await run_checks(Ground(node.config_path, host_name="localhost"))
    return {finding.check: finding for finding in findings}


async def test_the_daemon_and_asterisk_hold_the_same_table(lab: Lab) -> None:
    node = RingfenceNode(lab)
    node.configure()
    try:
        await lab.asterisk.start()
        await node.start(ready=False)
        await wait_until(node.alive, what="the daemon", deadline_seconds=20, diagnose=node.process.log_tail)
        await node.import_directory(Organisation(people=20, dids=24))
        found = await _examine(node)
        for check in ("table", "table rows", "table equal", "database", "ami login", "ari login", "endpoints"):
            assert found[check].state is State.OK, found[check]
        assert "24" in found["table rows"].words

        await node.process.kill()
        found = await _examine(node)
        assert found["daemon"].state is State.WARN
        assert found["table rows"].state is State.OK, "calls go on by the last table"
        assert found["table equal"].state is State.UNKNOWN
    finally:
        await node.close()


@pytest.mark.parametrize(
    ("table", "states", "said"),
    [
        ({"would_loop": []}, [State.OK], "No number"),
        ({"would_loop": ["a loop: this rings that"]}, [State.WARN], "a loop: this rings that."),
        ({"would_loop": ["that"] * 12}, [State.WARN] * 11, "2 more"),
        ({}, [State.UNKNOWN], "nothing"),
        (None, [State.UNKNOWN], "nothing"),
    ],
)
async def test_numbers_that_would_come_back_are_told(table: object, states: list[State], said: str) -> None:
    findings = await daemon_checks.no_loops(Ground(Path("unused"), daemon_status={"table": table}))
    assert [finding.state for finding in findings] == states
    assert said in findings[-1].words
    (finding,) = await daemon_checks.no_loops(Ground(Path("unused")))
    assert finding.state is State.UNKNOWN

"""Real calls that reach nobody while the daemon is dead: it finds them in Asterisk's own records when it is back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest_asyncio
from typer.testing import CliRunner

from tests.fakes.program import program
from tests.lab.asterisk_files import cdr_conf
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PATIENCE_SECONDS, PLATFORM, call_all, fail_over, reach, until

NOBODY = Behaviour(manner=Manner.REFUSE, status=486)
WITHHELD = ("Privacy", "id")

_callers = count(1)


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        (stage.lab.asterisk.etc / "cdr.conf").write_text(cdr_conf(enable=True))
        await stage.lab.asterisk.cli("module reload cdr")
        yield stage


def new_caller() -> str:
    return f"+44163296{next(_callers) + 5000:04}"


async def ring(stage: Stage, person: int, caller: str, *headers: tuple[str, str]) -> CallResult:
    did = stage.organisation.did(person)
    return await stage.lab.caller.call(
        did, from_=caller, hold_seconds=0.05, give_up_seconds=PATIENCE_SECONDS, headers=headers
    )


async def missed(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = await stage.node.must("GET", "/v1/incidents/1/missed")
    return found


async def incident(stage: Stage) -> dict[str, Any]:
    (found,) = (await stage.node.must("GET", "/v1/incidents"))["incidents"]
    return dict(found)


async def call_nobody(stage: Stage) -> tuple[list[str], str]:
    """Two callers, one of whom tries twice, and one who withholds the number; nobody answers. The callers' numbers,
    and that of the one who withheld it."""
    callers, withheld = [new_caller() for _ in range(2)], new_caller()
    for network in (stage.lab.mobile_network, stage.lab.other_mobile_network):
        await network.behave(NOBODY)
    results = [
        await ring(stage, 0, callers[0]),
        await ring(stage, 0, callers[0]),
        await ring(stage, 1, callers[1]),
        await ring(stage, 2, withheld, WITHHELD),
    ]
    assert [result.final_status for result in results] == [200] * 4, "the announcement"
    for network in (stage.lab.mobile_network, stage.lab.other_mobile_network):
        await network.healthy()
    return callers, withheld


async def test_who_called_while_the_daemon_was_dead_is_on_the_call_back_list(stage: Stage, tmp_path: Path) -> None:
    await fail_over(stage)
    assert (await incident(stage))["closed_at"] is None
    await stage.node.process.kill()
    callers, withheld = await call_nobody(stage)
    await stage.node.start()

    async def completed() -> bool:
        unheard = (await missed(stage))["unheard"]
        return bool(unheard) and unheard[0]["covered"] is not None

    await until(stage, "the calls to be completed", completed)
    found = await missed(stage)
    assert found["unheard"][0]["covered"] is True, found["unheard"]
    lines = {(line["did"], line["calls"], line["withheld"]): line for line in found["missed"]}
    dids = [stage.organisation.did(person) for person in range(3)]
    assert sorted(lines) == sorted([(dids[0], 2, False), (dids[1], 1, False), (dids[2], 1, True)])
    assert lines[dids[0], 2, False]["caller"].endswith(callers[0][-3:])
    assert lines[dids[2], 1, True]["caller"] == "withheld"
    shown = json.dumps(found)
    assert not any(number[3:] in shown for number in (*callers, withheld)), "callers are masked"

    # The journal knows them as it knows those it was told of, and nothing twice.
    journal = (await stage.node.must("GET", "/v1/calls?limit=1000"))["calls"]
    assert len({call["call_id"] for call in journal}) == len(journal)
    assert [call["path"] for call in journal if call["answered_by"] == "announcement"] == ["divert"] * 4

    records = (stage.lab.asterisk.directory / "log/cdr-csv/Master.csv").read_text()
    hidden = [withheld, *(stage.organisation.mobile(person) for person in range(3))]
    assert not [number for number in hidden if number[3:] in records], "not in Asterisk's own file either"

    await ring(stage, 1, callers[1])
    await _fail_back(stage)
    await until(stage, "one to be taken off", lambda: _reached_later(stage))
    await _evidence_holds_no_caller(stage, tmp_path, [*callers, withheld])


async def _reached_later(stage: Stage) -> bool:
    return bool((await missed(stage))["counts"]["reached_later"] == 1)


async def _fail_back(stage: Stage) -> None:
    await stage.lab.platform.thaw()
    await reach(stage, "TRIAL")
    while await stage.node.mode() != "NORMAL":
        await call_all(stage, range(3, 6))
    await reach(stage, "NORMAL")
    assert (await incident(stage))["closed_at"] is not None


async def _evidence_holds_no_caller(stage: Stage, tmp_path: Path, callers: list[str]) -> None:
    pack = tmp_path / "evidence.zip"
    command = ["--socket", str(stage.node.socket), "incident", "evidence", "1", "-o", str(pack)]
    done = await asyncio.to_thread(CliRunner().invoke, program(), command)
    assert done.exit_code == 0, done.output
    private = [stage.organisation.mobile(person) for person in range(6)]
    with ZipFile(pack) as opened_pack:
        names = opened_pack.namelist()
        text = "".join(opened_pack.read(name).decode() for name in names)
    assert sorted(names) == ["calls.csv", "incident.json", "report.html", "timeline.csv"]
    assert not any(number[-9:] in text for number in (*callers, *private))
    assert "completed from Asterisk" in text and stage.organisation.did(0) in text

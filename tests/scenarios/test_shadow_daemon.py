"""Shadow mode end to end: the same outage, in shadow and live, with real calls and the real daemon; then the report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import (
    ORGANISATION,
    PLATFORM,
    call,
    call_all,
    log_lines,
    modes_in_history,
    reach,
    status,
    until,
)

QUICK = PLATFORM | {"ring_seconds": "5"}
PEOPLE = range(4)
NOT_OURS = "+441134961999"


@pytest_asyncio.fixture(scope="module")
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=QUICK) as stage:
        yield stage


async def _run_as(stage: Stage, *, shadow: bool) -> None:
    """As the how-to has it: one line in the configuration, and a restart."""
    await stage.node.process.stop()
    path = stage.node.config_path
    lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("shadow")]
    path.write_text(f"shadow = {str(shadow).lower()}\n" + "".join(lines))
    await stage.node.start()

    async def told() -> bool:
        return (await stage.node.published_mode()).endswith("|shadow") is shadow

    await until(stage, "the mode's mark in Asterisk", told)


async def _calls(stage: Stage, count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    async def told() -> bool:
        rows[:] = (await stage.node.must("GET", f"/v1/calls?limit={count}"))["calls"]
        return len(rows) == count

    await until(stage, "the journal's rows", told)
    return rows


async def _stored(stage: Stage, count: int) -> None:
    """The journal is written twice a second; what is not written yet dies with the daemon."""

    async def there() -> bool:
        return int((await _report(stage))["calls"]["calls"]) >= count

    await until(stage, "the journal to be stored", there)


async def _report(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = await stage.node.must("GET", "/v1/shadow?since=1d")
    return found


async def test_shadow_then_live_with_the_same_calls(stage: Stage) -> None:
    await _run_as(stage, shadow=True)
    lab = stage.lab
    assert (await status(stage))["shadow"]
    assert await call_all(stage, PEOPLE) == ["platform"] * 4
    await stage.lab.caller.call(NOT_OURS, from_="+441632960999", hold_seconds=0.05, give_up_seconds=10)

    await lab.platform.answer(503, number=ORGANISATION.did(1))
    assert await call(stage, 1) == "503", "live this call would be diverted on the spot"
    rows = await _calls(stage, 6)
    assert rows[0]["would"] | {"step": 1} == {
        "diverted": True,
        "path": "inline",
        "reason": "platform-failure",
        "answered_by": "person",
        "step": 1,
    }
    assert [row["would"]["diverted"] for row in rows[1:]] == [False] * 5

    await lab.platform.freeze()
    caught = asyncio.create_task(call(stage, 3))
    await reach(stage, "FAILED_OVER")
    assert await caught == "503", "live the sweep would have freed this caller"
    assert (await stage.node.published_mode()).split("|")[1] == "pinned"
    assert log_lines(stage, "callers freed from the platform") == 0
    assert await call_all(stage, PEOPLE) == ["503"] * 4
    seen = await _calls(stage, 11)
    assert {(row["decision"], row["would"]["reason"], row["would"]["answered_by"]) for row in seen[:4]} == {
        ("shadow", "scope-divert", "person")
    }

    await _stored(stage, 11)

    # With the daemon dead nothing changes for anybody.
    await stage.node.process.kill()
    assert await call(stage) == "503"
    await stage.node.start()
    assert await stage.node.mode() == "FAILED_OVER", "remembered over the restart"
    assert (await stage.node.published_mode()).endswith("|shadow")
    assert await call(stage) == "503"

    # The same platform, the same calls, live.
    await _run_as(stage, shadow=False)
    await reach(stage, "FAILED_OVER")
    assert await call_all(stage, PEOPLE) == ["person"] * 4
    assert not (await status(stage))["shadow"]
    assert all(row["would"] is None for row in await _calls(stage, 4))

    # And back: what a person forced moves nobody either.
    did = ORGANISATION.did(2)
    await _run_as(stage, shadow=True)
    order = {"mode": "dr", "did": did, "reason": "a drill"}
    assert (await stage.node.must("PUT", "/v1/override", order))["shadow"] is True
    await lab.platform.thaw()
    await lab.platform.healthy()
    assert await call_all(stage, range(2, 4)) == ["platform"] * 2
    await stage.node.must("DELETE", f"/v1/override?did={did.replace('+', '%2B')}&reason=done")
    await _stored(stage, 13)
    await _the_report(stage)


async def _the_report(stage: Stage) -> None:
    found = await _report(stage)
    assert len(found["spans"]) == 2 and found["in_shadow"]
    (outage,) = found["outages"]
    assert (outage["scope"], outage["perhaps_false"]) == ("uc", False)
    assert outage["answered"] <= 2, "only those after the platform was back"
    assert outage["evidence"] and outage["failed"] >= 4
    calls = found["calls"]
    assert calls["by_step"][0]["name"] == "person" and calls["saved"] >= 5
    assert [one["name"] for one in calls["not_in_directory"]] == [NOT_OURS]
    assert {one["name"] for one in calls["by_reason"]} == {"scope-divert", "platform-failure", "forced-divert"}
    wrong = [check["words"] for check in found["checks"] if not check["ok"]]
    assert any("not in the directory" in words for words in wrong) and not found["ready"]
    assert (await modes_in_history(stage)).count("FAILED_OVER") == 1
    history = (await stage.node.must("GET", "/v1/history?limit=50"))["history"]
    assert [row["shadow"] for row in history if row["after"] == "FAILED_OVER"] == [True]

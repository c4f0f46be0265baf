"""Dialplan, rows and daemon of neighbouring editions, as they meet in the middle of an upgrade: real calls.

That a dialplan takes rows it cannot read for none is shown in `test_transparent.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from ringfence.config.snippets import INCLUDES, shipped_snippets
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.neighbours import NEXT, claiming_next, lay, next_edition
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, call, status, until
from tests.scenarios.site import NO_PRIVATE_NUMBER, PLAN, CallSite, running_site

INCLUDE = INCLUDES[0].line
DIVERTED = f"uc|divert|voice|0|{PLAN}|{NO_PRIVATE_NUMBER}"


@pytest_asyncio.fixture
async def own_site(installation: Installation) -> AsyncIterator[CallSite]:
    """Of this test alone: its dialplan is replaced."""
    async with running_site(installation) as site:
        yield site


async def taken_by(site: CallSite, schema: str) -> str:
    """Who answers a call to a DID whose row, of this schema, diverts it."""
    did = site.did()
    await site.raw_record(did, f"{schema}|{DIVERTED}")
    assert (await site.carrier.call(did, from_=did)).final_status == 200
    return "mobile" if site.rang(site.network_a, caller=did) else "platform"


async def upgrade(site: CallSite) -> None:
    lay(next_edition(), site.asterisk.etc / "ringfence")
    await site.asterisk.cli("dialplan reload")


async def test_rows_count_once_the_dialplan_that_reads_them_is_there(own_site: CallSite) -> None:
    assert [await taken_by(own_site, schema) for schema in ("1", NEXT)] == ["mobile", "platform"]
    await upgrade(own_site)
    assert [await taken_by(own_site, schema) for schema in ("1", NEXT)] == ["platform", "mobile"]


async def test_calls_in_the_middle_of_the_change_are_all_answered(own_site: CallSite) -> None:
    dids = [own_site.did() for _ in range(20)]
    for did in dids:
        await own_site.raw_record(did, f"1|{DIVERTED}")
    calls = []
    for number, did in enumerate(dids):
        calls.append(asyncio.create_task(own_site.carrier.call(did, from_=did)))
        if number == len(dids) // 2:
            await upgrade(own_site)
    assert [one.final_status for one in await asyncio.gather(*calls)] == [200] * len(dids)


async def test_nothing_is_published_that_the_dialplan_would_not_read(installation: Installation) -> None:
    more = replace(ORGANISATION, dids=ORGANISATION.dids + 1)
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        folder, rows = stage.lab.asterisk.etc / "ringfence", await _rows(stage)
        await stage.node.must("PUT", "/v1/override", {"mode": "dr", "reason": "a scenario", "did": more.did(0)})
        lay(claiming_next(), folder)
        await stage.lab.asterisk.cli("dialplan reload")
        importing = asyncio.create_task(stage.node.import_directory(more))

        async def refused() -> bool:
            table = (await status(stage))["table"]
            return table["state"] == "differs" and f"reads rows of schema {NEXT}, and this" in table["detail"]

        await until(stage, "the table to be held back", refused)
        await stage.node.must("PUT", "/v1/override", {"mode": "dr", "reason": "a scenario", "did": more.did(1)})
        await until(stage, "the word to wait", lambda: "records of forced DIDs wait" in stage.node.process.log_tail())
        assert (await _rows(stage), await call(stage, 0)) == (rows, "person"), "the last table stands"
        assert await call(stage, 1) == "platform", "nor is a row of it written over"
        lay({name: text for name, text in shipped_snippets().items() if name in claiming_next()}, folder)
        await stage.lab.asterisk.cli("dialplan reload")
        await importing
        assert (await _rows(stage), await call(stage, 1)) == (rows + 1, "person")
        assert (await stage.lab.asterisk.db_get("ringfence", "schema") or "").startswith("1|1|")


async def test_a_dialplan_that_is_not_there_is_told_until_it_is(installation: Installation) -> None:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:

        async def told() -> bool:
            return any("runs without Ringfence's dialplan" in words for words in (await status(stage))["alarms"])

        async def not_told() -> bool:
            return not await told()

        extensions = stage.lab.asterisk.etc / "extensions.conf"
        text = extensions.read_text()
        assert INCLUDE in text and await not_told()
        extensions.write_text(text.replace(INCLUDE, ""))
        await stage.lab.asterisk.cli("dialplan reload")
        await until(stage, "the missing dialplan to be told", told)
        assert not await stage.node.is_ready()
        extensions.write_text(text)
        await stage.lab.asterisk.cli("dialplan reload")
        await until(stage, "the dialplan to be seen again", not_told)


async def _rows(stage: Stage) -> int:
    """DID records that Asterisk holds."""
    return (await stage.lab.asterisk.cli("database show ringfence/did")).count(": 1|")

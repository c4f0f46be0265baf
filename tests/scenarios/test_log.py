"""What an outage writes into Asterisk's log: nothing, or a night of it would fill the disk."""

from __future__ import annotations

import asyncio

from tests.scenarios.site import CallSite

OWN_EARS = "Taskprocessor 'stasis/m:ari:application/lab-"
"""Asterisk's queue towards the test itself, which is full where the test's machine is busy."""


async def test_outage_writes_no_warnings(site: CallSite) -> None:
    dids = [site.did() for _ in range(3)]
    for did in dids:
        await site.record(did)
    await site.platform.silent(number=dids[0])
    await site.platform.answer(503, number=dids[1])
    await site.platform.answer(480, number=dids[2])
    offset = site.asterisk.log_path.stat().st_size
    await asyncio.gather(*(site.carrier.call(did) for did in dids))
    for did in dids:
        await site.event("RingfenceCall", did)
    # What Asterisk writes is in the file as soon as a later command has been answered.
    await site.asterisk.cli("core show uptime")
    text = site.asterisk.log_path.read_text(errors="replace")[offset:]
    lines = [line for line in text.splitlines() if "WARNING" in line or "ERROR" in line]
    assert [line for line in lines if OWN_EARS not in line] == []

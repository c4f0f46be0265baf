"""The AMI link against a real Asterisk: refused, killed, frozen, forged."""

from __future__ import annotations

import asyncio
import time

import pytest

from ringfence.app.ports import AsteriskLoginRefused, AsteriskRefused, AsteriskUnavailable
from ringfence.asterisk.ami import AmiSession
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ami_wire import Row
from ringfence.asterisk.backoff import BackOff
from tests.integration.asterisk_links import ami_links, ami_settings, recorded_logs, running
from tests.lab.asterisk import AsteriskInstance


class Edges:
    """What a link told its listeners."""

    def __init__(self) -> None:
        self.seen: list[tuple[bool, str]] = []
        self._queue: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()

    def tell(self, up: bool, words: str) -> None:
        self.seen.append((up, words))
        self._queue.put_nowait((up, words))

    async def next(self, deadline_seconds: float = 10.0) -> tuple[bool, str]:
        async with asyncio.timeout(deadline_seconds):
            return await self._queue.get()


async def test_a_wrong_secret_is_one_error_and_no_storm(asterisk: AsteriskInstance) -> None:
    wrong, edges = ami_settings(asterisk, "wrong-secret"), Edges()
    with pytest.raises(AsteriskLoginRefused, match=r"manager\.conf"):
        await AmiSession.open(wrong)
    with recorded_logs() as logs:
        link = AmiLink(wrong, "modes", [edges.tell], BackOff(refused_seconds=0.1))
        async with running(link.run()):
            up, words = await edges.next()
            assert not up
            assert "manager.conf" in words
            with pytest.raises(AsteriskLoginRefused):
                await link.ask("Ping", {})
            with pytest.raises(TimeoutError):
                await edges.next(deadline_seconds=0.5)
    assert len(logs) == 1
    assert "wrong-secret" not in repr((logs, edges.seen, wrong))


async def test_a_missing_privilege_is_said(asterisk: AsteriskInstance) -> None:
    conf = asterisk.etc / "manager.conf"
    conf.write_text(conf.read_text() + "[poor]\nsecret=poor-secret\nread=call\nwrite=call\n")
    await asterisk.cli("manager reload")
    settings = ami_settings(asterisk)
    session = await AmiSession.open(type(settings)("poor", "poor-secret", port=settings.port))
    with pytest.raises(AsteriskLoginRefused, match="'poor' may not DBPut"):
        await session.ask("DBPut", {"Family": "ringfence", "Key": "x", "Val": "1"})
    session.close()


async def test_a_killed_asterisk_fails_whoever_waits_and_replays_nothing(asterisk: AsteriskInstance) -> None:
    edges = Edges()
    async with ami_links(asterisk, "tables") as (link,):
        link.listen(edges.tell)
        await asterisk.freeze()
        waiting = asyncio.ensure_future(
            link.ask("DBPut", {"Family": "ringfence", "Key": "late", "Val": "1"}, deadline_seconds=30)
        )
        await asyncio.sleep(0)
        await asterisk.kill()
        with pytest.raises(AsteriskUnavailable):
            await asyncio.wait_for(waiting, 5)
        assert not (await edges.next())[0]
        with pytest.raises(AsteriskUnavailable):
            await link.ask("Ping", {})
        began = time.perf_counter()
        await asterisk.start()
        assert (await edges.next())[0]
        print(f"\nup {time.perf_counter() - began:.2f} s after the start")
        assert not (await link.ask("DBGet", {"Family": "ringfence", "Key": "late"})).success


async def test_an_answer_in_time_is_a_promise(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (link,):
        await asterisk.freeze()
        began = time.perf_counter()
        with pytest.raises(AsteriskUnavailable, match="in time"):
            await link.ask("DBGet", {"Family": "ringfence", "Key": "x"}, deadline_seconds=0.2)
        print(f"\ngave up after {time.perf_counter() - began:.2f} s")
        await asterisk.thaw()
        # The late answer of the action nobody waits for must not be taken for the next one's.
        assert not (await link.ask("DBGet", {"Family": "ringfence", "Key": "y"})).success


async def test_line_breaks_are_refused_in_every_value(asterisk: AsteriskInstance) -> None:
    async with ami_links(asterisk, "tables") as (link,):
        for value in ("x\r\nAction: Logoff", "x\ny", "x\ry", "\0"):
            with pytest.raises(AsteriskRefused):
                await link.ask("Hangup", {"Channel": value})
        assert (await link.ask("Ping", {})).success


async def test_a_closed_port_is_unavailable_with_the_address(asterisk: AsteriskInstance) -> None:
    settings = ami_settings(asterisk)
    await asterisk.kill()
    with pytest.raises(AsteriskUnavailable, match=str(settings.port)):
        await AmiSession.open(settings)


async def test_asterisk_writes_its_rows_as_the_short_way_knows_them(asterisk: AsteriskInstance) -> None:
    """In another order of headers they would be read all the same, and a great table in four times the time."""
    session = await AmiSession.open(ami_settings(asterisk))
    await session.ask("DBPut", {"Family": "ringfence/did/1", "Key": "+441134960001", "Val": "1|é"})
    sent = session.send("DBGetTree", {"Family": "ringfence/did/1"})
    (reply,) = await session.answers([sent])
    session.close()
    assert reply.rows[0] == {"key": "/ringfence/did/1/+441134960001", "val": "1|é"}
    assert isinstance(sent.answer.result()[1], Row)

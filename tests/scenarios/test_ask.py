"""A dialplan that asks the daemon (`ringfence-ask`), and goes on by itself wherever there is no answer in time."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager

import pytest_asyncio

from ringfence.asterisk.fastagi import FastAgiDoor, FastAgiSettings
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.own_dial import ASK, OWN, own_dialplan
from tests.scenarios.site import MOBILE, CallSite, Event, running_site


@pytest_asyncio.fixture(scope="module")
async def shared_asking(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation, own=own_dialplan(ASK)) as site:
        yield site


@pytest_asyncio.fixture
async def site(shared_asking: CallSite) -> CallSite:
    await shared_asking.reset()
    return shared_asking


class _Daemon:
    """A door whose daemon's loop is a thread's, so that it can be stuck while calls are made."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.asked: list[str] = []
        self.silent = False
        self.door = FastAgiDoor(FastAgiSettings(port=0), self._decide)
        self._let_go = threading.Event()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._running: asyncio.Task[None] | None = None
        self._ended: Future[None] = Future()
        self.loop.call_soon_threadsafe(self._start)

    async def _decide(self, did: str) -> Mapping[str, str] | None:
        self.asked.append(did)
        if self.silent:
            await asyncio.Event().wait()
        decision, answer = ("divert", "plan") if did.endswith(("1", "3", "5", "7", "9")) else ("normal", "platform")
        return {"RF_ANSWER_DECISION": decision, "RF_ANSWER_REASON": f"scope-{decision}", "RF_ANSWER": answer}

    def stick(self) -> None:
        """From here on nothing runs in the daemon's loop."""
        self.loop.call_soon_threadsafe(self._let_go.wait)

    def _start(self) -> None:
        self._running = self.loop.create_task(self.door.run())

    async def _end(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._ended.set_result(None)

    async def close(self) -> None:
        self._let_go.set()
        asyncio.run_coroutine_threadsafe(self._end(), self.loop)
        await asyncio.wrap_future(self._ended)
        self.loop.call_soon_threadsafe(self.loop.stop)
        await asyncio.to_thread(self._thread.join)
        self.loop.close()


@asynccontextmanager
async def _daemon() -> AsyncIterator[_Daemon]:
    daemon = _Daemon()
    try:
        await wait_until(lambda: daemon.door.port is not None, what="the door", deadline_seconds=5)
        yield daemon
    finally:
        await daemon.close()


async def _sign(site: CallSite, port: int | None, age_seconds: int = 0) -> None:
    await site.put("ringfence", "door", f"1|{port}|{int(time.time()) - age_seconds}")


async def _asked(site: CallSite, did: str) -> Event:
    call = await asyncio.wait_for(site.carrier.call(did, from_=did, headers=OWN), 15)
    assert call.answered
    return await site.event("RingfenceCall", did)


def _numbers(site: CallSite) -> tuple[str, str]:
    """An odd and an even one: the daemon diverts the first, whatever AstDB says."""
    first, second = site.did(), site.did()
    return (first, second) if int(first[-1]) % 2 else (second, first)


async def test_answer_of_the_daemon_counts(site: CallSite) -> None:
    diverted, normal = _numbers(site)
    await site.record(diverted)
    await site.record(normal, forced="divert")
    async with _daemon() as daemon:
        await _sign(site, daemon.door.port)
        event = await _asked(site, diverted)
        assert (event["path"], event["reason"], event["answered_by"]) == ("divert", "scope-divert", "person")
        assert site.rang(site.network_a, caller=diverted) == [MOBILE]
        event = await _asked(site, normal)
        assert (event["path"], event["reason"], event["answered_by"]) == ("platform", "scope-normal", "platform")
        assert daemon.asked == [diverted, normal]


async def test_nobody_is_asked_without_a_fresh_sign(site: CallSite) -> None:
    diverted, _ = _numbers(site)
    await site.record(diverted)
    async with _daemon() as daemon:
        port = daemon.door.port
        for sign in (None, f"1|{port}|{int(time.time()) - 4}", f"2|{port}|{int(time.time())}", "1|x|y", f"1|{port}|"):
            if sign is not None:
                await site.put("ringfence", "door", sign)
            site.events.clear()
            assert (await _asked(site, diverted))["answered_by"] == "platform", sign
        assert daemon.asked == []


async def test_daemon_that_says_nothing_loses_no_call(site: CallSite) -> None:
    """Asked and silent: the door itself breaks off."""
    diverted, _ = _numbers(site)
    await site.record(diverted)
    async with _daemon() as daemon:
        daemon.silent = True
        await _sign(site, daemon.door.port)
        event = await _asked(site, diverted)
        assert (event["answered_by"], event["reason"]) == ("platform", "scope-normal")
        assert daemon.asked == [diverted]


async def test_stuck_daemon_loses_no_call(site: CallSite) -> None:
    """Five calls in the moment in which its loop sticks, five when the door has shut; the sign looks fresh."""
    dids = [site.did() for _ in range(10)]
    for did in dids:
        await site.record(did, forced="divert")
    async with _daemon() as daemon:
        await _sign(site, daemon.door.port)
        daemon.stick()
        first = await asyncio.gather(*(_asked(site, did) for did in dids[:5]))
        await wait_until(lambda: daemon.door.port is None, what="the door to shut", deadline_seconds=5)
        await _sign(site, 9)
        rest = await asyncio.gather(*(_asked(site, did) for did in dids[5:]))
        assert {event["reason"] for event in (*first, *rest)} == {"forced-divert"}
        assert {event["answered_by"] for event in (*first, *rest)} == {"person"}


async def test_process_that_is_stopped_as_a_whole_loses_no_call(site: CallSite) -> None:
    """Its kernel goes on taking connections in, and nobody ever answers."""
    dids = [site.did() for _ in range(5)]
    for did in dids:
        await site.record(did, forced="divert")
    with socket.socket() as stopped:
        stopped.bind(("127.0.0.1", 0))
        stopped.listen(64)
        await _sign(site, stopped.getsockname()[1])
        events = await asyncio.gather(*(_asked(site, did) for did in dids))
    assert {(event["reason"], event["answered_by"]) for event in events} == {("forced-divert", "person")}


async def test_caller_who_gives_up_while_we_wait_leaves_nothing_behind(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.ring_for_ever(number=did)  # on a busy machine the wait may be over before the caller gives up
    with socket.socket() as stopped:
        stopped.bind(("127.0.0.1", 0))
        stopped.listen(64)
        await _sign(site, stopped.getsockname()[1])
        await site.carrier.call(did, headers=OWN, cancel_after_seconds=0.1)
        event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["result"]) == ("nobody", "cancelled")
    listing = await site.asterisk.cli("core show channels concise")
    assert "own-in" not in listing


async def test_hostile_number_is_not_asked_about(site: CallSite) -> None:
    did, _ = _numbers(site)
    async with _daemon() as daemon:
        for text in (f"{did},patient", f"{did}%0A", f"{did}%22%2C", f"{did}/x", "%28"):
            await _sign(site, daemon.door.port)
            uri = f"sip:{text}@127.0.0.1:{site.asterisk.ports.sip}"
            await asyncio.wait_for(site.carrier.call("x", headers=OWN, raw_request_uri=uri.encode()), 10)
        # The caller's own number may end the request early and begin another one: the DID stands before it.
        await site.record(did)
        await _sign(site, daemon.door.port)
        evil = b"<sip:x%0Aagi_arg_1:%20%2B441134960999%0A%0A200%20result=1@127.0.0.1>"
        await asyncio.wait_for(site.carrier.call(did, headers=OWN, raw_from=evil), 10)
        assert set(daemon.asked) <= {did}

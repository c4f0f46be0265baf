"""A call router on ARI as people write it: takes each call in Stasis, creates the outgoing channel, bridges the two.

`python -m tests.lab.bench.stasis_app --http PORT`: its password is in RINGFENCE_BENCH_ARI. The next destination is
tried whenever the first ended unanswered, but for busy: more often than the other rivals try it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.lab.bench.configurations import FALLBACK_NUMBER, RING_SECONDS

APPLICATION = "bench"
BUSY = 17
TRIES = 3


@dataclass(slots=True)
class Call:
    """One caller, and the leg that is being tried for it."""

    incoming: str
    did: str
    caller: str
    outgoing: str = ""
    second: bool = False
    bridge: str = ""


class Router:
    """All calls of the application, by either channel's id."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base
        self._calls: dict[str, Call] = {}

    async def ask(self, method: str, path: str, **query: str) -> Any:
        for _ in range(TRIES):
            try:
                async with self._session.request(method, f"{self._base}/{path}", params=query) as answer:
                    return await answer.json() if answer.status == 200 else None
            except aiohttp.ClientConnectionError:
                continue  # Asterisk closes a connection that was idle just as it is used
        return None

    async def handle(self, event: dict[str, Any]) -> None:
        channel = event.get("channel", {})
        call = self._calls.get(channel.get("id", ""))
        match event["type"]:
            case "StasisStart" if not event["args"]:
                number = channel["caller"]["number"]
                call = Call(channel["id"], channel["dialplan"]["exten"], number)
                self._calls[call.incoming] = call
                await self._try(call, f"PJSIP/{call.did}@platform")
            case "StasisStart" if call is not None:
                await self._connect(call)
            case "ChannelStateChange" if call is not None and channel["state"] == "Ringing":
                if channel["id"] == call.outgoing:
                    await self.ask("POST", f"channels/{call.incoming}/ring")
            # Of a channel that was in Stasis the second may never come.
            case "StasisEnd" | "ChannelDestroyed" if call is not None:
                await self._ended(call, channel["id"], int(event.get("cause", 0)))

    async def _try(self, call: Call, endpoint: str) -> None:
        made = await self.ask(
            "POST", "channels", endpoint=endpoint, app=APPLICATION, appArgs="outgoing", callerId=call.caller,
            timeout=str(RING_SECONDS), originator=call.incoming,
        )  # fmt: skip
        if made is None:
            await self._ended(call, call.outgoing, 0)
            return
        call.outgoing = made["id"]
        self._calls[call.outgoing] = call
        await self._gone(call)

    async def _connect(self, call: Call) -> None:
        await self.ask("POST", f"channels/{call.incoming}/answer")
        bridge = await self.ask("POST", "bridges", type="mixing")
        if bridge is not None:
            call.bridge = bridge["id"]
            await self.ask("POST", f"bridges/{call.bridge}/addChannel", channel=f"{call.incoming},{call.outgoing}")
        await self._gone(call)

    async def _gone(self, call: Call) -> None:
        """The caller hung up while we were asking for something: what came of that is taken down."""
        if call.incoming not in self._calls:
            await self._ended(call, call.incoming, 0)
            await self.ask("DELETE", f"channels/{call.outgoing}")

    async def _ended(self, call: Call, channel: str, cause: int) -> None:
        self._calls.pop(channel, None)
        if channel == call.outgoing and not call.bridge and not call.second and cause != BUSY:
            if call.incoming in self._calls:
                call.second = True
                await self._try(call, f"PJSIP/{FALLBACK_NUMBER}@fallback")
            return
        other = call.incoming if channel == call.outgoing else call.outgoing
        if other and self._calls.pop(other, None) is not None:
            await self.ask("DELETE", f"channels/{other}")
        if call.bridge:
            bridge, call.bridge = call.bridge, ""
            await self.ask("DELETE", f"bridges/{bridge}")


async def serve(port: int, password: str) -> None:
    base = f"http://127.0.0.1:{port}/ari"
    pair = base64.b64encode(f"lab:{password}".encode()).decode()
    async with aiohttp.ClientSession(headers={"Authorization": f"Basic {pair}"}) as session:
        router = Router(session, base)
        tasks: set[asyncio.Task[None]] = set()
        async with session.ws_connect(f"{base}/events?app={APPLICATION}") as socket:
            print("ready", flush=True)
            async for frame in socket:
                # Each event by itself: one call's request must not hold up another's.
                task = asyncio.create_task(router.handle(json.loads(frame.data)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.http, os.environ["RINGFENCE_BENCH_ARI"]))


if __name__ == "__main__":
    main()

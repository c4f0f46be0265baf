"""Two hundred browsers in one small program: each signed in, watching `/events`, opening pages, and asking for them
again when told to, as the script on the pages does. What they waited is printed.

    python -m tests.lab.viewers --port PORT --seconds SECONDS

One line of JSON on standard input has the viewers: a list of their sessions' tokens, each with the paths of its pages.
When the time is over, one line of JSON goes to standard output; the viewers go on until standard input is closed, at
most `HOLD_SECONDS` long.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from ringfence.web.pages.frame import LIVE_HEADER
from ringfence.web.sessions import COOKIE

MAX_VIEWERS = 400
HOLD_SECONDS = 30.0
ARRIVE_SECONDS = 5.0
"""In which all of them come, whom the same alarm has called."""
LOOKS_AT_A_PAGE_SECONDS = (6.0, 14.0)
ANSWER_SECONDS = 10.0
BODY = re.compile(
    r'<body data-events="(?P<events>[^"]+)" data-version="(?P<version>[^"]*)" data-watches="(?P<watches>[^"]*)"'
)


@dataclass
class Seen:
    """What all viewers have met with."""

    began: float
    answers: list[tuple[str, float, float]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    watching: int = 0
    told: int = 0

    def note(self, view: str, asked_at: float) -> None:
        """View, when it was asked for in seconds from the start, first byte after how many milliseconds."""
        self.answers.append((view, asked_at - self.began, (time.monotonic() - asked_at) * 1000))


class Viewer:
    """One browser with one page open."""

    def __init__(self, session: aiohttp.ClientSession, views: list[str], seen: Seen) -> None:
        self._session = session
        self._views = views
        self._seen = seen
        self._view = random.choice(views)
        self._version = ""
        self._watches: frozenset[str] = frozenset()
        self._calls: int | None = None
        self._due: asyncio.TimerHandle | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Comes, and stays until cancelled."""
        await asyncio.sleep(random.uniform(0, ARRIVE_SECONDS))
        await self._get()
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                await asyncio.sleep(random.uniform(*LOOKS_AT_A_PAGE_SECONDS))
                self._view = random.choice(self._views)
                await self._get()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _get(self, live: bool = False) -> None:
        view = self._view
        headers = {"Accept": "text/html"} | ({LIVE_HEADER: "1"} if live else {})
        began = time.monotonic()
        try:
            async with self._session.get(view, headers=headers, allow_redirects=False) as answer:
                self._seen.note(view, began)
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._seen.refused[f"{view}: {type(error).__name__}"] += 1
            return
        found = BODY.search(text)
        if answer.status != 200 or found is None:
            self._seen.refused[f"{view}: {answer.status}"] += 1
            return
        if not live:
            self._version, self._watches, self._calls = found["version"], frozenset(found["watches"].split()), None

    async def _watch(self) -> None:
        """One stream for all pages of this viewer: what a browser opens anew with each page costs it no rendering."""
        while True:
            try:
                async with self._session.get("/events", timeout=aiohttp.ClientTimeout(total=None)) as answer:
                    if answer.status != 200:
                        self._seen.refused[f"/events: {answer.status}"] += 1
                        return
                    self._seen.watching += 1
                    try:
                        async for line in answer.content:
                            if line.startswith(b"data:"):
                                self._hear(json.loads(line[5:]))
                    finally:
                        self._seen.watching -= 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self._seen.refused[f"/events: {type(error).__name__}"] += 1
            await asyncio.sleep(3)

    def _hear(self, told: dict[str, object]) -> None:
        self._seen.told += 1
        calls = int(str(told["calls"]))
        differs = ("version" in self._watches and told["version"] != self._version) or (
            "calls" in self._watches and self._calls is not None and calls != self._calls
        )
        self._version, self._calls = str(told["version"]), calls
        if differs and self._due is None:
            wait_seconds = random.random() * float(str(told["spread_ms"])) / 1000
            self._due = asyncio.get_running_loop().call_later(wait_seconds, self._ask_again)

    def _ask_again(self) -> None:
        self._due = None
        if self._session.closed:
            return
        task = asyncio.create_task(self._get(live=True))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


async def watch(port: int, sessions: list[tuple[str, list[str]]], seconds: float) -> None:
    """Runs a viewer for each session; prints after `seconds`, ends when standard input does."""
    if len(sessions) > MAX_VIEWERS:
        raise SystemExit(f"at most {MAX_VIEWERS} viewers")
    seen = Seen(time.monotonic())
    clients = [
        aiohttp.ClientSession(
            f"http://localhost:{port}",
            headers={"Cookie": f"{COOKIE}={token}"},
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        for token, _ in sessions
    ]
    arriving = zip(clients, sessions, strict=True)
    viewers = {asyncio.create_task(Viewer(client, views, seen).run()) for client, (_, views) in arriving}
    try:
        await asyncio.sleep(seconds)
        print(_report(seen), flush=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLD_SECONDS):
                await _end_of_input()
    finally:
        # What they still ask for ends with them, and before what it is asked with.
        others = viewers | asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in clients:
            await client.close()


async def _end_of_input() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _report(seen: Seen) -> str:
    return json.dumps(
        {
            "answers": seen.answers,
            "refused": seen.refused,
            "watching": seen.watching,
            "told": seen.told,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.viewers", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    asyncio.run(watch(options.port, json.loads(sys.stdin.readline()), options.seconds))


if __name__ == "__main__":
    main()

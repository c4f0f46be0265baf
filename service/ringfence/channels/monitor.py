"""The monitor outside that hears our heartbeat (`app.notify.heartbeat.Monitor`), by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable

DEADLINE_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 4 << 10


class HttpMonitor:
    """`url` may hold the token by which the monitor knows us: it is never repeated, not even in an error."""

    def __init__(self, url: str, method: str) -> None:
        self._url = url
        self._method = method

    async def beat(self, state: Mapping[str, object]) -> None:
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(limit=1, force_close=True),
                    trust_env=False,
                ) as session,
                session.request(
                    self._method,
                    self._url,
                    json=dict(state) if self._method == "POST" else None,
                    allow_redirects=False,
                ) as answer,
            ):
                await answer.content.read(MAX_ANSWER_BYTES)
                if not 200 <= answer.status < 300:
                    raise ChannelRefused(f"{self._where} answered {answer.status}.", "Look at heartbeat.url.")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ChannelUnavailable(f"{self._where} is not reachable ({type(error).__name__}).") from None

    @property
    def _where(self) -> str:
        return f"The monitor at {URL(self._url).host}"

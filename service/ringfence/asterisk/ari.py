"""A thin typed client of ARI: a handful of requests, and the WebSocket that events arrive on.

Every fault becomes one of the port's errors, with a sentence and a fix; the password is in a header only, never in an
address, an error or a log. The lasting event stream on top of it is `ari_link.AriLink`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from ringfence.app.ports import AsteriskError, AsteriskLoginRefused, AsteriskRefused, AsteriskUnavailable
from ringfence.asterisk.vocabulary import EVENT_FILTER

REQUEST_DEADLINE_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 1.2
"""Ping after so long a silence; the pong must come within half of it (aiohttp's rule), so that a half-open
connection is noticed within 1.8 s of its last sign of life."""
MAX_EVENT_BYTES: Final = 1 << 20
MAX_ANSWER_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class AriSettings:
    """Where ARI listens and who we are there. `node` gives the application's name: one per node, for a second
    WebSocket of the same name makes the first one deaf. `url` is without the `/ari`, plus Asterisk's prefix if any."""

    username: str
    password: str = field(repr=False)
    node: str
    url: str = "http://127.0.0.1:8088"

    @property
    def application(self) -> str:
        return f"ringfence-{self.node}"


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One channel as ARI lists it. `created_at` is Asterisk's text, good for ordering only. `exten` is where it is in
    the dialplan; a leg that `Dial` made has its caller's."""

    channel_id: str
    name: str
    state: str
    created_at: str = ""
    exten: str = ""


class AriClient:
    """Requests to one Asterisk. Use: `async with AriClient(settings) as ari`. Each request may raise AsteriskError."""

    def __init__(self, settings: AriSettings) -> None:
        self.settings = settings
        self._base = URL(settings.url.rstrip("/"))
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AriClient:
        # Not aiohttp's BasicAuth, which refuses a colon in the user name by an exception that quotes it, and latin-1.
        pair = f"{self.settings.username}:{self.settings.password}".encode()
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
            timeout=aiohttp.ClientTimeout(total=REQUEST_DEADLINE_SECONDS),
            # Asterisk is on this machine: a proxy from the environment must never see the password.
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def channels(self) -> list[ChannelInfo]:
        """Every channel of Asterisk's."""
        found = await self._request("GET", "channels")
        return [_channel(entry) for entry in found] if isinstance(found, list) else []

    async def channel(self, channel_id: str) -> ChannelInfo | None:
        """One channel; None when it is gone."""
        found = await self._request("GET", "channels", channel_id)
        return None if found is None else _channel(found)

    async def variable(self, channel: str, name: str) -> str | None:
        """A variable or function of one channel, which is named by its id or name; None when there is no such one."""
        found = await self._request("GET", "channels", channel, "variable", query={"variable": name})
        value = found.get("value") if isinstance(found, dict) else None
        return value if isinstance(value, str) else None

    async def endpoint_state(self, name: str) -> str | None:
        """The state of a PJSIP endpoint in Asterisk's spelling; None when there is no such endpoint."""
        found = await self._request("GET", "endpoints", "PJSIP", name)
        state = found.get("state") if isinstance(found, dict) else None
        return state if isinstance(state, str) else None

    async def filter_events(self) -> None:
        """Leaves only the events we read. Needed after every connect: the filter dies with the WebSocket."""
        path = ("applications", self.settings.application, "eventFilter")
        if await self._request("PUT", *path, body=EVENT_FILTER) is None:
            raise AsteriskUnavailable("ARI does not know our application yet.")

    async def events(self) -> aiohttp.ClientWebSocketResponse:
        """Opens the WebSocket with every event subscribed to; the caller closes it."""
        url = self._url("events").update_query(app=self.settings.application, subscribeAll="true")
        try:
            async with asyncio.timeout(REQUEST_DEADLINE_SECONDS):
                return await self._session().ws_connect(
                    url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MAX_EVENT_BYTES, autoclose=False
                )
        except aiohttp.WSServerHandshakeError as error:
            raise self._refusal(error.status, "the event stream") or self._no_ari() from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None

    async def _request(
        self, method: str, *path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> object:
        """The answer's JSON; None for "not found"; an empty object for an answer without content."""
        try:
            async with self._session().request(method, self._url(*path).update_query(query), json=body) as answer:
                if answer.status == 404:
                    return None
                if error := self._refusal(answer.status, path[0]):
                    raise error
                if answer.status == 204:
                    return {}
                content = await answer.content.read(MAX_ANSWER_BYTES)
                while chunk := await answer.content.read(MAX_ANSWER_BYTES):
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        raise AsteriskRefused("ARI's answer is too large to be true.")
                return json.loads(content)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from None
        except (ValueError, RecursionError):
            raise AsteriskRefused(f"ARI answered something that is not JSON to a question about {path[0]}.") from None

    def _url(self, *path: str) -> URL:
        # Encoded here and declared so: a `/` or `?` in a channel's id must not become part of the path.
        encoded = "/".join(quote(part, safe="") for part in path)
        return URL(f"{self._base}/ari/{encoded}", encoded=True)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise AsteriskUnavailable("The ARI client is closed.")
        return self._http

    def _refusal(self, status: int, what: str) -> AsteriskError | None:
        user = self.settings.username
        if status == 401:
            return AsteriskLoginRefused(
                f"ARI on {self._base} refused the login of user '{user}'.",
                "Make the password in Asterisk's ari.conf and in Ringfence's configuration the same, then run "
                "`asterisk -rx 'module reload res_ari.so'`.",
            )
        if status == 403:
            return AsteriskLoginRefused(
                f"ARI user '{user}' may not use {what}.", "Set read_only = no for it in Asterisk's ari.conf."
            )
        if status >= 500:
            return AsteriskUnavailable(f"ARI answered {status}: Asterisk is not ready yet.")
        if status >= 400:
            return AsteriskRefused(f"ARI answered {status} to a question about {what}.")
        return None

    def _no_ari(self) -> AsteriskError:
        return AsteriskUnavailable(
            f"There is no ARI on {self._base}.", "Is ari.conf enabled, and is res_ari.so loaded?"
        )

    def _unreachable(self, error: Exception) -> AsteriskError:
        if isinstance(error, TimeoutError):
            return AsteriskUnavailable("ARI did not answer in time.", "Is Asterisk frozen or overloaded?")
        return AsteriskUnavailable(
            f"ARI cannot be reached on {self._base} ({type(error).__name__}).",
            "Is Asterisk running, and is http.conf enabled on this address?",
        )


def _channel(entry: object) -> ChannelInfo:
    fields = entry if isinstance(entry, dict) else {}
    dialplan = fields.get("dialplan")
    exten = dialplan.get("exten", "") if isinstance(dialplan, dict) else ""
    channel_id, name, state, created_at = (str(fields.get(key, "")) for key in ("id", "name", "state", "creationtime"))
    return ChannelInfo(channel_id, name, state, created_at, str(exten))

"""Whether a page answers as it should: one GET by HTTP or HTTPS, straight to its host, and no further.

No proxy of the environment is used and no redirection followed: what is asked is this host, and another one's answer
says nothing of it.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import h11

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.address import Address
from ringfence.probes.stream import Connector, NoStream, Stream
from ringfence.probes.tls import Note, Tls, TlsConfig, handshake_fault

MAX_BODY_BYTES: Final = 64 << 10
_READ_BYTES: Final = 16 << 10


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """`url`: http or https, without user or password. `status`: the one that is right. `text`: what the first 64 KiB of
    the body have to hold, empty: anything."""

    target: TargetId
    url: str
    status: int = 200
    text: str = ""
    tls: TlsConfig | None = None
    note: Note = lambda _: None


class HttpProbe:
    """The port `Probe`. A certificate that does not verify is told apart, and the page is asked for all the same."""

    kind = EvidenceKind.HTTP

    def __init__(self, config: HttpConfig) -> None:
        self.target = config.target
        self._config = config
        parts = urlsplit(config.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        self._host = host
        self._address = Address(host, port)
        # Whether Asterisk verifies concerns its calls, and no page.
        tls = Tls(replace(config.tls or TlsConfig(host), server_name=host, strict=False)) if secure else None
        self._connector = Connector(port, tls, note=config.note)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._request = h11.Request(
            method="GET",
            target=path,
            headers=[("Host", parts.netloc), ("User-Agent", "ringfence"), ("Connection", "close")],
        )

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        deadline = began + timeout_seconds
        address = await self._address.get(timeout_seconds)
        if address is None:
            return None, f"the name {self._host} does not resolve"
        try:
            async with asyncio.timeout_at(deadline), self._connector.open(address, deadline) as stream:
                status, body = await self._get(stream)
        except NoStream as error:
            return error.passed, error.words
        except TimeoutError:
            return False, "it takes the connection, and no whole answer comes"
        except h11.RemoteProtocolError:
            return False, "what it answers is no HTTP, or breaks off"
        except ssl.SSLError as error:
            return handshake_fault(error)
        except ConnectionError:
            return False, "it breaks the connection without an answer"
        if status != self._config.status:
            return False, f"answered {status}, not {self._config.status}"
        if self._config.text.encode() not in body:
            return False, f"answered {status} without the text that should be there"
        return True, f"answered {status} in {(loop.time() - began) * 1000:.0f} ms"

    async def _get(self, stream: Stream) -> tuple[int, bytes]:
        """Status, and the body as far as it is looked at."""
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_READ_BYTES)
        stream.writer.write((http.send(self._request) or b"") + (http.send(h11.EndOfMessage()) or b""))
        await stream.writer.drain()
        status, body = 0, bytearray()
        while len(body) < MAX_BODY_BYTES:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await stream.reader.read(_READ_BYTES))
            elif isinstance(event, h11.Response):
                status = event.status_code
                if not self._config.text:
                    break
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
        return status, bytes(body[:MAX_BODY_BYTES])

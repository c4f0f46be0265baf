"""Asks the daemon over its local socket, the same HTTP API that the token opens on TCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

ANSWER_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 3.0
MAX_ANSWER_BYTES: Final = 128 * 1024 * 1024
PIECE_BYTES: Final = 64 * 1024


class NoDaemon(Exception):
    """Nobody answers on the socket."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Refused(Exception):
    """The daemon answered, and refused. `status` is the HTTP status, 0 when it never came to asking."""

    def __init__(
        self, status: int, message: str, field: str | None = None, fix: str = "", problems: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.fix = fix
        self.problems = list(problems)

    def body(self) -> dict[str, Any]:
        """As the HTTP API says it."""
        return {"error": self.message, "field": self.field, "fix": self.fix, "problems": self.problems}


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon behind one socket. `who` is whom its history will name."""

    socket: Path
    who: str

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> dict[str, Any]:
        """One operation, from a program that does nothing else. Raises NoDaemon, Refused."""
        return asyncio.run(self.ask(method, path, query, body, seconds))

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> dict[str, Any]:
        """One operation. Raises NoDaemon, Refused."""
        return _read(*await self._answer(method, path, query, body, seconds))

    def text(self, path: str, query: Mapping[str, str | None], seconds: float = ANSWER_SECONDS) -> str:
        """An operation whose answer is a file. Raises NoDaemon, Refused."""
        status, content = asyncio.run(self._answer("GET", path, query, None, seconds))
        if status >= 400:
            _read(status, content)
        return content.decode(errors="replace")

    def fetch(self, path: str, query: Mapping[str, str | None], seconds: float = ANSWER_SECONDS) -> bytes:
        """An operation whose answer is a file that is no text. Raises NoDaemon, Refused."""
        status, content = asyncio.run(self._answer("GET", path, query, None, seconds))
        if status >= 400:
            _read(status, content)
        return content

    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None,
        body: Mapping[str, Any] | None,
        seconds: float,
    ) -> tuple[int, bytes]:
        import aiohttp  # half of the program's start-up time, and not needed for `--help`

        timeout = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
        connector = aiohttp.UnixConnector(str(self.socket))
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(
                    method,
                    f"http://localhost{path}",
                    params={name: value for name, value in (query or {}).items() if value is not None},
                    json=body,
                    headers={"X-Ringfence-Who": self.who},
                ) as answer,
            ):
                return answer.status, await _content(answer.content.iter_chunked(PIECE_BYTES))
        except TimeoutError:
            raise self._silent(seconds) from None
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(error.os_error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoDaemon(
                f"The daemon on {self.socket} broke off: {error}.", "See its log: `journalctl -u ringfence`."
            ) from None

    def _silent(self, seconds: float) -> NoDaemon:
        return NoDaemon(
            f"The daemon on {self.socket} does not answer within {seconds:.0f} s. "
            "Calls are routed by the last published table all the same.",
            "See `systemctl status ringfence` and `journalctl -u ringfence`.",
        )

    def _unreachable(self, error: OSError) -> NoDaemon:
        if isinstance(error, PermissionError):
            return NoDaemon(
                f"The socket {self.socket} may not be opened by {self.who}.",
                "Ask with sudo, or have yourself added to the group that the socket belongs to.",
            )
        if isinstance(error, FileNotFoundError):
            why = "there is no such socket"
        elif isinstance(error, ConnectionRefusedError):
            why = "the socket is there and nobody listens"
        else:
            why = error.strerror or str(error)
        return NoDaemon(
            f"No daemon answers on {self.socket}: {why}. Calls are routed by the last published table all the same.",
            "Start it with `ringfence run`; if it listens elsewhere, give --config or --socket.",
        )


def path_part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


async def _content(pieces: AsyncIterator[bytes]) -> bytes:
    """All of it: one `read` would bring only what has arrived."""
    content = bytearray()
    async for piece in pieces:
        content += piece
        if len(content) > MAX_ANSWER_BYTES:
            raise Refused(0, f"The answer has more than {MAX_ANSWER_BYTES} bytes.", fix="Ask for less with --limit.")
    return bytes(content)


def _read(status: int, content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(status, f"The answer (HTTP {status}) is not Ringfence's.", fix="Is --socket the right one?")
    if status < 400:
        return body
    problems = body.get("problems", [])
    raise Refused(
        status,
        str(body.get("error", f"HTTP {status}")),
        body.get("field"),
        str(body.get("fix", "")),
        [str(problem) for problem in problems] if isinstance(problems, list) else [],
    )

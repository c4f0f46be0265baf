"""One reading's HTTPS connection to an API: signed in, verified, bounded, and never taken to another host."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from dataclasses import dataclass
from typing import Final, NoReturn

import aiohttp
from yarl import URL

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from ringfence.hr.certificates import certificate_error, verifying_context
from ringfence.hr.rest_settings import RestSettings
from ringfence.hr.secret_file import secret_line

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A page. Numbers are texts as they were written: a telephone number is no quantity."""

    body: object
    next_link: URL | None


class RestLink:
    """Use: `async with RestLink(settings) as link`. `get` and entering may raise SourceError and its kinds."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings
        self._base = URL(settings.url)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> RestLink:
        settings = self._settings
        headers = {"Accept": "application/json", **settings.headers, **await asyncio.to_thread(self._sign_in)}
        context = await asyncio.to_thread(verifying_context, settings.ca_file)
        self._http = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(ssl=context, limit=1),
            timeout=aiohttp.ClientTimeout(total=settings.answer_seconds, connect=settings.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A proxy from the environment is nothing that the configuration speaks of.
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def get(self, url: URL) -> Answer:
        """One page's body as JSON."""
        assert self._http is not None
        try:
            for _ in range(MAX_REDIRECTS):
                self._check_host(url)
                async with self._http.get(url, allow_redirects=False) as response:
                    if response.status in _REDIRECTS:
                        url = self._redirected(response)
                        continue
                    if response.status != 200:
                        self._refuse(response)
                    content = await self._content(response)
                    next_link = self._next_link(response)
                return Answer(await asyncio.to_thread(self._parsed, content), next_link)
        except aiohttp.ClientSSLError as error:
            raise self._tls_fault(error) from None
        except TimeoutError:
            raise SourceUnavailable(
                f"{self._where} took longer than {self._settings.answer_seconds:g} s.",
                "Ask for smaller pages, or raise `answer_seconds`.",
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise SourceUnavailable(
                f"{self._where} is not reachable, or broke off its answer ({type(error).__name__}).",
                "Does it run, and does a firewall let us out?",
            ) from None
        except ValueError as error:
            # The library takes headers and addresses apart, and not every fault in one has an error of its own.
            raise SourceUnavailable(
                f"{self._where} answered something that is no HTTP ({type(error).__name__}).", "Look at `url`."
            ) from None
        raise SourceError(f"{self._where} redirects without end.", "Set `url` to the address it leads to.")

    @property
    def _where(self) -> str:
        """Without the query: some put secrets there."""
        return str(self._base.with_query(None))

    def _sign_in(self) -> dict[str, str]:
        settings = self._settings
        if settings.token_file is not None:
            token = secret_line(settings.token_file, f"{settings.name}: token_file")
            if not token.isascii():
                raise SourceError(
                    f"{settings.name}: token_file: {settings.token_file} holds a character that no header has.",
                    "Copy the token again.",
                )
            return {settings.header: f"{settings.token_prefix} {token}".strip()}
        if settings.password_file is not None:
            password = secret_line(settings.password_file, f"{settings.name}: password_file")
            pair = base64.b64encode(f"{settings.user}:{password}".encode())
            return {"Authorization": f"Basic {pair.decode()}"}
        return {}

    def _check_host(self, url: URL) -> None:
        if not _is_plain(url):
            raise SourceError(
                f"{self._where} leads to an address that is none, or that has a user in it.", "Look at `paging`."
            )
        if url.origin() != self._base.origin():
            raise SourceError(
                f"{self._where} leads to another host ({url.origin()}): nothing was sent there, for the token "
                "belongs to the first.",
                "If it has moved for good, change `url`.",
            )

    def _redirected(self, response: aiohttp.ClientResponse) -> URL:
        try:
            return response.url.join(URL(response.headers["Location"]))
        except (KeyError, ValueError):
            raise SourceError(f"{self._where} redirects to no address.", "Look at `url`.") from None

    def _next_link(self, response: aiohttp.ClientResponse) -> URL | None:
        try:
            link = response.links.get("next")
            return URL(str(link["url"])) if link is not None else None
        except (KeyError, ValueError):
            raise FeedRefused(f"{self._where} sent a Link header with no address in it.", "Look at `paging`.") from None

    def _refuse(self, response: aiohttp.ClientResponse) -> NoReturn:
        status = response.status
        secret = self._settings.token_file or self._settings.password_file
        if status in (401, 403):
            fix = f"Check {secret}: has it expired, may it read this list?" if secret else "Set `token_file`."
            raise SourceError(f"{self._where} refused us ({status}).", fix)
        if status == 429:
            wait = response.headers.get("Retry-After", "")
            asked = f", and asks to wait {wait} s" if wait.isdigit() else ""
            raise SourceUnavailable(f"{self._where} is asked too often (429){asked}.", "Raise `every_minutes`.")
        if status >= 500 or status == 408:
            raise SourceUnavailable(f"{self._where} has a fault of its own ({status}).", "It is asked again later.")
        raise SourceError(f"{self._where} answered {status}.", "Look at `url`, `paging` and `changed_since`.")

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        limit = int(self._settings.max_megabytes * (1 << 20))
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            content += chunk
            if len(content) > limit:
                raise FeedRefused(
                    f"{self._where} sent more than {self._settings.max_megabytes:g} MB in one page.",
                    "Ask for smaller pages, or raise `max_megabytes`.",
                )
        return bytes(content)

    def _parsed(self, content: bytes) -> object:
        try:
            return json.loads(content.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise FeedRefused(
                f"{self._where} sent {len(content)} bytes that are not JSON{place}.",
                "Is it the API's address, and not that of a page for people?",
            ) from None

    def _tls_fault(self, error: aiohttp.ClientSSLError) -> SourceUnavailable:
        cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else None
        if not isinstance(cause, ssl.SSLCertVerificationError):
            return SourceUnavailable(
                f"{self._where}: TLS cannot begin.", "Does it speak TLS 1.2 or later on this port?"
            )
        return certificate_error(self._where, cause)


def _is_plain(url: URL) -> bool:
    """Whether it says a host by HTTP, and nobody's name there."""
    try:
        return url.scheme in ("http", "https") and bool(url.host) and url.user is None and url.password is None
    except ValueError:
        return False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")

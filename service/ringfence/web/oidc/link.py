"""Asks a provider for JSON: verified, bounded, redirected nowhere."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from ringfence.domain.loopback import is_loopback
from ringfence.web.oidc.refusal import OidcRefused, Refusal

MAX_ANSWER_BYTES: Final = 512 << 10
_CHUNK_BYTES: Final = 64 << 10


class ProviderLink:
    """Every method may raise OidcRefused. A connection lives for one question: people sign in a few times a day."""

    def __init__(self, issuer: str, ca_file: Path | None, answer_seconds: float) -> None:
        self._plain_allowed = URL(issuer).scheme == "http"
        self._ca_file = ca_file
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds)

    async def get(self, address: str) -> dict[str, Any]:
        """An object. Anything but 200 is refused."""
        status, body = await self._ask("GET", address, {}, None)
        if status != 200:
            raise OidcRefused(Refusal.PROVIDER_DOWN if status >= 500 else Refusal.PROVIDER_ODD, f"HTTP {status}")
        return body

    async def post(
        self, address: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Status and object: an error of OAuth comes as 400 or 401 with one."""
        return await self._ask("POST", address, headers, form)

    def allowed(self, address: object) -> str:
        """The address, if codes and tokens may be sent there. Raises OidcRefused."""
        try:
            url = URL(address) if isinstance(address, str) else URL()
            host = url.host
        except ValueError:
            host = None
        if not host or url.user or url.password or url.fragment:
            raise OidcRefused(Refusal.PROVIDER_ODD, "an address in its metadata is none")
        if url.scheme != "https" and not (self._plain_allowed and url.scheme == "http" and is_loopback(host)):
            raise OidcRefused(Refusal.PROVIDER_ODD, "an address in its metadata is not https")
        return str(address)

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        try:
            context = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=context, limit=1),
                    timeout=self._timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    # A proxy from the environment is nothing that the configuration speaks of.
                    trust_env=False,
                ) as http,
                http.request(
                    method,
                    address,
                    data=form,
                    headers={"Accept": "application/json", **headers},
                    allow_redirects=False,
                ) as response,
            ):
                return response.status, _object(await _content(response))
        except aiohttp.ClientConnectorCertificateError as error:
            raise OidcRefused(Refusal.PROVIDER_DOWN, "its certificate does not verify, see ca_file") from error
        except TimeoutError as error:
            raise OidcRefused(Refusal.PROVIDER_DOWN, f"no answer within {self._timeout.total:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise OidcRefused(Refusal.PROVIDER_DOWN, type(error).__name__) from error
        except ValueError as error:
            raise OidcRefused(Refusal.PROVIDER_ODD, "no HTTP, or no JSON object") from error


async def _content(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise OidcRefused(Refusal.PROVIDER_ODD, f"its answer has more than {MAX_ANSWER_BYTES} bytes")
    return bytes(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found

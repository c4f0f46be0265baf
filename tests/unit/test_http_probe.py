"""A page as weak evidence: what is asked, what is believed, and how little of an answer is looked at."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ringfence.domain.health import TargetId, TargetRole
from ringfence.probes.certificates import CertificateProbe
from ringfence.probes.http import MAX_BODY_BYTES, HttpConfig, HttpProbe
from ringfence.probes.tls import TlsConfig
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST

TARGET = TargetId(TargetRole.PLATFORM, "uc")


@asynccontextmanager
async def page(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Where it is, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            if answer:
                writer.close()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    async with server:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{HOST}:{server.sockets[0].getsockname()[1]}", asked


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n4\r\nwell\r\n0\r\n\r\n"
LONG = reply("200 OK", b"x" * MAX_BODY_BYTES + b"all well")


@pytest.mark.parametrize(
    ("answer", "status", "text", "passed", "words"),
    [
        (reply("200 OK"), 200, "", True, "answered 200 in "),
        (reply("200 OK", b"all well"), 200, "all well", True, "answered 200 in "),
        (CHUNKED, 200, "all well", True, "answered 200 in "),
        (reply("401 No"), 401, "", True, "answered 401 in "),
        (reply("200 OK", b"broken"), 200, "all well", False, "answered 200 without the text"),
        (LONG, 200, "all well", False, "answered 200 without the text"),
        (reply("503 No"), 200, "", False, "answered 503, not 200"),
        # Where it leads to is another host's business.
        (reply("302 Found", b"", "Location: http://192.0.2.1/"), 200, "", False, "answered 302, not 200"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 200, "", False, "what it answers is no HTTP"),
        (reply("200 OK", b"all well")[:-3], 200, "all well", False, "what it answers is no HTTP, or breaks off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, 200, "", False, "what it answers is no HTTP"),
    ],
)
async def test_what_an_answer_says(answer: bytes, status: int, text: str, passed: bool, words: str) -> None:
    async with page(answer) as (url, _):
        said = await HttpProbe(HttpConfig(TARGET, url, status, text)).probe(5)
    assert said[0] is passed
    assert said[1].startswith(words)


async def test_the_question_is_for_that_page_and_no_proxy_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with page(reply("200 OK")) as (url, asked):
        assert (await HttpProbe(HttpConfig(TARGET, f"{url}/health?full=1")).probe(5))[0] is True
    assert asked[0].startswith(b"GET /health?full=1 HTTP/1.1\r\n")
    assert f"host: {url.removeprefix('http://')}\r\n" in asked[0].decode().lower()


async def test_silence_behind_an_open_port_is_a_miss() -> None:
    async with page(b"") as (url, _):
        said = await HttpProbe(HttpConfig(TARGET, url)).probe(0.2)
        assert said == (False, "it takes the connection, and no whole answer comes")
    assert await HttpProbe(HttpConfig(TARGET, url)).probe(5) == (False, "refused")


async def test_a_certificate_is_told_apart_from_the_page(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    certificates = CertificateProbe(TARGET)
    for days, good in ((30, True), (-1, False)):
        async with page(reply("200 OK"), authority.certify(HOST, days=days).context()) as (url, _):
            config = HttpConfig(TARGET, url, tls=TlsConfig("", authority.file), note=certificates.note("HTTPS"))
            assert (await HttpProbe(config).probe(5))[0] is True
            passed, words = await certificates.probe(1)
            assert passed is good
            assert words.startswith("HTTPS: its certificate ")

"""TLS by our own certificate, with a real client: clear faults, renewal under open connections, expiry told."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from starlette.types import Receive, Scope, Send

from ringfence.bootstrap.clock import SystemClock
from ringfence.web.server import Door, listen_tcp
from ringfence.web.tls import CertificateFault, ServerCertificate
from tests.fakes.clock import FakeClock
from tests.lab.certificates import CertificateAuthority

HOST = "127.0.0.1"


class Pair:
    """The two files that the configuration names, to be renewed."""

    def __init__(self, folder: Path) -> None:
        self.authority = CertificateAuthority(folder / "ca")
        self.certificate, self.key = folder / "tls.crt", folder / "tls.key"
        self.renew()

    def renew(self, days: int = 90) -> None:
        made = self.authority.certify(HOST, days=days)
        shutil.copy(made.certificate, self.certificate)
        shutil.copy(made.key, self.key)

    def server(self) -> ServerCertificate:
        found = ServerCertificate(self.certificate, self.key, SystemClock())
        found.load()
        return found


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


async def whence(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers how and from where it was asked."""
    said = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@asynccontextmanager
async def served(certificate: ServerCertificate) -> AsyncIterator[int]:
    listener = listen_tcp(HOST, 0, tls=True)
    port: int = listener.sock.getsockname()[1]
    door = Door(whence, listener, certificate.context)
    assert door.place == f"https://{HOST}:{port}"
    task = asyncio.create_task(door.run())
    await door.open()
    yield port
    task.cancel()
    await asyncio.wait([task])


def trusting(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


async def serial_served(port: int, authority: CertificateAuthority) -> int:
    reader, writer = await asyncio.open_connection(HOST, port, ssl=trusting(authority))
    found = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
    writer.close()
    await writer.wait_closed()
    assert reader is not None
    return int(found, 16)


async def test_pages_come_by_tls_and_a_renewed_certificate_drops_nobody(pair: Pair) -> None:
    certificate = pair.server()
    async with (
        served(certificate) as port,
        httpx.AsyncClient(verify=trusting(pair.authority), base_url=f"https://{HOST}:{port}") as client,
    ):
        assert (await client.get("/")).text == f"https {HOST}"
        before = await serial_served(port, pair.authority)
        stream = (await client.get("/")).extensions["network_stream"]
        own_port = stream.get_extra_info("socket").getsockname()
        pair.renew()
        certificate.look_again()
        again = await client.get("/")
        assert again.extensions["network_stream"].get_extra_info("socket").getsockname() == own_port
        assert await serial_served(port, pair.authority) != before


async def test_a_renewal_that_cannot_be_used_leaves_the_old_one(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    certificate = pair.server()
    async with served(certificate) as port:
        before = await serial_served(port, pair.authority)
        other = pair.authority.certify(HOST, days=90)
        shutil.copy(other.key, pair.key)
        certificate.look_again()
        assert "the certificate cannot be used" in caplog.text
        assert certificate.warning.endswith("Until then the one before is still used.")
        assert await serial_served(port, pair.authority) == before
        shutil.copy(other.certificate, pair.certificate)
        certificate.look_again()
        assert await serial_served(port, pair.authority) != before
        assert certificate.warning == ""


async def test_without_a_certificate_nobody_connects_until_there_is_one(pair: Pair) -> None:
    pair.key.rename(pair.key.with_suffix(".away"))
    told: list[str] = []
    certificate = ServerCertificate(pair.certificate, pair.key, SystemClock(), told.append)
    with pytest.raises(CertificateFault):
        certificate.load()
    async with served(certificate) as port:
        with pytest.raises(OSError):
            await serial_served(port, pair.authority)
        task = asyncio.create_task(certificate.run())
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.01)
            assert told[0].endswith("Until then nobody can connect.")
            pair.key.with_suffix(".away").rename(pair.key)
            certificate.reload()
            while len(told) < 2:
                await asyncio.sleep(0.01)
        assert told[1] == ""
        assert await serial_served(port, pair.authority)
        task.cancel()
        await asyncio.wait([task])


async def test_a_signal_has_it_loaded_at_once(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    certificate = pair.server()
    caplog.set_level(logging.INFO)
    task = asyncio.create_task(certificate.run())
    certificate.reload()
    async with asyncio.timeout(10):
        while "certificate loaded" not in caplog.text:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])


async def test_old_tls_is_refused(pair: Pair) -> None:
    async with served(pair.server()) as port:
        context = trusting(pair.authority)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.open_connection(HOST, port, ssl=context)


def test_faults_name_the_setting_and_the_fix(pair: Pair, tmp_path: Path) -> None:
    def fault(certificate: Path, key: Path) -> str:
        with pytest.raises(CertificateFault) as caught:
            ServerCertificate(certificate, key, FakeClock()).load()
        return str(caught.value)

    nothing = tmp_path / "nothing"
    assert fault(nothing, pair.key).startswith(f"[http] certificate: {nothing}: there is no such file")
    assert fault(pair.certificate, nothing).startswith(f"[http] private_key: {nothing}: there is no such file")
    other = pair.authority.certify("localhost")
    assert f"private_key: {other.key} is not the key of {pair.certificate}" in fault(pair.certificate, other.key)
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no PEM")
    assert "no pair in PEM form" in fault(rubbish, pair.key)
    assert "no pair in PEM form" in fault(pair.certificate, rubbish)
    locked = tmp_path / "locked.key"
    private = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert "needs a passphrase" in fault(pair.certificate, locked)


async def test_expiry_is_told_once_a_day(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(wall=SystemClock().now().wall)
    certificate = ServerCertificate(pair.certificate, pair.key, clock)
    certificate.load()
    certificate.look_again()
    assert (certificate.warning, caplog.text) == ("", "")
    await clock.advance(61 * 86_400)
    certificate.look_again()
    certificate.look_again()
    assert caplog.text.count("the certificate of [http] expires in 28 days") == 1
    await clock.advance(30 * 86_400)
    certificate.look_again()
    assert certificate.expires is not None
    assert f"expired on {certificate.expires.date()}" in caplog.text
    assert certificate.days_left == -2


async def test_who_says_nothing_in_tls_harms_nobody(pair: Pair) -> None:
    async with (
        served(pair.server()) as port,
        httpx.AsyncClient(verify=trusting(pair.authority), base_url=f"https://{HOST}:{port}") as client,
    ):
        with socket.create_connection((HOST, port)) as silent:
            silent.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.get("/")).status_code == 200

"""SIP OPTIONS over TCP and TLS: what an open connection proves (nothing), and what a certificate does to an answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.domain.health import TargetId, TargetRole
from ringfence.probes.certificates import CertificateProbe
from ringfence.probes.registration import RegistrationConfig, RegistrationProbe
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe
from ringfence.probes.sip_transport import Peer, Transport
from ringfence.probes.tcp import TcpConfig, TcpProbe
from ringfence.probes.tls import TlsConfig
from tests.lab.certificates import CertificateAuthority
from tests.lab.stream_peer import Manner, StreamPeer, answer_to, closing, ok, says, silent, stream_peer

TARGET = TargetId(TargetRole.PLATFORM, "uc")
HOST = "127.0.0.1"
PATIENCE = 0.3


def asking(peer: StreamPeer, transport: Transport = Transport.TCP, **more: object) -> SipOptionsProbe:
    return SipOptionsProbe(SipOptionsConfig(TARGET, replace(Peer(HOST, peer.port, transport), **more)))  # type: ignore[arg-type]


async def test_options_over_tcp_is_answered_and_says_what_it_went_over() -> None:
    async with stream_peer() as peer:
        passed, words = await asking(peer).probe(5)
        assert passed is True
        assert words.startswith("answered 200 over TCP in ")
    (request,) = peer.requests
    assert f"OPTIONS sip:127.0.0.1:{peer.port};transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:" in request.decode()
    assert b"rport" not in request


@pytest.mark.parametrize(("status", "alive"), [(403, True), (404, True), (503, False), (408, False)])
async def test_what_a_status_means_does_not_depend_on_the_transport(status: int, alive: bool) -> None:
    async with stream_peer(says(lambda asked: answer_to(asked, status))) as peer:
        assert (await asking(peer).probe(5))[0] is alive


def of_another(request: bytes) -> bytes:
    return answer_to(request, 200).replace(b"z9hG4bK", b"z9hG4bKx")


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (silent, "it takes the connection, and then nothing"),
        (closing, "it takes the connection, and closes it without an answer"),
        (says(lambda asked: answer_to(asked, 100)), "only a provisional answer"),
        (says(of_another), "it takes the connection, and then nothing"),
        (says(lambda asked: b"\r\n"), "it takes the connection, and then nothing"),
        (says(lambda asked: answer_to(asked, 200)[:-2]), "it takes the connection, and an answer that never ends"),
        (says(lambda asked: b"HTTP/1.1 200 OK\r\n\r\n"), "an answer without a Content-Length"),
    ],
)
async def test_a_connection_that_is_taken_proves_nothing(manner: Manner, words: str) -> None:
    async with stream_peer(manner) as peer:
        assert await asking(peer).probe(PATIENCE) == (False, words)
        assert (await TcpProbe(TcpConfig(TARGET, HOST, peer.port)).probe(5))[0] is True


async def test_the_answer_is_found_behind_others_and_in_pieces() -> None:
    def mixed(asked: bytes) -> bytes:
        return b"\r\n\r\n" + of_another(asked) + answer_to(asked, 183, body=b"v=0\r\nSIP/2.0 503 no\r\n")

    whole = says(
        mixed, lambda asked: answer_to(asked, 200, body=b"abc")[:40], lambda asked: answer_to(asked, 200, b"abc")[40:]
    )
    async with stream_peer(whole) as peer:
        assert (await asking(peer).probe(5))[0] is True


async def test_a_closed_port_and_a_full_one_are_misses() -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
    peer = StreamPeer(ok, port)
    assert await asking(peer).probe(5) == (False, "refused")
    assert await TcpProbe(TcpConfig(TARGET, HOST, port)).probe(5) == (False, f"port {port}: refused")
    assert (await SipOptionsProbe(SipOptionsConfig(TARGET, Peer("a" * 64, 5060, Transport.TLS))).probe(1))[0] is None


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "ca")


async def over_tls(
    peer: StreamPeer, tls: TlsConfig, patience: float = 5
) -> tuple[tuple[bool | None, str], tuple[bool | None, str]]:
    """What OPTIONS says, and what the certificate."""
    certificates = CertificateProbe(TARGET)
    said = await asking(peer, Transport.TLS, tls=tls, note=certificates.note("SIP")).probe(patience)
    return said, await certificates.probe(1)


async def test_a_good_certificate_is_told_with_its_end(authority: CertificateAuthority) -> None:
    async with stream_peer(ok, authority.certify(HOST, days=40).context()) as peer:
        said, certificate = await over_tls(peer, TlsConfig(HOST, authority.file))
    assert said[0] is True
    assert said[1].startswith("answered 200 over TLS in ")
    assert certificate[0] is True
    assert certificate[1].startswith("SIP: its certificate is good until 2")
    assert certificate[1].endswith("(39 days)")
    assert b";transport=tls" in peer.requests[0]


async def test_one_that_ends_soon_is_told_before_it_does(authority: CertificateAuthority) -> None:
    async with stream_peer(ok, authority.certify(HOST, days=10).context()) as peer:
        said, certificate = await over_tls(peer, TlsConfig(HOST, authority.file))
        assert (said[0], certificate[0]) == (True, False)
        assert "renew it" in certificate[1]
        said, certificate = await over_tls(peer, TlsConfig(HOST, authority.file, expiry_days=9))
        assert certificate[0] is True


@pytest.mark.parametrize(
    ("days", "name", "trusted", "words"),
    [
        (-1, HOST, True, "has expired"),
        (30, HOST, False, "not trusted"),
        (30, "other.example", True, "for another"),
    ],
)
async def test_one_that_does_not_verify_is_told_and_the_question_is_asked_all_the_same(
    tmp_path: Path, authority: CertificateAuthority, days: int, name: str, trusted: bool, words: str
) -> None:
    believed = authority if trusted else CertificateAuthority(tmp_path / "another", "another CA")
    async with stream_peer(ok, authority.certify(name, days=days).context()) as peer:
        tls = TlsConfig(HOST, believed.file)
        said, certificate = await over_tls(peer, tls)
        assert said[0] is True
        assert certificate[0] is False
        assert words in certificate[1]
        # Where Asterisk verifies, too, no call gets through: there it is a miss.
        said, certificate = await over_tls(peer, replace(tls, strict=True))
        assert said[0] is False
        assert words in said[1]
        assert certificate[0] is False
    assert len(peer.requests) == 1


async def test_a_certificate_is_no_news_until_the_next_handshake(authority: CertificateAuthority) -> None:
    certificates = CertificateProbe(TARGET)
    assert (await certificates.probe(1))[0] is None
    async with stream_peer(ok, authority.certify(HOST).context()) as peer:
        tls = TlsConfig(HOST, authority.file)
        probe = asking(peer, Transport.TLS, tls=tls, note=certificates.note("SIP"))
        await probe.probe(5)
        assert (await certificates.probe(1))[0] is True
        passed, words = await certificates.probe(1)
        assert passed is None
        assert "good until" in words


async def test_a_renewed_ca_file_is_taken_up_and_a_missing_one_says_nothing_of_the_target(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    file = tmp_path / "ca.pem"
    async with stream_peer(ok, authority.certify(HOST).context()) as peer:
        probe = asking(peer, Transport.TLS, tls=TlsConfig(HOST, file))
        passed, words = await probe.probe(5)
        assert passed is None
        assert str(file) in words
        file.write_bytes(authority.file.read_bytes())
        assert (await probe.probe(5))[0] is True


async def test_tls_that_never_begins_is_a_miss() -> None:
    async with stream_peer(silent) as peer:
        said, certificate = await over_tls(peer, TlsConfig(HOST), PATIENCE)
        assert said == (False, "it takes the connection, and no TLS begins")
        assert certificate[0] is None


async def test_a_far_end_that_wants_our_certificate_gets_it_and_one_that_refuses_us_says_nothing_of_calls(
    authority: CertificateAuthority,
) -> None:
    server = authority.certify(HOST).context()
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.file)
    ours = authority.certify("ringfence.example")
    tls = TlsConfig(HOST, authority.file)
    async with stream_peer(ok, server) as peer:
        said, _ = await over_tls(peer, replace(tls, certificate=ours.certificate, private_key=ours.key))
        assert said[0] is True
    # asyncio's own server hangs up without saying why; others send the alert.
    with socket.create_server((HOST, 0)) as listening:
        refusing = asyncio.create_task(asyncio.to_thread(refuse, listening, server))
        said, _ = await over_tls(StreamPeer(ok, listening.getsockname()[1]), tls)
        await refusing
    assert said[0] is None
    assert "our certificate" in said[1]


def refuse(listening: socket.socket, server: ssl.SSLContext) -> None:
    connection, _ = listening.accept()
    # Held until the other side has hung up: a reset by unread bytes might overtake the alert.
    with connection.dup() as held:
        with connection, pytest.raises(ssl.SSLError):
            server.wrap_socket(connection, server_side=True)
        while held.recv(4096):
            pass


async def test_what_is_open_is_closed_again() -> None:
    async with stream_peer(silent) as peer:
        tasks = [asyncio.create_task(asking(peer).probe(5)) for _ in range(5)]
        async with asyncio.timeout(5):
            while len(peer.requests) < 5:
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        peer.manner = ok
        assert (await asking(peer).probe(5))[0] is True


def challenging(request: bytes) -> bytes:
    head, _, rest = answer_to(request, 401).partition(b"\r\n")
    return head + b'\r\nWWW-Authenticate: Digest realm="uc", nonce="1", algorithm=MD5\r\n' + rest


@pytest.mark.parametrize(("trusted", "asked"), [(True, 2), (False, 1)])
async def test_who_does_not_prove_themselves_gets_no_proof_of_our_password(
    tmp_path: Path, authority: CertificateAuthority, trusted: bool, asked: int
) -> None:
    believed = authority if trusted else CertificateAuthority(tmp_path / "another", "another CA")
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("correct horse")
    async with stream_peer(says(challenging), authority.certify(HOST, days=30).context()) as peer:
        at = Peer(HOST, peer.port, Transport.TLS, TlsConfig(HOST, believed.file))
        said = await RegistrationProbe(RegistrationConfig(TARGET, at, "probe", password)).probe(5)
    assert said[0] is None
    assert ("does not verify" in said[1]) is not trusted
    assert len(peer.requests) == asked
    assert any(b"Authorization: Digest" in request for request in peer.requests) is trusted

"""SIP OPTIONS: the text, against whatever a network may send; and the socket, against small UDP servers."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.probes import PROBES
from ringfence.probes.address import fault_words
from ringfence.probes.sip_message import SipAnswer, SipRequest, read_answer
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe
from ringfence.probes.sip_transport import Peer

REQUEST = SipRequest("uc.example", 5060, "192.0.2.1", 5070, "z9hG4bKabc", "cafe@ringfence", "tag1")
TARGET = TargetId(TargetRole.PLATFORM, "uc")


def reply_to(request: bytes, status: int, *extra: str) -> bytes:
    lines = request.decode().split("\r\n")
    echoed = [line for line in lines if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    return ("\r\n".join([f"SIP/2.0 {status} Text", *extra, *echoed, "Content-Length: 0"]) + "\r\n\r\n").encode()


def test_the_question_is_whole_and_asks_for_rport() -> None:
    lines = REQUEST.encode().decode().split("\r\n")
    assert lines[0] == "OPTIONS sip:uc.example:5060 SIP/2.0"
    assert lines[1] == "Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKabc"
    names = [line.partition(":")[0] for line in lines[1:-2]]
    assert {"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Content-Length"} <= set(names)
    assert len(names) == len(set(names))
    assert lines[-2:] == ["", ""]


@pytest.mark.parametrize("status", [100, 200, 404, 481, 503, 699])
def test_an_answer_is_known_by_its_marks(status: int) -> None:
    answer = read_answer(reply_to(REQUEST.encode(), status))
    assert answer is not None
    assert answer.status == status
    assert answer.answers(REQUEST)
    assert answer.final is (status >= 200)
    assert not answer.answers(replace(REQUEST, branch="z9hG4bKother"))
    assert not answer.answers(replace(REQUEST, call_id="other@ringfence"))
    assert not answer.answers(replace(REQUEST, cseq=2))
    assert not answer.answers(replace(REQUEST, method="INVITE"))


def test_short_folded_and_oddly_spelled_headers_are_read() -> None:
    text = (
        "sip/2.0 200 OK\r\nv : SIP/2.0/UDP 192.0.2.1:5070\r\n ;received=1.2.3.4;BRANCH = z9hG4bKabc;rport=9\r\n"
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKbelow\r\nI: cafe@ringfence\r\ncSeq: 1   options\r\n\r\n"
    )
    assert read_answer(text.encode()) == SipAnswer(200, "z9hG4bKabc", "cafe@ringfence")


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        REQUEST.encode(),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 999 X\r\nVia: x;branch=a\r\nCSeq: 1 OPTIONS\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_is_no_answer(datagram: bytes) -> None:
    assert read_answer(datagram) is None


@given(st.binary(max_size=300))
def test_no_datagram_breaks_the_reader(datagram: bytes) -> None:
    read_answer(datagram)


@given(
    st.lists(
        st.sampled_from(
            [
                "SIP/2.0 200",
                " ",
                "\r\n",
                "\r\n ",
                "Via:",
                ";branch=",
                "z9hG4bKabc",
                "CSeq:",
                "1 OPTIONS",
                "i:",
                "9" * 30,
                ":",
                "\0",
                "é",
            ]
        ),
        max_size=40,
    )
)
def test_no_likely_datagram_breaks_the_reader(parts: list[str]) -> None:
    for start in ("", "SIP/2.0 200 OK\r\n"):
        answer = read_answer((start + "".join(parts)).encode())
        assert answer is None or 100 <= answer.status <= 699


@given(st.data())
def test_a_damaged_answer_is_never_a_stranger_s(data: st.DataObject) -> None:
    damaged = bytearray(reply_to(REQUEST.encode(), 200))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    answer = read_answer(bytes(damaged))
    # It may still be ours (a byte of the reason phrase), but then with all of our marks.
    assert answer is None or not answer.answers(REQUEST) or REQUEST.branch.encode() in damaged


class _Server(asyncio.DatagramProtocol):
    def __init__(self, respond: Callable[[bytes], list[bytes]]) -> None:
        self.respond = respond
        self.questions: list[tuple[bytes, tuple[str, int]]] = []

    @property
    def asked(self) -> int:
        return len(self.questions)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def answer_late(self, number: int, status: int) -> None:
        """The question that came as this one, from 0."""
        question, addr = self.questions[number]
        self.transport.sendto(reply_to(question, status), addr)  # type: ignore[attr-defined]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.questions.append((data, addr))
        for reply in self.respond(data):
            self.transport.sendto(reply, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def server(respond: Callable[[bytes], list[bytes]]) -> AsyncIterator[tuple[SipOptionsProbe, _Server]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Server(respond), local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    yield SipOptionsProbe(SipOptionsConfig(TARGET, Peer("127.0.0.1", port))), protocol
    transport.close()


@pytest.mark.parametrize(
    ("status", "alive"),
    [(200, True), (401, True), (404, True), (405, True), (481, True), (500, True), (503, False), (408, False)],
)
async def test_any_final_answer_is_alive_but_503_and_408(status: int, alive: bool) -> None:
    async with server(lambda asked: [reply_to(asked, status)]) as (probe, _):
        passed, detail = await probe.probe(2.0)
    assert passed is alive
    assert detail.startswith(f"answered {status} in ")
    assert (probe.target, probe.kind) == (TARGET, EvidenceKind.SIP_OPTIONS)
    assert PROBES[probe.kind] is SipOptionsProbe


async def test_provisional_and_strange_answers_do_not_count() -> None:
    def respond(asked: bytes) -> list[bytes]:
        forged = reply_to(asked, 200).replace(b"z9hG4bK", b"z9hG4bKx")
        return [b"junk", forged, reply_to(asked, 200).replace(b"Call-ID: ", b"Call-ID: x"), reply_to(asked, 100)]

    async with server(respond) as (probe, _):
        assert await probe.probe(0.1) == (False, "only a provisional answer")


async def test_silence_is_a_miss_and_one_lost_datagram_is_not() -> None:
    async with server(lambda asked: []) as (probe, protocol):
        assert await probe.probe(0.05) == (False, "no answer")
        assert protocol.asked == 1
        protocol.respond = lambda asked: [reply_to(asked, 200)] if protocol.asked >= 3 else []
        passed, _ = await probe.probe(2.0)
        assert passed is True


async def test_an_answer_that_comes_too_late_is_a_pass_of_the_next_question_and_of_no_other() -> None:
    silence = (False, "no answer")
    async with server(lambda asked: []) as (probe, protocol):
        assert await probe.probe(0.05) == silence
        assert await probe.probe(0.05) == silence
        protocol.answer_late(0, 503)
        assert await probe.probe(0.05) == silence
        protocol.answer_late(1, 404)
        assert await probe.probe(0.05) == (True, "answered 404, too late for the question")
        assert await probe.probe(0.05) == silence


async def test_who_answers_in_time_again_is_not_believed_for_the_past() -> None:
    async with server(lambda asked: []) as (probe, protocol):
        assert (await probe.probe(0.05))[0] is False
        protocol.respond = lambda asked: [reply_to(asked, 200)]
        assert (await probe.probe(2.0))[0] is True
        protocol.respond = lambda asked: []
        protocol.answer_late(0, 200)
        assert (await probe.probe(0.05))[0] is False


async def test_a_closed_port_is_seen_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    began = time.perf_counter()
    answer = await SipOptionsProbe(SipOptionsConfig(TARGET, Peer("127.0.0.1", port))).probe(5.0)
    print(f"\nrefused after {(time.perf_counter() - began) * 1000:.1f} ms")
    assert answer == (False, "refused")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a" * 64 + ".example"])
@pytest.mark.parametrize("port", [70_000, -1, 2**70])
async def test_an_address_that_cannot_be_used_tells_nothing_and_raises_nothing(host: str, port: int) -> None:
    passed, detail = await SipOptionsProbe(SipOptionsConfig(TARGET, Peer(host, port))).probe(1.0)
    assert passed is None
    assert detail


async def test_a_name_that_does_not_resolve_tells_nothing_and_the_last_good_address_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe = SipOptionsProbe(SipOptionsConfig(TARGET, Peer("no-such-host.invalid")))
    passed, detail = await probe.probe(2.0)
    assert passed is None
    assert "no-such-host.invalid" in detail
    async with server(lambda asked: [reply_to(asked, 200)]) as (numeric, _):
        named = SipOptionsProbe(SipOptionsConfig(TARGET, replace(numeric._config.peer, host="localhost")))
        loop = asyncio.get_running_loop()
        answers: list[object] = [[(2, 2, 17, "", ("127.0.0.1", 0))], OSError("name service is out")]

        async def look_up(*_: object, **__: object) -> object:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        monkeypatch.setattr(loop, "getaddrinfo", look_up)
        assert (await named.probe(2.0))[0] is True
        named._lines.address._looked_at = float("-inf")
        assert (await named.probe(2.0))[0] is True
        assert not answers


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EPERM, errno.EMFILE])
def test_our_own_trouble_says_nothing_of_the_target(number: int) -> None:
    assert fault_words(OSError(number, "x"))[0] is None
    assert fault_words(OSError(errno.EHOSTUNREACH, "No route to host")) == (False, "no route to host")


async def test_a_thousand_probes_at_once_are_cheap() -> None:
    # Ten servers: the socket of one would not hold so many questions, and a lost one costs half a second.
    async with AsyncExitStack() as stack:
        probes = [(await stack.enter_async_context(server(lambda asked: [reply_to(asked, 200)])))[0] for _ in range(10)]
        wall, cpu = time.perf_counter(), time.process_time()
        answers = await asyncio.gather(*(probe.probe(5.0) for _ in range(90) for probe in probes))
        answers += await asyncio.gather(*(probe.probe(5.0) for _ in range(10) for probe in probes))
        print(
            f"\n1,000 probes in {time.perf_counter() - wall:.2f} s, "
            f"{time.process_time() - cpu:.2f} s of it on the processor, servers included"
        )
    assert [passed for passed, _ in answers] == [True] * 1000

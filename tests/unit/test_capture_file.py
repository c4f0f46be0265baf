"""Captures and logs: every framing gives the same INVITEs, and nothing in a file can do more than end its reading."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ringfence.cli.capture_file import InviteFile, Unreadable
from ringfence.domain.capture_packets import MAX_FLOWS, Streams
from tests.fakes.captures import (
    CARRIER,
    OURS,
    asterisk_log,
    ethernet,
    fragments,
    invite,
    ip,
    pcap,
    pcapng,
    sipp_trace,
    sngrep_text,
    tcp,
    udp,
)

URI = "sip:+441134960123@ours.example"
CALL = invite(URI)


def read(path: Path, content: bytes) -> tuple[list[tuple[str | None, str]], str]:
    path.write_bytes(content)
    file = InviteFile(path)
    found = [(None if source is None else str(source), one.uri) for source, one in file.invites()]
    return found, file.damaged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day"


@pytest.mark.parametrize(
    "content",
    [
        pcap([ethernet(udp(CALL))]),
        pcap([ethernet(udp(CALL))], order=">"),
        pcap([ethernet(udp(CALL), vlans=1)]),
        pcap([ethernet(udp(CALL), vlans=2)]),
        pcap([udp(CALL)], framing=101),
        pcap([b"\x02\0\0\0" + udp(CALL)], framing=0),
        pcap([bytes(14) + b"\x08\x00" + udp(CALL)], framing=113),
        pcap([b"\x08\x00" + bytes(18) + udp(CALL)], framing=276),
        pcap([ethernet(one) for one in fragments(udp(CALL), 200)]),
        pcap([ethernet(one) for one in reversed(fragments(udp(CALL), 200))]),
        pcap([ethernet(tcp(CALL, 1))]),
        pcap([ethernet(tcp(CALL[:100], 1)), ethernet(tcp(CALL[100:], 101))]),
        pcap([ethernet(tcp(CALL[:100], 2**32 - 60)), ethernet(tcp(CALL[100:], 40))]),
        pcap([ethernet(tcp(b"OPTIONS sip:x SIP/2.0\r\n\r\n" + CALL, 1))]),
        pcapng([ethernet(udp(CALL))]),
        pcapng([ethernet(udp(CALL))], order=">"),
        asterisk_log([(CARRIER, CALL)]),
        asterisk_log([(CARRIER, CALL.replace(b"\r\n", b"\n")), (OURS, invite("sip:07700900123@carrier"))]),
        sngrep_text([(CARRIER, CALL)]),
    ],
)
def test_an_invite_is_found_with_who_sent_it(path: Path, content: bytes) -> None:
    assert read(path, content) == ([(CARRIER, URI)], "")


def test_an_invite_over_ipv6_is_found(path: Path) -> None:
    found = pcap([ethernet(udp(CALL, "2001:db8::1", "2001:db8::2"))])
    assert read(path, found) == ([("2001:db8::1", URI)], "")


def test_a_trace_that_tells_no_address_has_what_came_and_not_what_was_sent(path: Path) -> None:
    trace = sipp_trace([(CARRIER, CALL), (OURS, invite("sip:07700900123@carrier"))])
    assert read(path, trace) == ([(None, URI)], "")


def test_a_segment_that_was_lost_loses_one_call_and_no_more(path: Path) -> None:
    frames = [ethernet(tcp(CALL[:100], 1)), ethernet(tcp(CALL[150:], 151)), ethernet(tcp(invite("sip:2@x"), 2_000))]
    assert read(path, pcap(frames)) == ([(CARRIER, "sip:2@x")], "")


@pytest.mark.parametrize("content", [pcap([ethernet(udp(CALL))] * 2), pcapng([ethernet(udp(CALL))] * 2)])
def test_a_file_that_is_cut_short_gives_what_is_whole_and_says_so(path: Path, content: bytes) -> None:
    found, damaged = read(path, content[:-30])
    assert found == [(CARRIER, URI)]
    assert "ends or is damaged at byte" in damaged


def test_a_record_larger_than_any_is_no_record(path: Path) -> None:
    found, damaged = read(path, pcap([])[:24] + b"\xff" * 16 + bytes(100))
    assert (found, "the file is damaged" in damaged) == ([], True)


def test_a_compressed_file_is_refused_with_what_to_do(path: Path) -> None:
    with pytest.raises(Unreadable, match="unpack it first"):
        read(path, b"\x1f\x8b" + bytes(50))


def test_streams_that_never_end_are_forgotten() -> None:
    streams = Streams()
    for number in range(MAX_FLOWS * 3):
        list(streams.heads(101, tcp(CALL[:100], 1, f"10.0.{number >> 8}.{number & 255}")))
        list(streams.heads(101, ip(bytes(16), 17, f"10.0.{number >> 8}.{number & 255}", place=0x2000)))
    assert len(streams._flows) == MAX_FLOWS
    assert len(streams._fragments) < MAX_FLOWS


def mutated(pieces: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """A good file with bytes exchanged: what nobody would come upon by chance alone."""

    def change(content: bytes, places: list[tuple[int, int]], end: int) -> bytes:
        changed = bytearray(content)
        for place, value in places:
            changed[place % len(changed)] = value
        return bytes(changed[: end % (len(changed) + 1)])

    places = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), max_size=8)
    return st.builds(change, st.sampled_from(pieces), places, st.integers(0, 5_000))


FILES = (pcap([ethernet(udp(CALL))] * 3), pcapng([ethernet(udp(CALL), 1)] * 3), asterisk_log([(CARRIER, CALL)] * 2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(content=st.one_of(mutated(FILES), st.binary(max_size=300), st.builds(bytes.__add__, *[mutated(FILES)] * 2)))
@example(content=pcapng([])[:9])
@example(content=b"\x0a\x0d\x0d\x0a" + bytes(8))
def test_a_hostile_file_never_does_more_than_end(path: Path, content: bytes) -> None:
    try:
        read(path, content)
    except Unreadable:
        pass


@settings(max_examples=400)
@given(
    st.sampled_from((0, 1, 12, 101, 108, 113, 276, 228, 229, 7)),
    mutated((ethernet(udp(CALL)), udp(CALL), tcp(CALL, 5), udp(CALL, "::1", "::2"), *fragments(udp(CALL), 64))),
)
def test_a_hostile_frame_never_does_more_than_be_passed_over(framing: int, frame: bytes) -> None:
    streams = Streams()
    for _ in range(2):
        assert all(isinstance(head, bytes) for _, head in streams.heads(framing, frame))

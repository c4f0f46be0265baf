"""Messages out of a stream: however it is cut up, each as long as its Content-Length says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.probes.sip_framing import MAX_BODY_BYTES, MAX_HEAD_BYTES, Framer, Unframed

FIRST = b"SIP/2.0 183 Session Progress\r\nContent-Length: 9\r\n\r\nSIP/2.0 2"
SECOND = b"SIP/2.0 200 OK\r\nl : 0\r\n\r\n"
KEEP_ALIVE = b"\r\n\r\n\r\n"


@given(st.lists(st.integers(0, len(FIRST + KEEP_ALIVE + SECOND)), max_size=12))
def test_messages_come_out_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = KEEP_ALIVE + FIRST + KEEP_ALIVE + SECOND
    edges = [0, *sorted(cuts), len(stream)]
    framer = Framer()
    found = [message for start, end in itertools.pairwise(edges) for message in framer.feed(stream[start:end])]
    assert found == [FIRST, SECOND]
    assert not framer.begun


@pytest.mark.parametrize(
    "stream",
    [
        b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: 1\r\nl: 2\r\n\r\nxx",
        b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: 0x10\r\n\r\n",
        "SIP/2.0 200 OK\r\nContent-Length: ٣\r\n\r\nxxx".encode(),
        b"SIP/2.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
        b"x" * (MAX_HEAD_BYTES + 1),
        b"SIP/2.0 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    ],
)
def test_a_stream_whose_next_message_cannot_be_found_is_given_up(stream: bytes) -> None:
    with pytest.raises(Unframed):
        Framer().feed(stream)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_nothing_that_arrives_breaks_the_framer_otherwise(parts: list[bytes]) -> None:
    framer = Framer()
    try:
        for part in parts:
            for message in framer.feed(part):
                assert b"\r\n\r\n" in message
    except Unframed:
        pass

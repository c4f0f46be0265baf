"""Messages out of a stream of bytes: each as long as its Content-Length says (RFC 3261 section 18.3). Pure."""

from __future__ import annotations

from typing import Final

from ringfence.probes.sip_message import headers_of

MAX_HEAD_BYTES: Final = 16 << 10
MAX_BODY_BYTES: Final = 64 << 10
_END: Final = b"\r\n\r\n"


class Unframed(Exception):
    """Where the next message begins cannot be known. The text is for people."""


class Framer:
    """What arrived and is no whole message yet; never more than one message's limits."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def begun(self) -> bool:
        """Whether part of a message is there."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Line ends between them keep a connection alive (RFC 5626 section 3.5.1).
        Raises Unframed."""
        self._rest = (self._rest + data).lstrip(b"\r\n")
        whole = []
        while (length := _length(self._rest)) is not None and len(self._rest) >= length:
            whole.append(self._rest[:length])
            self._rest = self._rest[length:].lstrip(b"\r\n")
        return whole


def _length(data: bytes) -> int | None:
    """Of the first message with its body; None while its head is not whole."""
    head, end, _ = data.partition(_END)
    if not end:
        if len(data) > MAX_HEAD_BYTES:
            raise Unframed("what it sends is no SIP message")
        return None
    if len(head) > MAX_HEAD_BYTES:
        raise Unframed("what it sends is no SIP message")
    said = set(headers_of(head.decode("utf-8", "replace").partition("\r\n")[2]).get("content-length", ()))
    if len(said) != 1:
        raise Unframed("an answer without a Content-Length" if not said else "an answer with two Content-Lengths")
    (text,) = said
    if not (text.isascii() and text.isdecimal()) or len(text) > 6 or int(text) > MAX_BODY_BYTES:
        raise Unframed("an answer with a Content-Length that is none")
    return len(head) + len(_END) + int(text)

"""Answers that come after nobody waits for them any more: whoever is slow is not dead.

A question that was not answered in time keeps its socket for a few seconds. What comes in waits in the kernel until
somebody looks, so nothing of it hangs on an event loop.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from socket import socket
from typing import Final

from ringfence.probes.sip_message import SipAnswer, SipRequest, read_answer

LATE_SECONDS: Final = 4.0
"""As long as SIP waits between two attempts at most (T2 of RFC 3261): who is slower is of no use to a caller."""
MOST: Final = 16
_DATAGRAM_BYTES: Final = 65_536


class LateAnswers:
    """Of one target's questions over UDP. Times are a loop's, in seconds."""

    def __init__(self) -> None:
        self._waiting: deque[_Unanswered] = deque(maxlen=MOST)

    def wait_for(self, request: SipRequest, sock: socket, now: float) -> None:
        """Takes a socket of its own; the given one may be closed."""
        with suppress(OSError):  # no descriptor to be had: then nothing late is heard
            self._waiting.append(_Unanswered(request, os.dup(sock.fileno()), now + LATE_SECONDS))

    def heard(self, now: float) -> SipAnswer | None:
        """A final answer to an earlier question that has come meanwhile; each is given once."""
        while self._waiting and self._waiting[0].until < now:
            self._waiting.popleft()
        for unanswered in list(self._waiting):
            if (answer := unanswered.answer()) is not None:
                self._waiting.remove(unanswered)
                return answer
        return None

    def clear(self) -> None:
        """It answers in time again."""
        self._waiting.clear()


class _Unanswered:
    """One question and its descriptor, which goes with it."""

    def __init__(self, request: SipRequest, descriptor: int, until: float) -> None:
        self._request = request
        self._descriptor = descriptor
        self.until = until

    def answer(self) -> SipAnswer | None:
        with suppress(OSError):  # nothing there, or that its port is closed
            while True:
                answer = read_answer(os.read(self._descriptor, _DATAGRAM_BYTES))
                if answer is not None and answer.final and answer.answers(self._request):
                    return answer
        return None

    def __del__(self) -> None:
        os.close(self._descriptor)

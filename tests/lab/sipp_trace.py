"""SIPp's message trace, read while it grows, turned into records of calls.

The trace has microseconds and every message; SIPp's own statistics have neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.records import CallRecord, ReceivedCall
from tests.lab.sip import SipMessage, parse, user_of
from tests.lab.tail import Tail

# SIPp writes the time with a T and a Z and `[204] bytes`; older ones a blank, and `(204 bytes)`. TZ is UTC for both.
ENTRY = re.compile(
    rb"-{40,} (\d{4}-\d\d-\d\d)[T \t](\d\d:\d\d:\d\d\.\d+)[^\n]*\n"
    rb"\w+ message (sent|received) [\[(](\d+)\]? bytes[^\n]*\n\n"
)


@dataclass(frozen=True, slots=True)
class TracedMessage:
    at: float
    sent: bool
    message: SipMessage


class SippTrace:
    """Gives each message once, as soon as it is completely in the file."""

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._buffer = b""

    def read(self) -> list[TracedMessage]:
        self._buffer += self._tail.read()
        messages = []
        position = 0
        while entry := ENTRY.search(self._buffer, position):
            end = entry.end() + int(entry[4])
            if end > len(self._buffer):
                break
            message = parse(self._buffer[entry.end() : end])
            if message is not None:
                messages.append(TracedMessage(_seconds(entry), entry[3] == b"sent", message))
            position = end
        self._buffer = self._buffer[position:]
        return messages


class CarrierLog:
    """Offered calls, from a carrier's trace."""

    def __init__(self) -> None:
        self._by_call_id: dict[str, CallRecord] = {}

    def note(self, traced: TracedMessage) -> None:
        message, at = traced.message, traced.at
        record = self._by_call_id.get(message.call_id)
        if record is None:
            if traced.sent and message.status is None and message.method == "INVITE":
                caller = user_of(message.header("from"))
                did = message.request_user
                self._by_call_id[message.call_id] = CallRecord(message.call_id, did, caller, at)
            return
        self._by_call_id[message.call_id] = _advanced(record, message, at)

    def records(self) -> list[CallRecord]:
        return list(self._by_call_id.values())


def _advanced(record: CallRecord, message: SipMessage, at: float) -> CallRecord:
    status = message.status
    if status is None:
        ends = message.method == "BYE" and record.ended_at is None
        return replace(record, ended_at=at) if ends else record
    if message.method != "INVITE" or record.final_status is not None:
        return record
    if 180 <= status < 190 and status not in (181, 182) and record.ringing_at is None:
        return replace(record, ringing_at=at)
    if status == 200:
        return replace(record, final_status=status, answered_at=at)
    if status >= 300:
        return replace(record, final_status=status, ended_at=at)
    return record


class NetworkLog:
    """Received calls, from a called side's trace."""

    def __init__(self) -> None:
        self._by_call_id: dict[str, ReceivedCall] = {}

    def note(self, traced: TracedMessage) -> None:
        message, at = traced.message, traced.at
        call = self._by_call_id.get(message.call_id)
        if call is None:
            if not traced.sent and message.status is None and message.method == "INVITE":
                self._by_call_id[message.call_id] = ReceivedCall(
                    message.call_id, message.request_user, user_of(message.header("from")), at, message
                )
            return
        if message.status is None:
            if message.method in ("BYE", "CANCEL") and call.ended_at is None and not traced.sent:
                ended_by = f"caller-{message.method.lower()}"
                self._by_call_id[message.call_id] = replace(call, ended_by=ended_by, ended_at=at)
        elif message.method == "INVITE" and message.status >= 200 and call.final_status is None:
            answered_at = at if message.status == 200 else None
            self._by_call_id[message.call_id] = replace(call, final_status=message.status, answered_at=answered_at)

    def calls(self) -> list[ReceivedCall]:
        return list(self._by_call_id.values())


def _seconds(entry: re.Match[bytes]) -> float:
    text = f"{entry[1].decode()}T{entry[2].decode()}"
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

"""What other machines send us: SIP, AMI, ARI, FastAGI, call records, an answer's headers."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from panoramisk.actions import Action

from ringfence.app.ports import CallEnded
from ringfence.asterisk.ami_wire import MAX_PARTIAL_CHARS, FencedManager, FencedProtocol
from ringfence.asterisk.call_records import read_row
from ringfence.asterisk.event_fields import MAX_TEXT_CHARS, MalformedEvent
from ringfence.asterisk.events import MAX_CALL_MS, MAX_STEP, Wiring, read_event
from ringfence.asterisk.fastagi import MAX_REQUEST_BYTES, FastAgiSettings, _DoorThread, _Refused
from ringfence.asterisk.identity_events import read_identity
from ringfence.asterisk.leg_memory import LegMemory
from ringfence.asterisk.outgoing_events import read_outgoing
from ringfence.asterisk.refusal_events import read_refusal
from ringfence.channels.webhook import retry_after_seconds
from ringfence.cli.support.asterisk_facts import QUESTIONS
from ringfence.domain.calls import CallRecord
from ringfence.domain.health import TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.probes.sip_digest import best_of, credentials
from ringfence.probes.sip_framing import MAX_BODY_BYTES, MAX_HEAD_BYTES, Framer, Unframed
from ringfence.probes.sip_message import SipRequest, read_answer
from tests.fuzz.target import Target, Try, holds, shape

NOW: Final = Moment(datetime(2030, 1, 1, tzinfo=UTC), 1000.0)
WIRING: Final = Wiring({"uc": "main-uc"}, {"uc_qualify": TargetId(TargetRole.PLATFORM, "uc")})


def targets() -> tuple[Target, ...]:
    return (
        Target("sip-answer", "a SIP answer in a datagram", "probes.sip_message", _sip_answer, max_bytes=65535),
        Target(
            "sip-stream",
            "SIP answers over TCP and TLS, in pieces",
            "probes.sip_framing probes.sip_message",
            _sip_stream,
        ),
        Target("sip-challenge", "what a registrar wants proven", "probes.sip_digest", _sip_challenge),
        Target("ami", "AMI's answers, events and rows of AstDB", "asterisk.ami_wire", _ami),
        Target(
            "ari",
            "ARI's events, the dialplan's own in them",
            "asterisk.events asterisk.event_fields asterisk.refusal_events asterisk.outgoing_events "
            "asterisk.identity_events asterisk.leg_memory asterisk.vocabulary",
            _ari,
        ),
        Target("cdr", "rows of Asterisk's call records", "asterisk.call_records", _cdr),
        Target(
            "fastagi", "what a dialplan asks by FastAGI", "asterisk.fastagi", _fastagi, max_bytes=32768, grows=False
        ),
        Target("retry-after", "how long a receiver of notices asks to wait", "channels.webhook", _retry_after),
        Target(
            "console", "answers of Asterisk's console, for a support bundle", "cli.support.asterisk_facts", _console
        ),
    )


def _sip_answer() -> Try:
    def attempt(data: bytes) -> str:
        answer = read_answer(data)
        if answer is None:
            return "no answer"
        holds(100 <= answer.status <= 699, "a status out of its range", answer.status)
        holds(answer.branch and not re.search(r"\s", answer.branch), "a mark that is none", answer.branch)
        asked = SipRequest("h", 5060, "l", 5060, "z9hG4bKours", "our-call", "t")
        holds(not answer.answers(asked) or b"our-call" in data, "an answer to a question that was not asked")
        return f"{answer.status // 100}xx, {len(answer.challenges)} challenges, {answer.final}"

    return attempt


def _sip_stream() -> Try:
    def attempt(data: bytes) -> str:
        whole, ended = _framed((data,))
        pieces, ended_too = _framed(tuple(data[at : at + 7] for at in range(0, min(len(data), 4096), 7)))
        if len(data) <= 4096:
            # Bytes that arrive together after a broken message have been read or not: what is whole before it is not.
            holds(whole[: len(pieces)] == pieces[: len(whole)], "other messages in pieces than at once", whole)
            holds(ended == ended_too, "another end in pieces than at once", (ended, ended_too))
        for message in whole:
            holds(len(message) <= MAX_HEAD_BYTES + MAX_BODY_BYTES + 4, "a message over its limit", len(message))
            read_answer(message)
        return f"{min(len(whole), 3)} messages, {shape(ended)}"

    return attempt


def _framed(pieces: tuple[bytes, ...]) -> tuple[list[bytes], str]:
    framer, whole = Framer(), list[bytes]()
    try:
        for piece in pieces:
            whole += framer.feed(piece)
    except Unframed as error:
        return whole, str(error)
    return whole, "begun" if framer.begun else ""


def _sip_challenge() -> Try:
    def attempt(data: bytes) -> str:
        values = data.decode("utf-8", "replace").split("\r\n")
        challenge = best_of(values)
        if challenge is None:
            return "none"
        said = credentials(challenge, "user", "secret-word", "REGISTER", "sip:h", "c")
        holds("\n" not in said and "\r" not in said, "a line end in what we send", said)
        holds("secret-word" not in said, "the password is sent", said)
        again = best_of([said.replace("username=", "x=", 1)])
        holds(
            again is not None and (again.realm, again.nonce) == (challenge.realm, challenge.nonce),
            "the challenge is not given back as it came",
            said,
        )
        return f"{challenge.algorithm} {challenge.with_qop} {bool(challenge.opaque)}"

    return attempt


class _Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


def _ami() -> Try:
    loop = asyncio.new_event_loop()

    def attempt(data: bytes) -> str:
        wire, protocol, manager = _Wire(), FencedProtocol(), FencedManager(loop)
        protocol.connection_made(wire)
        made: asyncio.Future[Any] = loop.create_future()
        made.set_result((wire, protocol))
        manager.connection_made(made)
        loop.run_until_complete(asyncio.sleep(0))  # what it sets in motion has been done
        protocol.data_received(b"Asterisk Call Manager/9.0.0\r\n")
        action = Action({"Action": "DBGetTree", "ActionID": "ours"})
        action.future = loop.create_future()
        protocol.send_all([action])
        for at in range(0, len(data), 1000):
            protocol.data_received(data[at : at + 1000])
        holds(wire.aborted or sum(map(len, protocol.queue)) <= MAX_PARTIAL_CHARS, "more is kept than the limit")
        done = action.future.done() and action.future.result() is not None
        return f"closed {protocol.closed}, done {done}, {min(len(action.responses), 3)} rows"

    return attempt


def _ari() -> Try:
    def attempt(data: bytes) -> str:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return "no JSON"
        told: list[str] = []
        for read in (_events, read_refusal, read_outgoing, read_identity):
            try:
                found = read(event, NOW)
            except MalformedEvent as error:
                holds("07700" not in str(error) and "7700900" not in str(error), "a number is repeated", str(error))
                told.append(shape(error))
                continue
            told += [type(one).__name__ for one in found]
            for one in found:
                if isinstance(one, CallEnded):
                    _check_call(one.record)
        return ", ".join(told)

    return attempt


def _events(event: object, now: Moment) -> tuple[object, ...]:
    return read_event(event, WIRING, LegMemory(), now)


def _check_call(record: CallRecord) -> None:
    for name in ("call_id", "did", "caller", "trunk", "scope", "reason"):
        text = getattr(record, name)
        holds(
            len(text) <= MAX_TEXT_CHARS
            and (
                not text
                or text.isprintable()
                or "\ufffd" in text
                or " " in text
                or not any(c in text for c in "\r\n\0")
            ),
            "a text that may not be kept",
            text,
        )
        text.encode(errors="strict") if not any("\ud800" <= c <= "\udfff" for c in text) else None
    holds(0 <= record.step <= MAX_STEP and 0 <= record.duration_ms <= MAX_CALL_MS, "a figure out of range", record.step)
    holds(record.ended_at.tzinfo is not None, "a moment without a zone", record.ended_at)


def _cdr() -> Try:
    def attempt(data: bytes) -> str:
        rows = [read_row(line) for line in data.decode(errors="replace").splitlines()[:50]]
        for row in rows:
            if row is not None:
                _check_call(row)
        return ", ".join(sorted({"none" if row is None else row.answered_by for row in rows}))

    return attempt


class _Writer:
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def _fastagi() -> Try:
    loop, asked = asyncio.new_event_loop(), list[str]()

    async def decide(did: str) -> dict[str, str] | None:
        asked.append(did)
        return {"RF_DECISION": "divert", "RF_WHY": "scope-divert"}

    door = _DoorThread(FastAgiSettings(), decide, loop)

    async def answer(data: bytes) -> str:
        asked.clear()
        reader, writer = asyncio.StreamReader(limit=MAX_REQUEST_BYTES), _Writer()
        reader.feed_data(data)
        reader.feed_eof()
        try:
            await door._answer(reader, writer)  # type: ignore[arg-type]
        except (_Refused, TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            told = type(error).__name__
        else:
            told = "answered"
        holds(
            all(line.startswith(b"SET VARIABLE RF_") for line in writer.written.splitlines()), "odd words to Asterisk"
        )
        holds(all(did.encode() in data for did in asked), "a number that nobody sent", asked)
        return f"{told} {len(asked)} {writer.written.count(b'SET')}"

    return lambda data: loop.run_until_complete(answer(data))


def _retry_after() -> Try:
    def attempt(data: bytes) -> str:
        wait = retry_after_seconds(data.decode("latin-1"), 1_893_456_000.0)
        holds(wait is None or wait >= 0, "a wait into the past", wait)
        return "none" if wait is None else f"{len(str(int(wait)))} digits"

    return attempt


def _console() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode(errors="replace")
        return " ".join(str(min(len(list(question.taken(text))), 3)) for question in QUESTIONS)

    return attempt

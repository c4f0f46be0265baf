"""ARI's JSON turned into our values: pure functions, no connection, no log.

Whatever is in an event may have been sent by a stranger's telephone. What cannot be read exactly is not repaired: the
event is malformed, with a reason that repeats nothing of it, and the caller drops and counts it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import unquote

from ringfence.app.ports import AsteriskEvent, CallEnded, CarrierCalled
from ringfence.asterisk.leg_memory import LegMemory
from ringfence.asterisk.vocabulary import (
    ANSWERED_BY,
    EGRESS_PASSED,
    LEG_OUTCOMES,
    PUT_THROUGH,
    ROUTE_CONTEXT,
    DialStatus,
    EventType,
    Field,
    UserEventName,
    contact_passed,
    contact_state,
)
from ringfence.domain.calls import AnsweredBy, CallRecord, caller_of
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import CallOutcome, OutcomeClass

MAX_TEXT_CHARS: Final = 128
MAX_STEP: Final = 99
MAX_CALL_MS: Final = 7 * 24 * 3600 * 1000

DID: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WORD: Final = re.compile(r"[a-z0-9_-]{0,64}")
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Json = Mapping[str, object]


class MalformedEvent(ValueError):
    """An event that is not what it should be. The text names the field and repeats nothing of its content."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which of Asterisk's names mean what. `platform_endpoints`: PJSIP endpoint -> scope. `contact_endpoints`: the
    qualified endpoint -> the target it speaks for."""

    platform_endpoints: Mapping[str, str] = field(default_factory=dict)
    contact_endpoints: Mapping[str, TargetId] = field(default_factory=dict)


def read_event(event: object, wiring: Wiring, legs: LegMemory, now: Moment) -> tuple[AsteriskEvent, ...]:
    """What one ARI event says; nothing for an event that is not for us. Raises MalformedEvent only."""
    message = read_object(event, "the event")
    kind = message.get("type")
    if kind == EventType.DIAL:
        return _dial(message, wiring, legs, now)
    if kind == EventType.USER_EVENT:
        return _user_event(message, wiring, now)
    if kind in (EventType.CONTACT_STATUS, EventType.PEER_STATUS):
        return _contact(message, wiring, now)
    return ()


def endpoint_of(channel_name: str) -> str | None:
    """`uc` of `PJSIP/uc-0000002a`; None for another technology's channel."""
    technology, _, rest = channel_name.partition("/")
    endpoint, dash, _ = rest.rpartition("-")
    return endpoint if technology == "PJSIP" and dash else None


def observation(target: TargetId, spelling: str, now: Moment) -> Observation:
    """Asterisk's word on a qualified endpoint. A word we do not know is "cannot tell", never a miss."""
    state = contact_state(spelling)
    words = str(state) if state is not None else "in a state this release of Ringfence does not know"
    return Observation(target, EvidenceKind.CONTACT_STATUS, contact_passed(state), now, f"Asterisk says: {words}")


def _dial(message: Json, wiring: Wiring, legs: LegMemory, now: Moment) -> tuple[AsteriskEvent, ...]:
    peer = read_object(message.get("peer"), "peer")
    caller = message.get("caller")
    if caller is None:  # an originated leg: nobody called in
        return ()
    context, exten = _dialplan(read_object(caller, "caller"))
    endpoint = endpoint_of(_text(peer, "name", "peer.name"))
    scope = wiring.platform_endpoints.get(endpoint or "")
    if scope is None or context != ROUTE_CONTEXT:
        return ()
    status = _text(message, "dialstatus", "dialstatus")
    if status == DialStatus.BEGUN:
        # The platform's leg begins the moment a call comes in. A later leg begins when our own timer says so, and would
        # testify that the carrier reaches us while we are cut off.
        return (CarrierCalled(now),)
    if not DID.fullmatch(exten):  # a test number that is routed transparently: no evidence
        return ()
    if status == DialStatus.PROGRESS:
        legs.heard(_text(peer, "id", "peer.id"))
    if status not in PUT_THROUGH or not legs.first(_text(peer, "id", "peer.id")):
        return ()
    number = _text(read_object(read_object(caller, "caller").get("caller", {}), "caller.caller"), "number", "number")
    return (CallOutcome(scope, exten, _clean(number), OutcomeClass.PUT_THROUGH, None, now),)


def _user_event(message: Json, wiring: Wiring, now: Moment) -> tuple[AsteriskEvent, ...]:
    name = message.get("eventname")
    if name == UserEventName.LEG:
        return _leg(read_object(message.get("userevent"), "userevent"), wiring, now)
    if name == UserEventName.EGRESS:
        return _egress_attempt(read_object(message.get("userevent"), "userevent"), now)
    if name == UserEventName.CALL:
        fields = read_object(message.get("userevent"), "userevent")
        return (CallEnded(call_record(fields, now)), *_egress_answered(fields, now))
    return ()


def _leg(fields: Json, wiring: Wiring, now: Moment) -> tuple[AsteriskEvent, ...]:
    did, scope = read_field(fields, Field.DID), read_field(fields, Field.SCOPE)
    if not DID.fullmatch(did):
        return ()
    if scope not in wiring.platform_endpoints.values():
        raise MalformedEvent(f"{UserEventName.LEG}: scope is not one of ours")
    outcome = LEG_OUTCOMES.get(read_field(fields, Field.RESULT))
    if outcome is None:
        raise MalformedEvent(f"{UserEventName.LEG}: result is not one we know")
    return (
        CallOutcome(scope, did, _clean(read_field(fields, Field.CALLER)), outcome, _status(fields, Field.STATUS), now),
    )


def _egress_attempt(fields: Json, now: Moment) -> tuple[AsteriskEvent, ...]:
    passed = EGRESS_PASSED.get(read_field(fields, Field.RESULT))
    if passed is None:
        return ()
    words = f"a call ended with {_status(fields, Field.STATUS) or 'no answer'}"
    return (_egress_observation(fields, passed, words, now),)


def _egress_answered(fields: Json, now: Moment) -> tuple[AsteriskEvent, ...]:
    """Of a team rung all at once nobody knows by which trunk the one who answered was reached: `egress` is empty."""
    answered_by = read_field(fields, Field.ANSWERED_BY)
    if answered_by == AnsweredBy.TEAM and not read_field(fields, Field.EGRESS):
        return ()
    dialled_out = answered_by in (AnsweredBy.PERSON, AnsweredBy.SITE, AnsweredBy.TEAM)
    return (_egress_observation(fields, True, "a call was answered", now),) if dialled_out else ()


def _egress_observation(fields: Json, passed: bool, words: str, now: Moment) -> Observation:
    target = TargetId(TargetRole.TRUNK, read_matching(fields, Field.EGRESS, _NAME))
    return Observation(target, EvidenceKind.CALL_OUTCOMES, passed, now, words)


def call_record(fields: Json, now: Moment) -> CallRecord:
    """The journal's row of a `RingfenceCall`. Raises MalformedEvent."""
    started, ended = _milliseconds(fields, Field.STARTED), _milliseconds(fields, Field.ENDED)
    ringing = _milliseconds(fields, Field.RINGING)
    answered_by = ANSWERED_BY.get(read_field(fields, Field.ANSWERED_BY))
    if answered_by is None:
        raise MalformedEvent(f"{UserEventName.CALL}: answered_by is not one we know")
    return CallRecord(
        call_id=_clean(read_field(fields, Field.CALL)),
        ended_at=_wall(ended) or now.wall,
        did=_clean(read_field(fields, Field.DID)),
        trunk=read_matching(fields, Field.TRUNK, _NAME),
        scope=read_matching(fields, Field.SCOPE, _NAME),
        caller=caller_of(_clean(read_field(fields, Field.CALLER))),
        decision=read_matching(fields, Field.DECISION, _WORD),
        path=read_matching(fields, Field.PATH, _WORD),
        reason=read_matching(fields, Field.REASON, _WORD),
        step=_step(fields),
        answered_by=answered_by,
        result=read_matching(fields, Field.RESULT, _WORD),
        platform_status=_status(fields, Field.PLATFORM_STATUS),
        duration_ms=_span(started, ended) or 0,
        ringing_after_ms=_span(started, ringing),
    )


def _contact(message: Json, wiring: Wiring, now: Moment) -> tuple[AsteriskEvent, ...]:
    endpoint = read_object(message.get("endpoint"), "endpoint")
    if endpoint.get("technology") != "PJSIP":
        return ()
    target = wiring.contact_endpoints.get(_text(endpoint, "resource", "endpoint.resource"))
    if target is None:
        return ()
    if message.get("type") == EventType.CONTACT_STATUS:
        info = read_object(message.get("contact_info"), "contact_info")
        return (observation(target, _text(info, "contact_status", "contact_status"), now),)
    peer = read_object(message.get("peer"), "peer")
    return (observation(target, _text(peer, "peer_status", "peer_status"), now),)


def _dialplan(channel: Json) -> tuple[str, str]:
    dialplan = read_object(channel.get("dialplan"), "dialplan")
    return _text(dialplan, "context", "context"), _text(dialplan, "exten", "exten")


def read_object(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise MalformedEvent(f"{what} is not an object")
    return cast(Json, value)


def _text(holder: Json, key: str, what: str) -> str:
    value = holder.get(key, "")
    if not isinstance(value, str):
        raise MalformedEvent(f"{what} is not text")
    return value


def read_field(fields: Json, name: Field) -> str:
    """A user event's field, decoded; empty when it is absent."""
    value = _text(fields, name, name)
    # Three characters for one at most, so the limit holds after decoding, too.
    if len(value) > 3 * MAX_TEXT_CHARS:
        raise MalformedEvent(f"{name} is too long")
    return unquote(value, errors="replace").strip()


def read_matching(fields: Json, name: Field, pattern: re.Pattern[str]) -> str:
    value = read_field(fields, name)
    if value and not pattern.fullmatch(value):
        raise MalformedEvent(f"{name} is not a plain word")
    return value


def _clean(text: str) -> str:
    """A stranger's text as it may be stored and shown: bounded, and without control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[:MAX_TEXT_CHARS])


def _number(fields: Json, name: Field) -> int | None:
    value = read_field(fields, name)
    if not value:
        return None
    if not _DIGITS.fullmatch(value):
        raise MalformedEvent(f"{name} is not a number")
    return int(value)


def _status(fields: Json, name: Field) -> int | None:
    """A final SIP status (RFC 3261 section 7.2: three digits); a provisional one means that no answer came."""
    status = _number(fields, name)
    if status is None or status < 200:
        return None
    if status > 699:
        raise MalformedEvent(f"{name} is not a SIP status")
    return status


def _step(fields: Json) -> int:
    step = _number(fields, Field.STEP) or 0
    if step > MAX_STEP:
        raise MalformedEvent("step is out of range")
    return step


def _milliseconds(fields: Json, name: Field) -> int | None:
    return _number(fields, name) or None


def _span(first: int | None, last: int | None) -> int | None:
    """From one to the other, 0 to a week: Asterisk's wall clock may have been stepped in between."""
    if first is None or last is None:
        return None
    return min(max(last - first, 0), MAX_CALL_MS)


def _wall(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise MalformedEvent("a time is out of range") from None

"""ARI's JSON turned into our values: pure functions, no connection, no log.

Whatever is in an event may have been sent by a stranger's telephone. What cannot be read exactly is not repaired: the
event is malformed, with a reason that repeats nothing of it, and the caller drops and counts it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ringfence.app.ports import AsteriskEvent, CallEnded, CarrierCalled
from ringfence.asterisk.event_fields import (
    DID,
    Json,
    MalformedEvent,
    clean,
    read_field,
    read_matching,
    read_number,
    read_object,
    read_status,
    read_text,
)
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
from ringfence.domain.calls import AnsweredBy, CallRecord, PlatformAnswered, caller_of
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import CallOutcome, OutcomeClass

MAX_STEP: Final = 99
MAX_CALL_MS: Final = 7 * 24 * 3600 * 1000

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WORD: Final = re.compile(r"[a-z0-9_-]{0,64}")


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
        return _user_event(message, wiring, legs, now)
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
    context, did = _dialplan(read_object(caller, "caller"))
    routed = context == ROUTE_CONTEXT
    if not routed:
        did = legs.did_of(str(read_object(caller, "caller").get("id"))) or ""
    endpoint = endpoint_of(read_text(peer, "name", "peer.name"))
    scope = wiring.platform_endpoints.get(endpoint or "")
    if scope is None or not (routed or did):
        return ()
    status = read_text(message, "dialstatus", "dialstatus")
    if status == DialStatus.BEGUN:
        # The platform's leg begins the moment a call comes in. A later leg begins when our own timer says so, and would
        # testify that the carrier reaches us while we are cut off.
        return (CarrierCalled(now),) if routed else ()
    if not DID.fullmatch(did):  # a test number that is routed transparently: no evidence
        return ()
    leg, caller = read_text(peer, "id", "peer.id"), read_object(caller, "caller")
    if status == DialStatus.PROGRESS:
        legs.heard(leg)
    if status not in PUT_THROUGH:
        return ()
    number = clean(read_text(read_object(caller.get("caller", {}), "caller.caller"), "number", "number"))
    waited = leg in legs
    told: list[AsteriskEvent] = []
    if legs.first(leg):
        told.append(CallOutcome(scope, did, number, OutcomeClass.PUT_THROUGH, None, now))
    if status == DialStatus.ANSWER and routed:
        call_id = clean(read_text(caller, "id", "caller.id"))
        told.append(PlatformAnswered(call_id, scope, did, number, waited, now))
    return tuple(told)


def _user_event(message: Json, wiring: Wiring, legs: LegMemory, now: Moment) -> tuple[AsteriskEvent, ...]:
    name = message.get("eventname")
    if name == UserEventName.HANDED:
        fields = read_object(message.get("userevent"), "userevent")
        legs.handed(read_field(fields, Field.CALL), read_field(fields, Field.DID))
        return (CarrierCalled(now),)
    if name == UserEventName.LEG:
        return _leg(read_object(message.get("userevent"), "userevent"), wiring, now, _began(message, now))
    if name == UserEventName.EGRESS:
        return _egress_attempt(read_object(message.get("userevent"), "userevent"), now)
    if name == UserEventName.CALL:
        fields = read_object(message.get("userevent"), "userevent")
        return (CallEnded(call_record(fields, now)), *_egress_answered(fields, now))
    return ()


def _began(message: Json, now: Moment) -> Moment | None:
    """When the call came in: its channel's birth, by Asterisk's own clock."""
    channel = message.get("channel")
    created = channel.get("creationtime") if isinstance(channel, dict) else None
    try:
        return now.at_wall(datetime.fromisoformat(str(created)))
    except (ValueError, TypeError, OverflowError):  # TypeError: a time without a zone
        return None


def _leg(fields: Json, wiring: Wiring, now: Moment, began_at: Moment | None) -> tuple[AsteriskEvent, ...]:
    did, scope = read_field(fields, Field.DID), read_field(fields, Field.SCOPE)
    if not DID.fullmatch(did):
        return ()
    if scope not in wiring.platform_endpoints.values():
        raise MalformedEvent(f"{UserEventName.LEG}: scope is not one of ours")
    outcome = LEG_OUTCOMES.get(read_field(fields, Field.RESULT))
    if outcome is None:
        raise MalformedEvent(f"{UserEventName.LEG}: result is not one we know")
    caller, status = clean(read_field(fields, Field.CALLER)), read_status(fields, Field.STATUS)
    return (CallOutcome(scope, did, caller, outcome, status, now, began_at),)


def _egress_attempt(fields: Json, now: Moment) -> tuple[AsteriskEvent, ...]:
    passed = EGRESS_PASSED.get(read_field(fields, Field.RESULT))
    if passed is None:
        return ()
    words = f"a call ended with {read_status(fields, Field.STATUS) or 'no answer'}"
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
        call_id=clean(read_field(fields, Field.CALL)),
        ended_at=_wall(ended) or now.wall,
        did=clean(read_field(fields, Field.DID)),
        trunk=read_matching(fields, Field.TRUNK, _NAME),
        scope=read_matching(fields, Field.SCOPE, _NAME),
        caller=caller_of(clean(read_field(fields, Field.CALLER))),
        decision=read_matching(fields, Field.DECISION, _WORD),
        path=read_matching(fields, Field.PATH, _WORD),
        reason=read_matching(fields, Field.REASON, _WORD),
        step=_step(fields),
        answered_by=answered_by,
        result=read_matching(fields, Field.RESULT, _WORD),
        platform_status=read_status(fields, Field.PLATFORM_STATUS),
        duration_ms=_span(started, ended) or 0,
        ringing_after_ms=_span(started, ringing),
        answered_after_ms=_span(started, _milliseconds(fields, Field.ANSWERED)),
    )


def _contact(message: Json, wiring: Wiring, now: Moment) -> tuple[AsteriskEvent, ...]:
    endpoint = read_object(message.get("endpoint"), "endpoint")
    if endpoint.get("technology") != "PJSIP":
        return ()
    target = wiring.contact_endpoints.get(read_text(endpoint, "resource", "endpoint.resource"))
    if target is None:
        return ()
    if message.get("type") == EventType.CONTACT_STATUS:
        info = read_object(message.get("contact_info"), "contact_info")
        return (observation(target, read_text(info, "contact_status", "contact_status"), now),)
    peer = read_object(message.get("peer"), "peer")
    return (observation(target, read_text(peer, "peer_status", "peer_status"), now),)


def _dialplan(channel: Json) -> tuple[str, str]:
    dialplan = read_object(channel.get("dialplan"), "dialplan")
    return read_text(dialplan, "context", "context"), read_text(dialplan, "exten", "exten")


def _step(fields: Json) -> int:
    step = read_number(fields, Field.STEP) or 0
    if step > MAX_STEP:
        raise MalformedEvent("step is out of range")
    return step


def _milliseconds(fields: Json, name: Field) -> int | None:
    return read_number(fields, name) or None


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

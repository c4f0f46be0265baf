"""`RingfenceOutbound` turned into our value: a call that one of the site's own phones placed. Called by `ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.asterisk.events import MalformedEvent, read_field, read_matching, read_object
from ringfence.asterisk.vocabulary import EventType, Field, UserEventName
from ringfence.domain.moment import Moment
from ringfence.domain.outgoing import RESULTS, OutgoingCall

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_CALL: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}")
_STATUS: Final = re.compile(r"[1-6][0-9]{2}")


def read_outgoing(event: object, now: Moment) -> tuple[OutgoingCall, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    message = read_object(event, "the event")
    if (message.get("type"), message.get("eventname")) != (EventType.USER_EVENT, UserEventName.OUTBOUND):
        return ()
    fields = read_object(message.get("userevent"), "userevent")
    site, result = read_matching(fields, Field.SITE, _NAME), read_field(fields, Field.RESULT)
    if not site or result not in RESULTS:
        raise MalformedEvent(f"{UserEventName.OUTBOUND}: a field is missing, or not one we know")
    status = read_matching(fields, Field.STATUS, _STATUS)
    return (
        OutgoingCall(
            call_id=read_matching(fields, Field.CALL, _CALL),
            site=site,
            emergency=read_field(fields, Field.EMERGENCY) == "yes",
            result=result,
            egress=read_matching(fields, Field.EGRESS, _NAME),
            status=int(status) if status else None,
            preempted=read_field(fields, Field.PREEMPTED) == "yes",
            at=now.wall,
        ),
    )

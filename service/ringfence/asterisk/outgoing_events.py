"""`RingfenceOutbound` turned into our value: a call that one of the site's own phones placed. Called by `ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.asterisk.event_fields import CONFIGURED_NAME, MalformedEvent, read_field, read_matching, read_user_event
from ringfence.asterisk.vocabulary import Field, UserEventName
from ringfence.domain.moment import Moment
from ringfence.domain.outgoing import RESULTS, OutgoingCall

_CALL: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}")
_STATUS: Final = re.compile(r"[1-6][0-9]{2}")


def read_outgoing(event: object, now: Moment) -> tuple[OutgoingCall, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    fields = read_user_event(event, UserEventName.OUTBOUND)
    if fields is None:
        return ()
    site, result = read_matching(fields, Field.SITE, CONFIGURED_NAME), read_field(fields, Field.RESULT)
    if not site or result not in RESULTS:
        raise MalformedEvent(f"{UserEventName.OUTBOUND}: a field is missing, or not one we know")
    status = read_matching(fields, Field.STATUS, _STATUS)
    return (
        OutgoingCall(
            call_id=read_matching(fields, Field.CALL, _CALL),
            site=site,
            emergency=read_field(fields, Field.EMERGENCY) == "yes",
            result=result,
            egress=read_matching(fields, Field.EGRESS, CONFIGURED_NAME),
            status=int(status) if status else None,
            preempted=read_field(fields, Field.PREEMPTED) == "yes",
            at=now.wall,
        ),
    )

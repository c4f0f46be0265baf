"""`RingfenceIdentity` turned into our value: a rung of the identity ladder was refused, a lower one rang. Called by
`ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.app.ports import IdentityLearnt
from ringfence.asterisk.events import MalformedEvent, read_field, read_matching, read_object
from ringfence.asterisk.vocabulary import EventType, Field, UserEventName
from ringfence.domain.identities import RUNG_WORDS
from ringfence.domain.moment import Moment

_TRUNK: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_STATUS: Final = re.compile(r"[4-6][0-9]{2}")


def read_identity(event: object, now: Moment) -> tuple[IdentityLearnt, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    message = read_object(event, "the event")
    if (message.get("type"), message.get("eventname")) != (EventType.USER_EVENT, UserEventName.IDENTITY):
        return ()
    fields = read_object(message.get("userevent"), "userevent")
    trunk = read_matching(fields, Field.EGRESS, _TRUNK)
    rung = read_field(fields, Field.RUNG)
    status = read_matching(fields, Field.STATUS, _STATUS)
    if rung not in RUNG_WORDS or not trunk or not status:
        raise MalformedEvent(f"{UserEventName.IDENTITY}: a field is missing, or not one we know")
    return (IdentityLearnt(trunk, rung, int(status), now),)

"""`RingfenceIdentity` turned into our value: a rung of the identity ladder was refused, a lower one rang. Called by
`ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.app.ports import IdentityLearnt
from ringfence.asterisk.event_fields import CONFIGURED_NAME, MalformedEvent, read_field, read_matching, read_user_event
from ringfence.asterisk.vocabulary import Field, UserEventName
from ringfence.domain.identities import RUNG_WORDS, Rung
from ringfence.domain.moment import Moment

_STATUS: Final = re.compile(r"[4-6][0-9]{2}")


def read_identity(event: object, now: Moment) -> tuple[IdentityLearnt, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    fields = read_user_event(event, UserEventName.IDENTITY)
    if fields is None:
        return ()
    trunk = read_matching(fields, Field.EGRESS, CONFIGURED_NAME)
    rung = read_field(fields, Field.RUNG)
    status = read_matching(fields, Field.STATUS, _STATUS)
    if rung not in RUNG_WORDS or not trunk or not status:
        raise MalformedEvent(f"{UserEventName.IDENTITY}: a field is missing, or not one we know")
    return (IdentityLearnt(trunk, Rung(rung), int(status), now),)

"""`RingfenceRefusal` turned into our value: a leg outward that the dialplan did not let out. Called by `ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.app.ports import LegRefused
from ringfence.asterisk.events import DID, Json, MalformedEvent, read_field, read_matching, read_object
from ringfence.asterisk.vocabulary import EventType, Field, UserEventName
from ringfence.domain.moment import Moment
from ringfence.domain.refusals import REFUSALS

_LIMIT: Final = re.compile(r"[a-z-]{1,40}")
_TRUNK: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")


def read_refusal(event: object, now: Moment) -> tuple[LegRefused, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    message = read_object(event, "the event")
    if (message.get("type"), message.get("eventname")) != (EventType.USER_EVENT, UserEventName.REFUSAL):
        return ()
    fields: Json = read_object(message.get("userevent"), "userevent")
    what = read_field(fields, Field.WHAT)
    if what not in REFUSALS:
        raise MalformedEvent(f"{UserEventName.REFUSAL}: what is not one we know")
    did = read_field(fields, Field.DID)
    return (
        LegRefused(
            what=what,
            limit=read_matching(fields, Field.LIMIT, _LIMIT),
            # Clean, but no number of ours: a number that a carrier tests with, say.
            did=did if DID.fullmatch(did) else "",
            trunk=read_matching(fields, Field.TRUNK, _TRUNK),
            at=now,
        ),
    )

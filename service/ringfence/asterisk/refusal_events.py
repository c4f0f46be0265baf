"""`RingfenceRefusal` turned into our value: a leg outward that the dialplan did not let out. Called by `ari_link`."""

from __future__ import annotations

import re
from typing import Final

from ringfence.app.ports import LegRefused
from ringfence.asterisk.event_fields import (
    CONFIGURED_NAME,
    DID,
    MalformedEvent,
    read_field,
    read_matching,
    read_user_event,
)
from ringfence.asterisk.vocabulary import Field, UserEventName
from ringfence.domain.moment import Moment
from ringfence.domain.refusals import REFUSALS

_LIMIT: Final = re.compile(r"[a-z-]{1,40}")


def read_refusal(event: object, now: Moment) -> tuple[LegRefused, ...]:
    """Nothing for any other event. Raises MalformedEvent."""
    fields = read_user_event(event, UserEventName.REFUSAL)
    if fields is None:
        return ()
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
            trunk=read_matching(fields, Field.TRUNK, CONFIGURED_NAME),
            at=now,
        ),
    )

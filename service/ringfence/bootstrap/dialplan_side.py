"""What the data plane does by itself and only tells: legs it did not let out, identities it has learnt, calls of the
site's own phones."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.app.identity_watch import IdentityWatch
from ringfence.app.notify.ports import Tells
from ringfence.app.outgoing_watch import OutgoingWatch
from ringfence.app.ports import AstDb, Clock, IdentityLearnt, LegRefused
from ringfence.app.refusal_watch import RefusalWatch
from ringfence.app.supervisor import Part
from ringfence.config import Settings
from ringfence.domain.outgoing import OutgoingCall


class DialplanSide:
    """Keeps what the dialplan tells, for the status."""

    def __init__(
        self,
        settings: Settings,
        astdb: AstDb,
        clock: Clock,
        changed: Callable[[], None],
        teller: Callable[[], Tells],
    ) -> None:
        retry_hours = {trunk.name: trunk.identity_retry_hours for trunk in settings.egress_trunk}
        self.refusals = RefusalWatch(clock)
        self.outgoing = OutgoingWatch(teller, clock)
        self.identities = IdentityWatch(astdb, clock, retry_hours, changed)

    def note(self, event: LegRefused | IdentityLearnt | OutgoingCall) -> None:
        match event:
            case LegRefused():
                self.refusals.note(event)
            case IdentityLearnt():
                self.identities.note(event)
            case OutgoingCall():
                self.outgoing.note(event)

    def parts(self) -> tuple[Part, ...]:
        return (("identities", self.identities.run), ("outgoing calls", self.outgoing.run))

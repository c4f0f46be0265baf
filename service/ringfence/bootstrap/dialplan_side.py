"""What the data plane does by itself and only tells: legs it did not let out, identities it has learnt, calls of the
site's own phones; and whether it is there at all, with the modules it needs."""

from __future__ import annotations

from collections.abc import Callable

from ringfence.app.dialplan_watch import dialplan_watch
from ringfence.app.identity_watch import IdentityWatch
from ringfence.app.module_watch import module_watch
from ringfence.app.notify.ports import Tells
from ringfence.app.outgoing_watch import OutgoingWatch
from ringfence.app.ports import Clock, IdentityLearnt, LegRefused
from ringfence.app.refusal_watch import RefusalWatch
from ringfence.app.supervisor import Part
from ringfence.asterisk.edition import DialplanEdition
from ringfence.asterisk.loaded_modules import LoadedModules
from ringfence.asterisk.needed_modules import DOOR_MODULES, NEEDED_MODULES
from ringfence.bootstrap.asterisk_side import AsteriskSide
from ringfence.config import Settings
from ringfence.domain.outgoing import OutgoingCall


class DialplanSide:
    """Keeps what the dialplan tells, for the status."""

    def __init__(
        self,
        settings: Settings,
        asterisk: AsteriskSide,
        clock: Clock,
        changed: Callable[[], None],
        teller: Callable[[], Tells],
    ) -> None:
        retry_hours = {trunk.name: trunk.identity_retry_hours for trunk in settings.egress_trunk}
        self.refusals = RefusalWatch(clock)
        self.outgoing = OutgoingWatch(teller, clock)
        self.identities = IdentityWatch(asterisk.table_astdb, clock, retry_hours, changed)
        self.watch = dialplan_watch(DialplanEdition(asterisk.read_link), clock, changed)
        needed = [*NEEDED_MODULES, *(DOOR_MODULES if settings.fastagi.enabled else ())]
        self.modules = module_watch(LoadedModules(asterisk.read_link, needed), clock, changed)
        asterisk.read_link.listen(lambda up, _: None if up else self._forget())

    def note(self, event: LegRefused | IdentityLearnt | OutgoingCall) -> None:
        match event:
            case LegRefused():
                self.refusals.note(event)
            case IdentityLearnt():
                self.identities.note(event)
            case OutgoingCall():
                self.outgoing.note(event)

    def _forget(self) -> None:
        self.watch.forget()
        self.modules.forget()

    def parts(self) -> tuple[Part, ...]:
        return (
            ("identities", self.identities.run),
            ("outgoing calls", self.outgoing.run),
            ("dialplan", self.watch.run),
            ("modules", self.modules.run),
        )

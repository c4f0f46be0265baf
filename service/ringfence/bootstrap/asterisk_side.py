"""The connections to Asterisk: one AMI link per purpose, so that none can delay another, and ARI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.paced import PacedAstDb
from ringfence.app.ports import AsteriskEvent, Clock
from ringfence.app.publisher import TablePublisher
from ringfence.app.shadow import held_in_shadow
from ringfence.app.snapshot import TableView
from ringfence.asterisk.ami import AmiSettings
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient, AriSettings
from ringfence.asterisk.ari_link import AriLink
from ringfence.asterisk.astdb import AmiAstDb
from ringfence.asterisk.contact_status import ContactStatusReader
from ringfence.asterisk.edition import DialplanEdition
from ringfence.asterisk.events import Wiring
from ringfence.asterisk.registrations import RegistrationReader
from ringfence.asterisk.switchboard import AsteriskSwitchboard
from ringfence.bootstrap.values import contact_endpoints, registrations
from ringfence.config import Secrets, Settings


@dataclass(frozen=True)
class AsteriskSide:
    """Everything that talks to Asterisk."""

    mode_link: AmiLink
    table_link: AmiLink
    read_link: AmiLink
    ari: AriClient
    ari_link: AriLink
    contacts: ContactStatusReader
    registrations: RegistrationReader
    mode_astdb: AmiAstDb
    table_astdb: AmiAstDb
    switchboard: AsteriskSwitchboard

    @property
    def ami_links(self) -> tuple[AmiLink, ...]:
        return (self.mode_link, self.table_link, self.read_link)

    def publisher(
        self, clock: Clock, on_change: Callable[[TableView], None], give_way: Callable[[], Awaitable[None]]
    ) -> TablePublisher:
        astdb = PacedAstDb(self.table_astdb, clock)
        return TablePublisher(astdb, clock, on_change, DialplanEdition(self.read_link), give_way)

    def modes(self, clock: Clock, *, shadow: bool) -> ModePublisher:
        def as_held(key: str, value: str) -> str:
            return held_in_shadow(key, value) if shadow else value

        # The reader on the modes' own connection: on another one a great read could hold a mode up.
        return ModePublisher(self.mode_astdb, clock, as_held, DialplanEdition(self.mode_link))

    async def hear(self, emit: Callable[[AsteriskEvent], None]) -> None:
        """The event stream, until cancelled."""
        await self.ari_link.run(emit)


def asterisk_side(settings: Settings, secrets: Secrets, clock: Clock) -> AsteriskSide:
    """Builds the connections; none is opened yet."""
    at = settings.asterisk
    ami = AmiSettings(at.ami_user, secrets.ami_secret.get_secret_value(), at.host, at.ami_port)
    mode_link, table_link, read_link = (AmiLink(ami, name) for name in ("modes", "table", "reading"))
    ari = AriClient(
        AriSettings(
            at.ari_user, secrets.ari_secret.get_secret_value(), settings.node, f"http://{at.host}:{at.ari_port}"
        )
    )
    wiring = Wiring({p.dial_endpoint: p.name for p in settings.platform}, contact_endpoints(settings))
    ari_link = AriLink(ari, wiring, clock)
    return AsteriskSide(
        mode_link=mode_link,
        table_link=table_link,
        read_link=read_link,
        ari=ari,
        ari_link=ari_link,
        contacts=ContactStatusReader(ari, wiring.contact_endpoints, clock),
        registrations=RegistrationReader(read_link, registrations(settings), clock),
        mode_astdb=AmiAstDb(mode_link),
        table_astdb=AmiAstDb(table_link, read_link),
        switchboard=AsteriskSwitchboard(ari, mode_link, ari_link.legs),
    )

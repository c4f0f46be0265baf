"""The notices' side of the node: channels opened, the outbox with its workers, what becomes a notice, the heartbeat."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Final

from ringfence.app.hr.desk import RosterDesk
from ringfence.app.notifier import Notifier
from ringfence.app.notify.alarms import Alarm, AlarmWatch, alarms_of
from ringfence.app.notify.desk import NoticeDesk
from ringfence.app.notify.heartbeat import Heartbeat
from ringfence.app.notify.ports import Channel, ChannelUnavailable
from ringfence.app.notify.staff import StaffMessages, StaffRules
from ringfence.app.notify.staff_ports import StaffStore
from ringfence.app.notify.words import notice_of
from ringfence.app.notify.worker import OutboxWorker
from ringfence.app.ports import Clock, OutageChange
from ringfence.app.snapshot import Snapshot
from ringfence.app.supervisor import Part
from ringfence.app.table_keeper import TableKeeper
from ringfence.channels import ClosedChannel, open_channel
from ringfence.channels.email import EmailChannel
from ringfence.config import Secrets, Settings
from ringfence.config.notify_settings import AnyChannel
from ringfence.domain.notice import Severity
from ringfence.domain.notice_routes import Route
from ringfence.domain.outage import Decision
from ringfence.domain.shadow_notice import in_shadow
from ringfence.store.alarm_store import SqlAlarmStore
from ringfence.store.database import Database
from ringfence.store.notice_store import SqlNoticeStore
from ringfence.store.staff_store import SqlStaffStore

log = logging.getLogger(__name__)

DISK_SECONDS: Final = 60.0
DISK_FREE_BYTES: Final = 200 << 20
FRESH_SECONDS: Final = 10.0  # a snapshot that is older means that nobody works here


class NoticeSide:
    """Wired, not yet running. `more_alarms` are asked for beside those of the snapshot: other parts append theirs."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        database: Database,
        clock: Clock,
        keeper: TableKeeper,
        roster: RosterDesk,
        snapshot: Callable[[], Snapshot],
        unstored: Callable[[], Sequence[OutageChange]],
    ) -> None:
        """A channel that cannot be opened stays closed and says why. `unstored`: `Ledger.waiting`."""
        self._settings = settings
        self._clock = clock
        self._snapshot = snapshot
        self._keeper = keeper
        self._low_disk: Alarm | None = None
        self.more_alarms: list[Callable[[], Iterable[Alarm]]] = []
        routes = [one.route(settings.hr.time_zone) for one in settings.notify]
        self.channels = {one.name: _opened(one, secrets, settings.node) for one in settings.notify}
        store = SqlNoticeStore(database)
        self.notifier = Notifier(
            store,
            clock,
            routes,
            self.channels,
            notice_of,
            self._ours,
            keep_days=settings.keep_notices_days,
            unstored=unstored,
            worded=in_shadow if settings.shadow else lambda notice: notice,
        )
        share = Random().random  # noqa: S311  spreads attempts, guards nothing
        self.workers = [
            OutboxWorker(
                route,
                self.channels[route.name],
                store,
                clock,
                self.notifier.changed,
                share,
                _closed(self.channels, route),
            )
            for route in routes
        ]
        self.desk = NoticeDesk(self.notifier, self.workers)
        self.alarms = AlarmWatch(self._alarms, self.notifier, SqlAlarmStore(database), clock)
        self.heartbeat = self._heartbeat()
        self.staff = self._staff(SqlStaffStore(database), roster)

    def parts(self) -> Iterator[Part]:
        """What runs for as long as the node, each by its name."""
        yield "notices", self.notifier.run
        yield "alarms", self.alarms.run
        yield "disk", self._watch_disk
        for worker in self.workers:
            yield f"notify {worker.route.name}", worker.run
        if self.heartbeat is not None:
            yield "heartbeat", self.heartbeat.run

        if self.staff is not None:
            yield "staff messages", self.staff.run

    def words(self) -> tuple[str, ...]:
        """What is wrong with telling people, for the status."""
        return tuple(alarm.title for alarm in self._own_alarms())

    def _alarms(self) -> Iterator[Alarm]:
        yield from alarms_of(self._snapshot())
        yield from self._own_alarms()
        if self._low_disk is not None:
            yield self._low_disk
        for more in self.more_alarms:
            yield from more()

    def _ours(self, number: str) -> bool:
        directory = self._keeper.directory
        return directory is not None and directory.assignment(number) is not None

    def _own_alarms(self) -> Iterator[Alarm]:
        for worker in self.workers:
            name, level = worker.route.name, self.notifier.levels.get(worker.route.name)
            if worker.failing:
                waiting = 0 if level is None else level.waiting
                yield Alarm(
                    f"route {name}",
                    f"route {name} takes no notices",
                    f"{worker.failing} {waiting} wait for it. Try it with `ringfence notify test {name}`.",
                )
            if level is not None and level.failed:
                yield Alarm(
                    f"route {name} gave up",
                    f"route {name}: notices of the last day were given up",
                    f"{level.failed} were. `ringfence notify list --route {name}` says why.",
                )
        if not self.notifier.takes and self._snapshot().store.up:
            # Nothing was decided since, so nobody else has noticed.
            yield Alarm(
                "outbox",
                "the database takes nothing",
                "Routing goes on from memory; changes by people are refused. Look at the database and its disk: "
                "`ringfence doctor`.",
                Severity.CRITICAL,
            )
        if self.notifier.lost:
            yield Alarm(
                "notices lost",
                "notices were lost: the outbox took none for too long",
                f"{self.notifier.lost} were, since the daemon started. Look at the database and its disk.",
            )

    async def _watch_disk(self) -> None:
        while True:
            self._low_disk = await asyncio.to_thread(self._disk)
            await self._clock.sleep(DISK_SECONDS)

    def _disk(self) -> Alarm | None:
        place = self._settings.state_dir
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            return None  # the database says what is wrong there
        if free >= DISK_FREE_BYTES:
            return None
        return Alarm(
            "disk",
            "the disk with the database is nearly full",
            f"{free >> 20} MB are free in {place}. Make room: with a full disk nothing can be stored any more.",
            Severity.CRITICAL,
        )

    def _heartbeat(self) -> Heartbeat | None:
        settings = self._settings.heartbeat
        if not settings.url:
            return None
        from ringfence.channels.monitor import HttpMonitor

        return Heartbeat(
            HttpMonitor(settings.url, settings.method), self._sign_of_life, self._clock, settings.every_seconds
        )

    def _staff(self, store: StaffStore, roster: RosterDesk) -> StaffMessages | None:
        settings, keeper = self._settings.staff_messages, self._keeper
        if not settings.enabled or self._settings.shadow:
            return None
        mail = self.channels[settings.by]
        if not isinstance(mail, EmailChannel):
            log.error("staff are told nothing: their route is closed", extra={"route": settings.by})
            return None
        scopes = settings.only_scopes or [platform.name for platform in self._settings.platform]
        rules = StaffRules(frozenset(scopes), settings.wait_seconds, settings.per_second, self._settings.hr.time_zone)
        return StaffMessages(
            rules, mail, store, self._clock, self._diverted, lambda: keeper.directory, keeper.policy, roster.addresses
        )

    def _diverted(self) -> dict[str, bool]:
        """Of platforms whose decision Asterisk holds: staff are told what is so."""
        away = (Decision.DIVERT, Decision.TRIAL)
        scopes = self._snapshot().scopes
        return {name: view.decision in away for name, view in scopes.items() if view.published}

    def _sign_of_life(self) -> dict[str, object] | None:
        """None while Asterisk is not connected, a mode is not published, or the loop does not turn."""
        now, snapshot = self._clock.now(), self._snapshot()
        stale = now.since(snapshot.at) > FRESH_SECONDS
        if stale or not snapshot.asterisk.up or not all(view.published for view in snapshot.scopes.values()):
            return None
        return {
            "node": snapshot.node,
            "at": now.wall.isoformat(timespec="seconds"),
            "modes": {name: view.state.mode.value for name, view in sorted(snapshot.scopes.items())},
            "database": snapshot.store.up,
            "table": snapshot.table.state,
            "alarms": len(self.alarms.told),
        }


def _closed(channels: Mapping[str, Channel], route: Route) -> str:
    channel = channels[route.name]
    return channel.why if isinstance(channel, ClosedChannel) else ""


def _opened(settings: AnyChannel, secrets: Secrets, node: str) -> Channel:
    secret = secrets.notify.get(settings.name)
    try:
        return open_channel(settings, "" if secret is None else secret.get_secret_value(), node)
    except ChannelUnavailable as error:
        log.error("a route stays closed", extra={"route": settings.name, "reason": str(error)})
        return ClosedChannel(error)

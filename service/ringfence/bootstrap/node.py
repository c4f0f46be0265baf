"""One node: all parts of the daemon, wired, and the order in which they start."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from ringfence.app.collector import collect
from ringfence.app.directory_change import DirectoryChange
from ringfence.app.directory_import import DirectoryImport
from ringfence.app.failover import Failover, Hooks
from ringfence.app.judge import Judge
from ringfence.app.ledger import Ledger
from ringfence.app.memory import Memory
from ringfence.app.monitor import LoopLateness
from ringfence.app.operator import Operator
from ringfence.app.ports import (
    AsteriskEvent,
    CallEnded,
    Clock,
    IdentityLearnt,
    LegRefused,
    LinkChanged,
    RingfenceError,
    StoreError,
)
from ringfence.app.recovery import recover
from ringfence.app.snapshot import SnapshotHolder
from ringfence.app.status_board import Sources, StatusBoard
from ringfence.app.supervisor import Work, supervise
from ringfence.app.table_keeper import TableKeeper
from ringfence.bootstrap import values
from ringfence.bootstrap.asterisk_side import asterisk_side
from ringfence.bootstrap.audit_side import AuditSide
from ringfence.bootstrap.claiming import Claiming
from ringfence.bootstrap.dialplan_side import DialplanSide
from ringfence.bootstrap.fastagi_side import FastAgiSide
from ringfence.bootstrap.heap import give_back
from ringfence.bootstrap.hr_side import HrSide
from ringfence.bootstrap.incident_side import IncidentSide
from ringfence.bootstrap.loading import Loading
from ringfence.bootstrap.notice_side import NoticeSide
from ringfence.bootstrap.override_side import OverrideSide
from ringfence.bootstrap.probing import monitor
from ringfence.bootstrap.rescue_side import due_sweeps, rescuer
from ringfence.bootstrap.shadow_side import ShadowSide
from ringfence.bootstrap.storing import journal_of, place_of
from ringfence.bootstrap.usual_side import UsualSide
from ringfence.config import Secrets, Settings
from ringfence.config.detection import detections
from ringfence.domain.calls import PlatformAnswered
from ringfence.domain.outgoing import OutgoingCall
from ringfence.domain.records import Forced
from ringfence.domain.shadow import NOTHING_DONE
from ringfence.domain.verdict import WitnessPolicy
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.memory_store import SqlMemoryStore
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.spool import FileSpool

log = logging.getLogger(__name__)


class Node:
    """The running parts. `run` returns only by cancellation or when another node holds this Asterisk."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database, node_id: str, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.asterisk = asterisk_side(settings, secrets, clock)
        self._database = database
        self._directory_store = SqlDirectoryStore(database)
        self._outage_store = SqlOutageStore(database)
        self.ledger = Ledger(self._outage_store, FileSpool(settings.state_dir / "spool.jsonl"), clock)
        self.journal = journal_of(settings, database, clock)
        self.modes = self.asterisk.modes(clock, shadow=settings.shadow)
        self.publisher = self.asterisk.publisher(clock, lambda _: self.board.poke(), self.modes.calm)
        self.keeper = TableKeeper(
            values.routing_policy(settings),
            values.trunk_fallbacks(settings),
            self.modes,
            self.publisher.want,
            frozenset(platform.name for platform in settings.platform),
        )
        keeper, store = self.keeper, self._directory_store
        self.hr = HrSide(settings, database, store, keeper, clock, lambda: self.board.poke(), lambda: self.failover)
        self.usual = UsualSide(settings, database, clock, keeper, lambda: self.board.poke())
        self.judge = Judge(
            values.watched(settings),
            {p.name: values.outcome_policy(p) for p in settings.platform},
            WitnessPolicy(),
            self.keeper.owns,
            hosts=values.hosts(settings),
            hints=self.usual.hints,
        )
        self._memory = Memory(SqlMemoryStore(database), self.judge, clock, values.host_ports(settings))
        self.failover = self._failover()
        self.lateness = LoopLateness(clock)
        self.monitor = monitor(settings, clock, self.lateness, self.judge, self._submit)
        self._claiming = Claiming(self.asterisk, clock, node_id, settings.node)
        self.sweeps = due_sweeps(settings, self.asterisk.switchboard, clock, self.failover, self._pinned)
        self._rescuer = rescuer(settings, self.asterisk, clock, self.failover, self.judge, self._pinned)
        now = clock.now()
        self.holder = SnapshotHolder(values.first_snapshot(settings, now))
        shown, unstored = lambda: self.holder.current, self.ledger.waiting
        verdicts, history = lambda: self.failover.verdicts, self._outage_store
        self.shadow = ShadowSide(settings, database, clock, keeper, self.modes, history, verdicts, shown)
        self.dialplan = self._dialplan_side()
        self.notices = NoticeSide(settings, secrets, database, clock, keeper, self.hr.desk, shown, unstored)
        self.board = self._board()
        self.operator = Operator(
            clock,
            self.failover,
            self.holder,
            self.keeper,
            self.asterisk.table_astdb,
            self.journal,
            self._outage_store,
            self.board.refresh,
        )
        poke = self.board.poke
        directory, teller = lambda: self.keeper.directory, self.notices.notifier
        self.incidents = IncidentSide(settings, database, clock, directory, teller, self.journal.take_lost)
        self.audit = AuditSide(settings, database, clock, self.hr.desk, self.journal, teller.tell, directory)
        self.words = OverrideSide(settings, database, self.failover, keeper, clock, teller, poke, unstored)
        files = DirectoryImport(self._directory_store, clock, values.csv_rules(settings))
        self.importer = DirectoryChange(files, self.keeper, self.failover, self.hr.desk)
        self._fastagi = FastAgiSide(settings, self.operator, self.asterisk.mode_astdb, clock, self._claiming.claimed)
        astdb = self.asterisk.table_astdb
        self._loading = Loading(self._outage_store, self.failover, self.hr.desk, astdb, clock, self.ledger)
        self._wire()

    async def run(self, doors: Work) -> None:
        """Connects, claims, recovers, then runs every part. `doors` serves the local socket and HTTP. Raises NodeHeld
        when another node publishes into this Asterisk."""
        async with self.asterisk.ari, asyncio.TaskGroup() as group:

            def keep(name: str, work: Work) -> None:
                group.create_task(supervise(name, work, self.clock), name=name)

            keep("loop lateness", self.lateness.run)
            for link in self.asterisk.ami_links:
                keep(f"ami {link.name}", link.run)
            keep("board", self.board.run)
            group.create_task(doors(), name="doors")
            await self._claiming.first()
            group.create_task(self._claiming.hold(), name="node claim")
            await self._recover()
            keep("ledger", self.ledger.run)
            keep("modes", lambda: self._claiming.publish(self._publish_modes))
            keep("failover", self.failover.run)
            keep("tick", self.failover.tick)
            if not self.settings.shadow:
                keep("rescue", self._rescuer.run)
            keep("events", lambda: self.asterisk.hear(self._emit))
            keep("contacts", lambda: self.asterisk.contacts.run(self._submit))
            keep("registrations", lambda: self.asterisk.registrations.run(self._submit))
            keep("monitor", self.monitor.run)
            keep("journal", self.journal.run)
            keep("table", lambda: self._claiming.publish(self.publisher.run))
            keep("memory", self._memory.run)
            keep("directory", self._loading.run)
            keep("heap", partial(give_back, self.clock))
            keep("garbage", partial(collect, self.clock))
            sides = (self.hr.parts(), self.incidents.parts(), self.notices.parts(), self.audit.parts())
            more = (self.words.parts(), self._fastagi.parts(), self.dialplan.parts(), self.shadow.parts())
            parts_of = (*sides, *more, self.usual.parts())
            for parts in parts_of:
                for name, work in parts:
                    keep(name, work)

    async def _publish_modes(self) -> None:
        await self.shadow.table_first(self.asterisk.mode_astdb, self.publisher)
        await self.modes.run()

    async def _recover(self) -> None:
        await self.ledger.recover()
        self.words.recovered()
        scopes = [platform.name for platform in self.settings.platform]
        found = await recover(self._outage_store, self.asterisk.mode_astdb, scopes, self.clock, self.ledger.waiting())
        self._loading.words_read, self._loading.words_blank = found.read, found.blank
        await self._memory.recall()
        self.failover.restore(found.states, found.overrides)
        self.keeper.restore_words(self.failover.overrides.values())

    def _wire(self) -> None:
        for link in self.asterisk.ami_links:
            link.listen(partial(self.board.link, f"AMI ({link.name})"))
        self.asterisk.mode_link.listen(lambda up, _: self.modes.again() if up else None)
        self.asterisk.table_link.listen(lambda up, _: self.publisher.again() if up else None)
        self.modes.on_put(self._after_put)

    def _failover(self) -> Failover:
        return Failover(
            {p.name: values.outage_policy(p) for p in self.settings.platform},
            self.judge,
            self.ledger,
            self.modes,
            self.clock,
            Hooks(
                sweep=lambda key, spare: self.sweeps.want(key, spare),
                narrow_changed=lambda targets: self.keeper.said(targets, self.failover.overrides.values()),
                swapped=lambda: self.board.poke(),
                undecided=lambda: self.monitor.hurry(),
            ),
            [trunk.name for trunk in self.settings.egress_trunk],
            [NOTHING_DONE] if self.settings.shadow else [],
        )

    def _dialplan_side(self) -> DialplanSide:
        poke, teller = lambda: self.board.poke(), lambda: self.notices.notifier
        return DialplanSide(self.settings, self.asterisk, self.clock, poke, teller)

    def _pinned(self, did: str) -> bool:
        return self.keeper.forced(did) is Forced.PINNED

    def _board(self) -> StatusBoard:
        worst = {d.target: d.worst_case_seconds for d in detections(self.settings)}
        sources = Sources(
            table=lambda: replace(
                self.publisher.view, lost_scopes=self.keeper.lost_scopes, would_loop=self.keeper.would_loop
            ),
            late=lambda: self.monitor.late_count,
            roster=self.hr.desk.summary,
            coverage=lambda: self.hr.coverage.latest,
            telling=self.notices.words,
            refusals=self.dialplan.refusals.counts,
            identities=self.dialplan.identities.learnt,
            no_dialplan=lambda: bool(self.dialplan.watch.missing),
            missing_modules=lambda: self.dialplan.modules.missing,
            usual=self.usual.view,
        )
        known = {target: seconds for target, seconds in worst.items() if seconds is not None}
        return StatusBoard(self.clock, self.holder, self.failover, self.modes, self.ledger, sources, known)

    def _submit(self, item: Any) -> None:
        self.failover.submit(item)

    def _emit(self, event: AsteriskEvent) -> None:
        match event:
            case CallEnded(record=record):
                self.usual.watch.ended(record, self.clock.now())
                self.journal.add(self.shadow.watch.note(record))
            case PlatformAnswered():
                self.usual.watch.answered(event)
            case LegRefused() | IdentityLearnt() | OutgoingCall():
                self.dialplan.note(event)
            case LinkChanged(up=up, detail=detail):
                self.incidents.watch.link(up, event.at)
                self.usual.watch.link(up)
                self.board.link("ARI", up, detail)
                self.asterisk.contacts.heard(up)
            case _:
                self.failover.submit(event)

    def _after_put(self, key: str) -> None:
        self.board.poke()
        self.shadow.watch.mode_put(key)
        if not self.settings.shadow:
            self.sweeps.after_put(key)


async def open_node(settings: Settings, secrets: Secrets, node_id: str, clock: Clock) -> tuple[Node, Database]:
    """Opens the database, or goes on without one that cannot be opened: calls must be looked after all the same. Raises
    SourceError for an HR source that cannot be set up."""
    password = secrets.database_password.get_secret_value()
    database = Database.at(place_of(settings), aside=True, copies=settings.state_dir, password=password, sole=True)
    try:
        await database.prepare()
    except StoreError as error:
        log.error("starting without the database", extra={"reason": str(error)})
    try:
        return Node(settings, secrets, database, node_id, clock), database
    except RingfenceError:
        await database.close()
        raise

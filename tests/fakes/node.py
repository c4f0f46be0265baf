"""A whole node without Asterisk and database: the real use cases on fake ports, for tests of the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from ringfence.app.directory_change import DirectoryChange
from ringfence.app.directory_import import DirectoryImport, StoredDirectory
from ringfence.app.failover import Failover, Hooks
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.hr.views import SourceSpec
from ringfence.app.journal import Journal
from ringfence.app.judge import Judge, Watched
from ringfence.app.ledger import Ledger
from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.notifier import Notifier
from ringfence.app.notify.desk import NoticeDesk
from ringfence.app.notify.words import notice_of
from ringfence.app.notify.worker import OutboxWorker
from ringfence.app.once import Once
from ringfence.app.operator import Operator
from ringfence.app.outgoing_watch import OutgoingWatch
from ringfence.app.override_desk import OverrideDesk
from ringfence.app.override_preview import EgressRoom, OverridePreview
from ringfence.app.ports import VersionConflict
from ringfence.app.second_person import SecondPerson, SecondPersonPolicy
from ringfence.app.simulating import Simulator
from ringfence.app.snapshot import LinkView, ScopeView, Snapshot, SnapshotHolder, TableView, TargetView
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.health import EvidenceKind, Observation, RiseFall, TargetId, TargetRole
from ringfence.domain.hr.roster import RosterPolicy
from ringfence.domain.known_ways import KnownWays, forwards_of
from ringfence.domain.notice_routes import Route
from ringfence.domain.numbers import Did
from ringfence.domain.outage import OutagePolicy
from ringfence.domain.outcomes import OutcomePolicy
from ringfence.domain.outgoing import OutgoingCall
from ringfence.domain.override import OverrideTarget, standing_override
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_table import RouteTable
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.simulation_values import PlatformRules, SiteRules, TrunkRules
from ringfence.domain.verdict import WitnessPolicy
from ringfence.web.ports import RosterDoor, Services, WordsDoor
from tests.fakes.access import FakeAccess
from tests.fakes.astdb import FakeAstDb
from tests.fakes.audit_store import FakeAudit
from tests.fakes.channels import FakeChannel, Told
from tests.fakes.clock import FakeClock, settle
from tests.fakes.incident_desk import FakeIncidents
from tests.fakes.notice_store import FakeNoticeStore
from tests.fakes.roster_store import FakeRosterStore
from tests.fakes.shadow_store import shadow_desk
from tests.fakes.stores import FakeJournalStore, FakeOrderStore, FakeOutageStore, FakeSpool

SCOPE = "uc"
SOURCE = "payroll"
PLATFORM = TargetId(TargetRole.PLATFORM, SCOPE)
TRUNK = TargetId(TargetRole.TRUNK, "mobile")
DID = "+441134960123"
OTHER_DID = "+441134960124"
RECEPTION = "+441134960999"
FORWARDED = "+447700900955"
IN_RANGE = "+441134965001"
WAYS = KnownWays((("+441134965", "uc"),), forwards_of([(FORWARDED, DID)]))
"""A mobile that is known to come back to the first DID, and a range that the platform takes."""
PRIVATE_NUMBERS = ("+447700900123", "+447700900124")

_LIMITS = RiseFall(1, 2)


def small_directory() -> Directory:
    """Two people with private default numbers, two DIDs, one site."""
    people = [
        Person(PersonKey("ada"), "Ada Example", "Leeds", tuple(DefaultNumber(n) for n in PRIVATE_NUMBERS)),
        Person(PersonKey("bob"), "Bob Example", "Leeds"),
    ]
    assignments = [
        DidAssignment(Did(DID), PersonKey("ada"), "Leeds", SCOPE),
        DidAssignment(Did(OTHER_DID), PersonKey("bob"), "Leeds", SCOPE),
    ]
    return Directory.of(people, assignments, [Site("Leeds", RECEPTION)])


class FakeDirectoryStore:
    """Implements `directory_import.DirectoryStore`."""

    def __init__(self, directory: Directory) -> None:
        self.stored = StoredDirectory(directory, 1)
        self.whys: list[str] = []

    async def load(self) -> StoredDirectory:
        return self.stored

    async def replace(
        self, before: StoredDirectory, after: Directory, who: str, why: str, at: datetime
    ) -> StoredDirectory:
        if before.version != self.stored.version:
            raise VersionConflict("The directory has changed since.", "Look at it again.")
        self.stored = StoredDirectory(after, before.version + 1)
        self.whys.append(why)
        return self.stored


RULES = SiteRules(
    ring_budget_seconds=90,
    platforms={SCOPE: PlatformRules(120, 8)},
    trunks={"carrier": TrunkRules(SCOPE)},
    allowed_codes=("44",),
    denied_starts=("+449",),
    announcements=("unavailable",),
)


class FakeNode:
    """The real writer, keeper, journal and operator; `clock`, `astdb` and the stores are the test's to move. One with a
    `roster` is in `roster_node`."""

    roster: RosterDoor | None = None

    def __init__(self) -> None:
        self.clock, self.astdb = FakeClock(), FakeAstDb()
        self.outage_store, self.journal_store, self.spool = FakeOutageStore(), FakeJournalStore(), FakeSpool()
        self.asterisk = LinkView(True, "connected", self.clock.now())
        self.store = LinkView(True, "open", self.clock.now())
        self.no_dialplan, self.missing_modules = False, frozenset[str]()
        self.table_state = "equal"
        self.publisher = ModePublisher(self.astdb, self.clock)
        gate = EgressGate(EgressPolicy(frozenset({"GB"}), ways=WAYS))
        self.keeper = TableKeeper(RoutingPolicy(gate, 90), [], self.publisher, self._offer, frozenset({SCOPE}))
        self.judge = Judge(
            [
                Watched(PLATFORM, (EvidenceKind.SIP_OPTIONS,), _LIMITS),
                Watched(TRUNK, (EvidenceKind.SIP_OPTIONS,), _LIMITS),
            ],
            {SCOPE: OutcomePolicy()},
            WitnessPolicy(),
            self.keeper.owns,
        )
        self.journal = Journal(self.journal_store, self.clock, keep_days=90)
        self.ledger = Ledger(self.outage_store, self.spool, self.clock)
        self.failover = Failover(
            {SCOPE: OutagePolicy(hold_down_seconds=60)},
            self.judge,
            self.ledger,
            self.publisher,
            self.clock,
            self._hooks(),
        )
        self.access = FakeAccess(self.clock)
        self.incidents = FakeIncidents(self.clock, self.journal_store, lambda: self.keeper.directory)
        self.notices = self._notices()
        self.outgoing = OutgoingWatch(Told, self.clock)
        self.outgoing.note(OutgoingCall("1.1", "leeds", False, "answered", "first", None, False, self.clock.now().wall))
        self.holder = SnapshotHolder(Snapshot("test-node", self.clock.now(), self.clock.now()))
        self.operator = Operator(
            self.clock,
            self.failover,
            self.holder,
            self.keeper,
            self.astdb,
            self.journal,
            self.outage_store,
            self.refresh,
        )
        self.order_store, self.told = FakeOrderStore(), Told()
        self.second_person = SecondPerson(SecondPersonPolicy(), self.order_store, self.clock, self.refresh)
        self.words_desk = OverrideDesk(self.clock, self.failover, self.keeper, self.second_person, self.told)
        self.once = self.another_once()
        self.outage_store.mark = self.order_store.mark
        self.directory_store = FakeDirectoryStore(small_directory())
        files = DirectoryImport(self.directory_store, self.clock, CsvRules("GB", frozenset({SCOPE}), gate.policy))
        self.roster_store = FakeRosterStore()
        self.desk = RosterDesk(
            self.roster_store,
            self.directory_store,
            self.keeper,
            self.clock,
            RosterPolicy(sources=(SOURCE,)),
            [SourceSpec(SOURCE, "folder", timedelta(hours=26))],
        )
        self.importer = DirectoryChange(files, self.keeper, self.failover, self.desk)
        self.audit = FakeAudit(self.desk, self.journal, self.clock)

    def _notices(self) -> NoticeDesk:
        """One route, `desk`, whose receiver is `channel`."""
        self.notice_store, self.channel, route = FakeNoticeStore(), FakeChannel(), Route("desk", escalate_to="boss")
        notifier = Notifier(
            self.notice_store, self.clock, [route], {"desk": self.channel}, notice_of, lambda number: number == DID
        )
        worker = OutboxWorker(route, self.channel, self.notice_store, self.clock, notifier.changed, lambda: 0.5)
        return NoticeDesk(notifier, [worker])

    def another_once(self) -> Once:
        """As a daemon that starts anew has it: whatever was in the memory of the one before is gone."""
        (once := Once(self.order_store, self.clock, self.ledger.waiting)).recovered()
        return once

    @property
    def words(self) -> WordsDoor:
        room = EgressRoom(30, {"mobile": 30})
        preview = OverridePreview(self.clock, self.failover, self.keeper, self.words_desk, self.journal_store, room)
        return WordsDoor(self.words_desk, self.once, preview)

    @property
    def services(self) -> Services:
        """What the doors are made of."""
        return Services(
            self.operator,
            self.importer,
            self.roster,
            self.words,
            access=self.access.desk,
            incidents=self.incidents.door,
            audit=self.audit.door,
            notices=self.notices,
            outgoing=self.outgoing,
            simulator=Simulator(self.keeper, self.astdb, self.publisher.wanted, lambda: RULES, self.clock),
            shadow=shadow_desk(self.journal_store, self.outage_store, self.clock, self.holder, RULES.trunks),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeNode]:
        """The one writer and its publisher at work, after a start that found nothing."""
        self.failover.restore({}, [])
        tasks = [asyncio.create_task(self.failover.run()), asyncio.create_task(self.publisher.run())]
        await self.desk.load()
        await settle()
        try:
            yield self
            await settle()
        finally:
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=5)
            for task in ended:
                task.result()  # a writer that broke down is the test's real failure

    async def platform(self, passed: bool, times: int = 1) -> None:
        """The platform's probe is answered or missed."""
        for target in (PLATFORM, TRUNK):
            for _ in range(times):
                answered = passed or target == TRUNK
                self.failover.submit(
                    Observation(
                        target, EvidenceKind.SIP_OPTIONS, answered, self.clock.now(), "200" if answered else "no answer"
                    )
                )
        await settle()

    def refresh(self) -> None:
        """What the daemon does: the view of this moment."""
        failover, now = self.failover, self.clock.now()
        overrides = tuple(failover.overrides.values())
        scopes = {
            name: ScopeView(
                state,
                failover.verdicts[TargetId(TargetRole.PLATFORM, name)],
                failover.decision(name),
                standing_override(overrides, name),
                self.publisher.published(f"mode/{name}"),
            )
            for name, state in failover.states.items()
        }
        targets = {t: TargetView(t, verdict, 1.8) for t, verdict in failover.verdicts.items()}
        rows = len(self.keeper.table or ())
        keeper = self.keeper
        table = TableView(self.table_state, 7, rows, now.plus(-5), "", keeper.lost_scopes, keeper.would_loop)
        self.holder.swap(
            replace(
                self.holder.current,
                at=now,
                scopes=scopes,
                targets=targets,
                overrides=overrides,
                asterisk=self.asterisk,
                no_dialplan=self.no_dialplan,
                missing_modules=self.missing_modules,
                store=self.store,
                table=table,
                roster=self.desk.summary(),
                unstored_changes=self.ledger.unstored,
            )
        )

    def _hooks(self) -> Hooks:
        return Hooks(lambda scope, spare: None, self._narrow_changed, self.refresh, lambda: None)

    def _narrow_changed(self, targets: Sequence[OverrideTarget]) -> None:
        self.keeper.said(targets, self.failover.overrides.values())

    def _offer(self, table: RouteTable) -> None:
        self.astdb.rows.update(table)

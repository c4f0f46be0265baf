"""What is wrong at this moment and is no mode change; people are told when it has stood for a while, and when it ends.

`alarms_of` reads the snapshot; other parts add theirs (`Alarm`). The watch keeps which ones people know of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.app.notify.ports import AlarmStore, StandingAlarm, TellsEnds
from ringfence.app.notify.words import moment
from ringfence.app.ports import Clock, StoreError
from ringfence.app.snapshot import Snapshot, TargetView
from ringfence.domain.health import TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.verdict import Speaks, VerdictState

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
STANDS_SECONDS: Final = 60.0
"""So long it has to stand, and so long it has to be gone, before people are told."""

_ENDED: Final = "It has been well for a minute. Nothing has to be done."


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong. `name` is the same as long as it is the same thing; `text` says what to do."""

    name: str
    title: str
    text: str
    severity: Severity = Severity.WARNING
    scope: str = ""
    kind: NoticeKind = NoticeKind.ALARM


def alarms_of(snapshot: Snapshot) -> Iterator[Alarm]:
    """What the snapshot shows."""
    yield from _node(snapshot)
    yield from _targets(snapshot)
    yield from _roster(snapshot)


def _node(snapshot: Snapshot) -> Iterator[Alarm]:
    if not snapshot.asterisk.up:
        yield Alarm(
            "asterisk",
            "Asterisk does not answer Ringfence",
            f"{snapshot.asterisk.detail}. Calls follow the last published table, if Asterisk runs at all. Look at "
            "`systemctl status asterisk` and `ringfence doctor`.",
            Severity.CRITICAL,
        )
    if snapshot.no_dialplan:
        yield Alarm(
            "dialplan",
            "Asterisk runs without Ringfence's dialplan",
            "No call comes to Ringfence. Is the line `#include` still in extensions.conf, and every file of Asterisk's "
            "dialplan sound? `ringfence doctor` says what to do.",
            Severity.CRITICAL,
        )
    if snapshot.missing_modules:
        names = sorted(snapshot.missing_modules)
        yield Alarm(
            "modules",
            "Asterisk has not loaded what calls need",
            f"{', '.join(f'{name}.so' for name in names)}: calls that need it fail. `asterisk -rx 'module load "
            f"{names[0]}.so'`; `ringfence doctor` says what each is for.",
            Severity.CRITICAL,
        )
    if not snapshot.store.up:
        yield Alarm(
            "database",
            "the database does not answer",
            f"{snapshot.store.detail} Routing goes on from memory; changes by people are refused. Look at the disk.",
            Severity.CRITICAL,
        )
    if snapshot.table.state == "differs":
        yield Alarm(
            "table",
            "Asterisk's table differs from the directory",
            f"{snapshot.table.detail} Some calls may follow an older plan. See `ringfence doctor`.",
        )
    if snapshot.http:
        yield Alarm(
            "certificate",
            "something is wrong with the HTTP service's certificate",
            f"{snapshot.http} Browsers will refuse the pages; `ringfence` on the server itself goes on working.",
        )
    for name in sorted(snapshot.table.lost_scopes):
        yield Alarm(
            f"lost scope {name}",
            f"DIDs belong to platform {name}, which is not configured",
            "Their plans are not used. Configure the platform, or move the DIDs to one that is.",
        )
    if snapshot.table.would_loop:
        yield Alarm(
            "loops",
            "numbers are left out of plans, because calls to them would come back to us",
            f"{snapshot.table.would_loop[0]}. Correct the number, or take out the forward. See `ringfence doctor`.",
        )


def _targets(snapshot: Snapshot) -> Iterator[Alarm]:
    for target, view in sorted(snapshot.targets.items(), key=lambda item: str(item[0])):
        state, why = view.verdict.state, view.verdict.reason.sentence
        if target.role is TargetRole.PLATFORM:
            # A platform that is down moves the mode, and that is told; a degraded one moves nothing.
            if state is VerdictState.DEGRADED:
                yield Alarm(
                    f"degraded {target.name}",
                    f"platform {target.name} is degraded: {why}",
                    f"{_against(view)}Nothing is moved; calls it fails are diverted one by one. "
                    "See `ringfence status`.",
                    scope=target.name,
                )
        elif state in (VerdictState.DOWN, VerdictState.DEGRADED):
            down = state is VerdictState.DOWN
            is_trunk = target.role is TargetRole.TRUNK
            yield Alarm(
                f"{target.role.value} {target.name}",
                f"{target.role.value} {target.name} is {state.value}: {why}",
                f"{_against(view)}Ask the carrier; `ringfence status` shows the evidence."
                if is_trunk
                else "It only tells us whether we are cut off ourselves. Does it still run?",
                Severity.CRITICAL if down and is_trunk else Severity.WARNING,
            )
    for name, words in snapshot.usual.quiet_trunks.items():
        yield Alarm(
            f"quiet trunk {name}",
            f"no calls come in by trunk {name}, where many are usual",
            f"{words[:1].upper()}{words[1:]}. Call one of its numbers from outside, and ask the carrier.",
        )


def _against(view: TargetView) -> str:
    """What speaks against a target, as sentences."""
    lines = [line.words for line in view.verdict.evidence if line.speaks is Speaks.AGAINST]
    return "".join(f"{line[:1].upper()}{line[1:]}. " for line in lines)


def _roster(snapshot: Snapshot) -> Iterator[Alarm]:
    roster, measured = snapshot.roster, snapshot.coverage
    if roster.fault:
        yield Alarm("directory", "the directory in force is not published", roster.fault, kind=NoticeKind.HR)
    for view in roster.sources:
        if view.fault:
            yield Alarm(
                f"hr fails {view.name}", f"HR source {view.name} cannot be read", view.fault, kind=NoticeKind.HR
            )
        if view.late:
            yield Alarm(
                f"hr late {view.name}",
                f"HR source {view.name} is late",
                "Joiners, movers and leavers since its last good run are not known. See `ringfence hr status`.",
                kind=NoticeKind.HR,
            )
    if roster.open_plans:
        yield Alarm(
            "hr held",
            "HR changes are held and wait for a person",
            "Too much changed at once, or somebody claims what is another's. Decide with `ringfence hr plans`.",
            kind=NoticeKind.HR,
        )
    if measured is not None and measured.below:
        yield Alarm(
            "coverage",
            f"coverage is below its target of {measured.target_percent:g} %",
            f"{measured.coverage.covered} of {measured.coverage.dids} DIDs end with somebody known to answer. "
            "`ringfence coverage --uncovered` names the others.",
        )


class AlarmWatch:
    """`run` in the daemon's task group. `alarms` gives what is wrong at this moment."""

    def __init__(
        self, alarms: Callable[[], Iterable[Alarm]], notifier: TellsEnds, store: AlarmStore, clock: Clock
    ) -> None:
        self._alarms = alarms
        self._notifier = notifier
        self._store = store
        self._clock = clock
        self._told: dict[str, StandingAlarm] = {}
        self._seen: dict[str, Moment] = {}  # stands, and nobody was told
        self._missing: dict[str, Moment] = {}  # people were told, and it is not there
        self._recalled = False

    async def run(self) -> None:
        while True:
            await self._recall()
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One round of `run`."""
        now = self._clock.now()
        there = {alarm.name: alarm for alarm in self._alarms()}
        self._seen = {name: self._seen.get(name, now) for name in there if name not in self._told}
        self._missing = {name: self._missing.get(name, now) for name in self._told if name not in there}
        for name, since in list(self._seen.items()):
            if now.since(since) >= STANDS_SECONDS:
                await self._begins(there[name], since)
        for name, since in list(self._missing.items()):
            if now.since(since) >= STANDS_SECONDS:
                await self._ends(self._told[name], since)

    @property
    def told(self) -> Mapping[str, StandingAlarm]:
        return self._told

    async def _recall(self) -> None:
        """What an earlier process told. While the database does not say, what stands may be told again: rather that
        than silence."""
        if self._recalled:
            return
        try:
            found = await self._store.standing()
        except StoreError:
            return
        self._recalled = True
        self._told = {alarm.name: alarm for alarm in found} | self._told

    async def _begins(self, alarm: Alarm, since: Moment) -> None:
        key = f"alarm:{alarm.name[:100]}:{since.wall:%Y%m%dT%H%M%S}"
        standing = StandingAlarm(alarm.name, key, alarm.title, alarm.scope, since.wall)
        await self._notifier.tell(
            Notice(
                key=key,
                kind=alarm.kind,
                severity=alarm.severity,
                at=since.wall,
                title=alarm.title,
                text=f"{alarm.title}, since {moment(since.wall)}.\n{alarm.text}",
                scope=alarm.scope,
            )
        )
        self._told[alarm.name] = standing
        self._seen.pop(alarm.name, None)
        await self._keep(standing)

    async def _ends(self, alarm: StandingAlarm, since: Moment) -> None:
        kind = NoticeKind.HR if alarm.name.startswith(("hr ", "directory")) else NoticeKind.ALARM
        await self._notifier.tell(
            Notice(
                key=f"{alarm.key}:over",
                kind=kind,
                severity=Severity.INFO,
                at=since.wall,
                title=f"over: {alarm.title}",
                text=f"Over since {moment(since.wall)}: {alarm.title} (since {moment(alarm.since)}).\n{_ENDED}",
                scope=alarm.scope,
            )
        )
        await self._notifier.over(alarm.key)
        del self._told[alarm.name]
        self._missing.pop(alarm.name, None)
        await self._forget(alarm.name)

    async def _keep(self, alarm: StandingAlarm) -> None:
        try:
            await self._store.begins(alarm)
        except StoreError as error:
            log.warning("that an alarm was told cannot be stored", extra={"alarm": alarm.name, "reason": str(error)})

    async def _forget(self, name: str) -> None:
        try:
            await self._store.ends(name)
        except StoreError as error:
            log.warning("that an alarm is over cannot be stored", extra={"alarm": name, "reason": str(error)})

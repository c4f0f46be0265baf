"""What people do with incidents, whatever the door: look back, write notes, call back whom nobody answered, take the
evidence along. Incidents themselves are opened and closed by nobody's word (`domain.incident`)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.incident_notices import closed_notice, opened_key, opened_notice
from ringfence.app.incident_ports import Claim, GapStore, IncidentStore
from ringfence.app.incident_scan import CallScan
from ringfence.app.notify.ports import TellsEnds
from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.app.ports import Clock
from ringfence.domain.audit import MACHINE, AuditFact, AuditKind, masked
from ringfence.domain.calls import CallRecord
from ringfence.domain.incident import (
    MAX_NOTE_CHARACTERS,
    Entry,
    Gap,
    GapReason,
    Incident,
    Note,
    Span,
    call_span,
    timeline,
)
from ringfence.domain.incident_calls import CallTally
from ringfence.domain.missed_calls import CallBack, CallBackState, MissedCalls
from ringfence.domain.moment import Moment

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
PRUNE_EVERY_SECONDS: Final = 3_600.0
MAX_GAPS: Final = 200
MAX_UNTOLD: Final = 50
MAX_OPEN: Final = 1_000
# The history's rows of a verdict carry its time, which is a moment before the incident's own.
EDGE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """`detection_seconds`: every configured scope -> how long a verdict may take. `keep_days`: incidents;
    `keep_calls_days`: the calls they are told from. `zone` is the time zone (IANA) of the times in reports."""

    detection_seconds: Mapping[str, float]
    keep_days: int
    keep_calls_days: int
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something, and how they had signed in."""

    who: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """All that is known of one incident. `span` is the time whose calls are counted. `calls_kept`: whether the journal
    still has all of them. `gaps` are the times in which nobody heard calls end, the one that lasts included."""

    incident: Incident
    span: Span
    entries: tuple[Entry, ...]
    tally: CallTally
    missed: Mapping[str, int]
    gaps: tuple[Gap, ...]
    notes: tuple[Note, ...]
    calls_kept: bool


@dataclass(frozen=True, slots=True)
class MissedView:
    """The call-back list. `left_out`: missed calls beyond what is listed. `gaps`: see `IncidentView`."""

    incident: Incident
    lines: tuple[MissedCalls, ...]
    counts: Mapping[str, int]
    left_out: int
    gaps: tuple[Gap, ...]


class IncidentDesk:
    """`run` in the daemon's task group tells of incidents and forgets old ones."""

    def __init__(
        self,
        store: IncidentStore,
        gaps: GapStore,
        clock: Clock,
        policy: IncidentPolicy,
        teller: Callable[[], TellsEnds | None] = lambda: None,
        deaf_since: Callable[[], Moment | None] = lambda: None,
    ) -> None:
        """`deaf_since`: since when no events of Asterisk's are heard."""
        self._store = store
        self._gaps = gaps
        self._clock = clock
        self.policy = policy
        self._teller = teller
        self._deaf_since = deaf_since
        self._scan = CallScan(store, clock)
        self._pruned_at: Moment | None = None
        self._abandoned = False

    def now(self) -> datetime:
        return self._clock.now().wall

    async def run(self) -> None:
        """Raises StoreError; what was not told is told later."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One turn of `run`."""
        if not self._abandoned:
            await self._abandon()
        for incident in await self._store.untold(MAX_UNTOLD):
            await self._tell(incident)
            await self._store.told(incident)
        now = self._clock.now()
        if self._pruned_at is None or now.since(self._pruned_at) >= PRUNE_EVERY_SECONDS:
            await self._store.prune(now.wall - timedelta(days=self.policy.keep_days))
            self._pruned_at = now

    async def incidents(
        self, limit: int, before: int | None = None, scope: str | None = None, is_open: bool | None = None
    ) -> list[Incident]:
        """Newest first. Raises StoreError."""
        return await self._store.incidents(limit, before, scope, is_open)

    async def view(self, number: int) -> IncidentView:
        """Raises NotOurs, StoreError."""
        incident = await self._known(number)
        span = self._span(incident)
        changes = await self._store.changes(Span(incident.opened_at - EDGE, incident.end(self.now()) + EDGE))
        notes = await self._store.notes(number)
        gaps = await self._unheard(span)
        scanned = await self._scan.of(incident, span, gaps)
        listed = await scanned.listed(await self._store.call_backs(number))
        return IncidentView(
            incident,
            span,
            timeline(incident, changes, notes, gaps),
            scanned.tally,
            listed.counts,
            gaps,
            tuple(notes),
            span.since >= self.now() - timedelta(days=self.policy.keep_calls_days),
        )

    async def calls(self, view: IncidentView) -> AsyncIterator[Sequence[CallRecord]]:
        """The calls that came in within its time, in portions. Raises StoreError."""
        async for portion in self._scan.calls(view.incident, view.span):
            yield portion

    async def add_note(self, number: int, text: str, doer: Doer) -> Note:
        """Raises OrderRefused, NotOurs, StoreError."""
        said = self._words("text", text, MAX_NOTE_CHARACTERS, needed=True)
        incident = await self._known(number)
        now = self.now()
        fact = self._fact(now, "note written", incident, doer, {"characters": str(len(said))})
        return await self._store.add_note(number, Note(0, now, doer.who, masked(said)), fact)

    async def missed(self, number: int) -> MissedView:
        """Raises NotOurs, StoreError."""
        incident = await self._known(number)
        span = self._span(incident)
        gaps = await self._unheard(span)
        scanned = await self._scan.of(incident, span, gaps)
        listed = await scanned.listed(await self._store.call_backs(number))
        return MissedView(incident, listed.lines, listed.counts, scanned.missed.left_out, gaps)

    async def call_back(
        self, number: int, call: str, state: CallBackState, doer: Doer, note: str = "", take_over: bool = False
    ) -> MissedCalls:
        """Says how far calling back is, for the line that holds this call. Raises CallBackTaken when somebody else has
        it, OrderRefused, NotOurs, StoreError."""
        said = self._words("note", note, MAX_NOTE_CHARACTERS, needed=False)
        line = _line(await self.missed(number), call)
        now = self.now()
        call_back = CallBack(state, doer.who, now, masked(said))
        incident = await self._known(number)
        detail = {"call": line.id, "state": state.value} | ({"taken over": "yes"} if take_over else {})
        fact = self._fact(now, "call back", incident, doer, detail)
        await self._store.claim(Claim(number, line.calls, line.last_at, call_back, take_over), fact)
        return _line(await self.missed(number), call)

    def exported(self, view: IncidentView, doer: Doer, people_masked: bool) -> AuditFact:
        """What the record keeps of somebody taking the evidence along."""
        detail = {"calls": str(view.tally.calls), "DIDs of people": "left out" if people_masked else "given"}
        about = f"incident {view.incident.id} of scope {view.incident.scope}"
        return AuditFact(self.now(), AuditKind.EXPORT, "incident evidence", about, doer.who, by=doer.by, detail=detail)

    async def _abandon(self) -> None:
        """Closes what is open of platforms that are configured no more: nothing watches them, so no failback ever
        would, and their incidents would count calls for ever. The configuration is read once."""
        for incident in await self._store.incidents(MAX_OPEN, is_open=True):
            if incident.scope in self.policy.detection_seconds:
                continue
            words = f"Platform {incident.scope} is no longer configured: closed without a failback."
            fact = self._fact(self.now(), "closed", incident, Doer(MACHINE), {"because": "not configured"})
            await self._store.abandon(incident, Note(0, self.now(), MACHINE, words), fact)
            log.warning("incident of a lost platform closed", extra={"incident": incident.id, "scope": incident.scope})
            if (teller := self._teller()) is not None:
                await teller.over(opened_key(incident))
        self._abandoned = True

    async def _known(self, number: int) -> Incident:
        incident = await self._store.incident(number)
        if incident is None:
            raise NotOurs(f"There is no incident {number}.", "`ringfence incident list` names them.", "incident")
        return incident

    def _span(self, incident: Incident) -> Span:
        return call_span(incident, self.policy.detection_seconds.get(incident.scope, 0.0), self.now())

    async def _unheard(self, span: Span) -> tuple[Gap, ...]:
        found = await self._gaps.gaps(span, MAX_GAPS)
        deaf, now = self._deaf_since(), self.now()
        if deaf is not None and deaf.wall <= span.until and span.until >= now - timedelta(seconds=LOOK_SECONDS):
            found = [*found, Gap(0, deaf.wall, now, GapReason.DISCONNECTED, None, 0, "")]
        return tuple(found)

    def _words(self, field: str, text: str, characters: int, *, needed: bool) -> str:
        said = text.strip()
        if needed and not said:
            raise OrderRefused(field, "nothing is written", "Write what the others should know.")
        if len(said) > characters:
            raise OrderRefused(field, f"has {len(said)} characters", f"Write at most {characters}; write two notes.")
        if any(not (character.isprintable() or character == "\n") for character in said):
            raise OrderRefused(field, "holds a control character", "Write plain text.")
        return said

    def _fact(self, at: datetime, action: str, incident: Incident, doer: Doer, detail: Mapping[str, str]) -> AuditFact:
        about = f"incident {incident.id} of scope {incident.scope}"
        return AuditFact(at, AuditKind.INCIDENT, action, about, doer.who, by=doer.by, detail=detail)

    async def _tell(self, incident: Incident) -> None:
        teller = self._teller()
        log.warning(
            "incident closed" if incident.closed_at else "incident opened",
            extra={"incident": incident.id, "scope": incident.scope},
        )
        if teller is None:
            return
        # The same key is told once, however often it is handed over.
        await teller.tell(opened_notice(incident))
        if incident.closed_at is not None:
            await teller.over(opened_key(incident))
            await teller.tell(closed_notice(incident))


def _line(view: MissedView, call: str) -> MissedCalls:
    for line in view.lines:
        if call in line.calls:
            return line
    raise NotOurs("There is no such missed call in this incident.", "`ringfence incident missed` lists them.", "call")

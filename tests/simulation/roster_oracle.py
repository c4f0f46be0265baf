"""A second opinion on who may be rung: judged by days in a site's calendar, and by its own memory of who had which DID.

It shares no rule with the derivation, only the accepted records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import RecordState, Roster
from ringfence.domain.numbers import Did
from tests.simulation.roster_world import DAY, POLICY, ZONES


@dataclass(slots=True)
class Oracle:
    """Who may be rung for which DID, by the accepted facts and by nothing that was stored of tenures. `had` remembers
    who had a DID and when that ended."""

    base: Directory
    keys: dict[PersonKey, PersonKey] = field(default_factory=dict)
    owners: dict[Did, PersonKey] = field(default_factory=dict)
    had: dict[Did, list[tuple[PersonKey, datetime]]] = field(default_factory=dict)
    out: dict[PersonKey, datetime | None] = field(default_factory=dict)
    records: dict[PersonKey, dict[str, list[RecordState]]] = field(default_factory=dict)
    claims: dict[PersonKey, tuple[int, tuple[Did, ...]]] = field(default_factory=dict)
    imported: dict[PersonKey, tuple[Did, ...]] = field(default_factory=dict)
    known: set[PersonKey] = field(default_factory=set)

    def who(self, key: PersonKey) -> PersonKey:
        while key in self.keys:
            key = self.keys[key]
        return key

    def look(self, roster: Roster, now: datetime) -> None:
        """Everything anew, but the memory."""
        self.imported = {}
        for did, item in self.base.assignments.items():
            if item.owner is not None:
                key = self.who(item.owner)
                self.imported[key] = (*self.imported.get(key, ()), did)
        self.records = {}
        for id_, state in roster.records.items():
            by_source = self.records.setdefault(self.who(state.key), {})
            by_source.setdefault(id_.source, []).append(state)
        today = {site: now.astimezone(ZoneInfo(zone)).date() for site, zone in ZONES.items()}
        self.out, self.claims = {}, {}
        self.known = {self.who(key) for key in self.base.people}
        for key in self.known | self.records.keys():
            self._judge(key, roster, today, now)
        self._settle(now)

    def may_ring(self, did: Did, now: datetime, roster: Roster) -> PersonKey | None:
        """Whose numbers may ring for this DID, or whose deputy's."""
        owner = self.owners.get(did)
        released = roster.releases.get(did)
        for former, lost in self.had.get(did, ()):
            if former == owner or former not in self.out:
                continue
            ended = min(lost, self.out[former] or lost)
            if now < ended + POLICY.quarantine and (released is None or released < ended):
                return None
        return owner

    def _judge(self, key: PersonKey, roster: Roster, today: dict[str, date], now: datetime) -> None:
        ends: list[datetime | None] = []
        entries = roster.entries.get(key)
        if entries is not None and entries.left_at is not None and entries.left_at.value <= now:
            ends.append(entries.left_at.value)
        known = key in self.known
        for states in self.records.get(key, {}).values():
            accepted = [state for state in states if state.accepted is not None]
            known = known or bool(accepted)
            if accepted:
                if not any(_runs(state, state.accepted, today, now) for state in accepted):  # type: ignore[arg-type]
                    ends.append(max((e for s in accepted if (e := _end(s, now)) is not None), default=None))
            elif all((end := _end(state, now)) is not None for state in states):
                ends.append(max(end for state in states if (end := _end(state, now)) is not None))
        if ends or not known:
            self.out[key] = min((end for end in ends if end is not None), default=None)
        else:
            self.claims[key] = self._claim(key, roster, today, now)

    def _claim(
        self, key: PersonKey, roster: Roster, today: dict[str, date], now: datetime
    ) -> tuple[int, tuple[Did, ...]]:
        entries = roster.entries.get(key)
        if entries is not None and entries.dids is not None:
            return 0, entries.dids.value
        stated = [
            state.accepted.dids
            for state in self.records.get(key, {}).get("accounts", ())
            if state.accepted is not None
            and state.accepted.dids is not None
            and _runs(state, state.accepted, today, now)
        ]
        return (1, stated[0]) if stated else (2, self.imported.get(key, ()))

    def _settle(self, now: datetime) -> None:
        best: dict[Did, tuple[int, list[PersonKey]]] = {}
        for key, (rank, dids) in self.claims.items():
            for did in dids:
                first, people = best.get(did, (9, []))
                if rank <= first:
                    best[did] = (rank, [*people, key] if rank == first else [key])
        first_look = not self.owners and not self.had
        for did in self.base.assignments:
            people = best.get(did, (0, []))[1]
            before = self.owners.get(did)
            owner = people[0] if len(people) == 1 else before if before in people else None
            if owner is None and len(people) > 1 and first_look:
                imported = self.base.assignments[did].owner
                owner = self.who(imported) if imported is not None and self.who(imported) in people else None
            if before is not None and before != owner:
                self.had.setdefault(did, []).append((before, self.out.get(before) or now))
            if owner is None:
                self.owners.pop(did, None)
            else:
                self.owners[did] = owner

    def renamed(self, old: PersonKey, new: PersonKey) -> None:
        self.keys[old] = new
        self.owners = {did: new if key == old else key for did, key in self.owners.items()}
        self.had = {did: [(new if k == old else k, at) for k, at in past] for did, past in self.had.items()}


def _runs(state: RecordState, record: HrRecord, today: dict[str, date], now: datetime) -> bool:
    day = today[record.site or "Leeds"]
    return (
        record.active is not False
        and (record.starts is None or record.starts <= day)
        and (record.ends_at is not None or record.ends is None or day <= record.ends)
        and (record.ends_at is None or now < record.ends_at)
    )


def _end(state: RecordState, now: datetime) -> datetime | None:
    """The moment at which it ended, None while it has not."""
    record = state.accepted or state.said
    moments = [] if record.active is not False else [state.inactive_since or now]
    if record.ends_at is not None:
        moments.append(record.ends_at)
    elif record.ends is not None:
        after = record.ends + timedelta(days=1)
        local = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(ZONES[record.site or "Leeds"]))
        moments.append(local.astimezone(UTC))
    return min((moment for moment in moments if moment <= now), default=None)


def surely_left(told: Mapping[tuple[str, str, str], HrRecord], now: datetime) -> Iterator[str]:
    """Keys that a source has said are gone, more than a day ago in every time zone: whatever was held since."""
    posts: dict[tuple[str, str], list[HrRecord]] = {}
    for (source, id_, _), record in told.items():
        posts.setdefault((source, id_), []).append(record)
    day = (now - 2 * DAY).date()
    for records in posts.values():
        if all(record.active is False or (record.ends is not None and record.ends < day) for record in records):
            yield records[0].key

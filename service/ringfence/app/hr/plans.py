"""Held plans: when one opens, is superseded or resolves itself, and what a person's decision does.

A plan's items are never stored: they are what is said and not accepted. Only the header is, so a plan that could not be
written (the database went away between two steps) is opened at the next occasion.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.ports import PlanRow, PlanStatus, RosterNote
from ringfence.app.hr.views import PlanView
from ringfence.app.operator import NotNow, NotOurs, OrderRefused, check_words
from ringfence.app.ports import StoreError
from ringfence.domain.audit import masked
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.decision import approve as approved
from ringfence.domain.hr.decision import imported_otherwise
from ringfence.domain.hr.decision import reject as rejected
from ringfence.domain.hr.index import Draft, SourceIndex
from ringfence.domain.hr.items import HeldItem, counted, fingerprint, held_items, shown_key, summary
from ringfence.domain.hr.roster import Roster, RosterChange
from ringfence.domain.numbers import mask_text

log = logging.getLogger(__name__)

MAX_LINES: Final = 1_000
MAX_PERSON_NOTES: Final = 50
"""A decision on more people than that is one note, and the plan's lines say the rest."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on a plan. `items` None: all of them."""

    plan_id: int
    approve: bool
    who: str
    why: str
    items: Collection[str] | None
    fingerprint: str | None


class HeldPlans:
    """At most one plan a source is open. Whoever calls `standing`, `follow` or `decide` holds the book's lock."""

    def __init__(self, book: RosterBook) -> None:
        self._book = book

    async def view(self, row: PlanRow) -> PlanView:
        """With its items as of now, while it is open. Waits for nobody."""
        book = self._book
        if row.status is not PlanStatus.OPEN:
            return PlanView(row)
        if book.lock.locked():
            # Its holder may be changing the index in a thread.
            make = partial(SourceIndex.of, book.roster.copy(), row.source, book.policy, book.zones, book.now())
            return await self._view(row, await asyncio.to_thread(make))
        return await self._view(row, book.up_to_date(row.source).copy())

    async def standing(self, source: str) -> PlanView | None:
        """The source's open plan, before a complete batch is taken in."""
        row = self._book.open_plans.get(source)
        return None if row is None else await self._view(row, self._book.up_to_date(source))

    async def follow(self, source: str, before: PlanView | None, *, complete: bool) -> int | None:
        """Opens, supersedes or resolves the source's plan after something was taken in; returns the open one's number.
        `before`: what `standing` gave. A store that fails is logged: the headers follow at the next occasion."""
        book = self._book
        row = book.open_plans.get(source)
        index = book.up_to_date(source)
        try:
            if not index.held:
                if row is not None:
                    await self._close(before or PlanView(row), PlanStatus.RESOLVED)
                return None
            if row is None:
                return await self._open(source)
            if complete and before is not None:
                after = await self._view(row, index)
                if after.fingerprint != before.fingerprint:
                    return await self._supersede(before, after.row.summary)
            return row.id
        except StoreError as error:
            log.error("a held plan's header cannot be stored", extra={"source": source, "reason": str(error)})
            return row.id if row is not None else None

    async def decide(self, decision: Decision) -> PlanView:
        """The plan as it was closed, with the items that were decided. Raises OrderRefused, NotOurs, NotNow,
        StoreError."""
        check_words(decision.who, decision.why)
        decision = replace(decision, why=masked(decision.why))
        book, view = self._book, await self._asked(decision)
        source, now = view.row.source, book.now()
        chosen = view.chosen(decision.items)
        change, draft, words = await asyncio.to_thread(self._decided, decision, book.roster.copy(), source, chosen, now)
        if decision.approve and view.row.first_load:
            change = replace(change, sources={source: replace(book.state(source), loaded=True)})
        whole = PlanStatus.APPROVED if decision.approve else PlanStatus.REJECTED
        status = whole if len(chosen) == len(view.items) else PlanStatus.PARTLY
        closed = replace(
            view.row,
            status=status,
            closed_at=now,
            who=decision.who,
            why=decision.why,
            summary=words,
            lines=tuple(islice(_lines(chosen), MAX_LINES)),
        )
        # Nothing of it is a first load any more once a part of that is approved.
        first_load = view.row.first_load and not decision.approve
        left = {category: draft.count(category) for category in Category if draft.count(category)}
        rest = PlanRow(source, now, first_load, summary=counted(left)) if left else None
        notes = _notes(decision, view.row, words, chosen, now)
        stored = await book.commit(change, plans=[closed, *([rest] if rest else [])], notes=notes, draft=draft)
        if rest is not None:
            closed = await self._link(closed, stored.plans[1])
        # Of very many the first, as many as anybody is shown: the others would be kept while the table is compiled.
        counts, left_off = Counter(item.category for item in chosen), max(0, len(chosen) - MAX_LINES)
        return PlanView(closed, chosen[:MAX_LINES], view.fingerprint, counts, left_off)

    async def _asked(self, decision: Decision) -> PlanView:
        """The open plan that a person means, with items to decide."""
        row = await self.row(decision.plan_id)
        if row.status is not PlanStatus.OPEN:
            newer = f"; plan {row.superseded_by} came after it" if row.superseded_by else ""
            raise NotNow("plan", f"{row.id} is {row.status}{newer}", "Look at the open plans and decide on those.")
        view = await self._view(row, self._book.up_to_date(row.source))
        if decision.fingerprint is not None and decision.fingerprint != view.fingerprint:
            raise NotNow("fingerprint", "is that of other items than are held now", "Look at the plan again.")
        if decision.items:
            unknown = sorted(set(decision.items) - {item.id for item in view.items})
            if unknown:
                what = f"{unknown[0][:64]!r} is not held in plan {row.id}"
                raise OrderRefused("items", what, "Look at the plan again.")
        if not view.chosen(decision.items):
            raise OrderRefused("items", "name nothing", "Choose some, or give none for the whole plan.")
        return view

    async def row(self, id_: int) -> PlanRow:
        """Raises NotOurs, StoreError."""
        for row in self._book.open_plans.values():
            if row.id == id_:
                return row
        found = await self._book.store.plan(id_)
        if found is None:
            raise NotOurs(f"plan: there is no plan {id_}.", "See `ringfence hr plans`.", "plan")
        return found

    async def items(self, roster: Roster, source: str) -> tuple[HeldItem, ...]:
        """What would be held with another roster."""
        book, now = self._book, self._book.now()
        index = await asyncio.to_thread(SourceIndex.of, roster, source, book.policy, book.zones, now)
        return await asyncio.to_thread(held_items, index, book.zones, now)

    async def _view(self, row: PlanRow, index: SourceIndex) -> PlanView:
        """`index` is up to date, and stays as it is until this returns."""
        zones, now = self._book.zones, self._book.now()

        def look() -> PlanView:
            items = held_items(index, zones, now)
            counts = Counter(item.category for item in items)
            return PlanView(replace(row, summary=summary(items)), items, fingerprint(items), counts)

        return await asyncio.to_thread(look)

    def _decided(
        self, decision: Decision, roster: Roster, source: str, chosen: Sequence[HeldItem], now: datetime
    ) -> tuple[RosterChange, Draft, str]:
        """What the decision does to the roster and to the source's index, and in words."""
        zones, index = self._book.zones, self._book.index(source)
        if decision.approve:
            change = approved(roster, index, chosen, zones, now)
            self._check_keys(roster, change)
        else:
            change = rejected(index, chosen, zones, now)
        words = f"{'approved' if decision.approve else 'rejected'}: {summary(chosen)}"
        return change, index.draft_of(change, zones, now), words

    def _check_keys(self, roster: Roster, change: RosterChange) -> None:
        """Raises NotNow where somebody would get a key that the imported directory knows as another person's."""
        base = self._book.base.directory
        found = imported_otherwise(base, roster, change)
        if found is None:
            return
        key, old = found
        its = f"{mask_text(base.people[key].name)} in the imported directory"
        who = "" if old is None else f", and {old} is {mask_text(base.people[old].name)}"
        fix = "Import people.csv and dids.csv with the new keys first, then approve."
        raise NotNow("items", f"give somebody the key {key}: it is {its}{who}", fix)

    def _new(self, source: str, words: str) -> PlanRow:
        return PlanRow(source, self._book.now(), not self._book.state(source).loaded, summary=words)

    async def _open(self, source: str) -> int:
        # Counted, not listed: listing 100,000 joiners takes a while, and nobody has asked for it yet.
        words = counted({category: len(ids) for category, ids in self._book.index(source).ids.items()})
        stored = await self._book.commit(RosterChange(), plans=[self._new(source, words)])
        extra = {"source": source, "plan": stored.plans[0], "held": words}
        log.warning("hr changes are held for a person", extra=extra)
        return stored.plans[0]

    async def _supersede(self, old: PlanView, words: str) -> int:
        source = old.row.source
        closed = self._closed(old, PlanStatus.SUPERSEDED)
        stored = await self._book.commit(RosterChange(), plans=[closed, self._new(source, words)])
        await self._link(closed, stored.plans[1])
        extra = {"source": source, "plan": stored.plans[1], "supersedes": old.row.id, "held": words}
        log.warning("hr changes are held for a person", extra=extra)
        return stored.plans[1]

    async def _close(self, view: PlanView, status: PlanStatus) -> None:
        await self._book.commit(RosterChange(), plans=[self._closed(view, status)])
        log.info("nothing of an hr source is held any more", extra={"source": view.row.source, "plan": view.row.id})

    def _closed(self, view: PlanView, status: PlanStatus) -> PlanRow:
        words = summary(view.items) if view.items else view.row.summary
        lines = tuple(islice(_lines(view.items), MAX_LINES))
        return replace(view.row, status=status, closed_at=self._book.now(), summary=words, lines=lines)

    async def _link(self, closed: PlanRow, successor: int) -> PlanRow:
        """Only now is the successor's number known. Without it the plan is closed all the same."""
        linked = replace(closed, superseded_by=successor)
        try:
            await self._book.commit(RosterChange(), plans=[linked])
        except StoreError as error:
            log.warning("a plan's successor cannot be stored", extra={"plan": closed.id, "reason": str(error)})
        return linked


def _lines(items: Sequence[HeldItem]) -> Iterator[str]:
    for item in items:
        yield from (f"{item.category} {item.name} ({shown_key(item.person)}): {line}" for line in item.lines)


def _notes(
    decision: Decision, row: PlanRow, words: str, chosen: Sequence[HeldItem], now: datetime
) -> tuple[RosterNote, ...]:
    what = f"plan {row.id} of {row.source}, {words}"
    whole = RosterNote(now, decision.who, decision.why, what)
    if len(chosen) > MAX_PERSON_NOTES:
        return (whole,)
    word = "approved" if decision.approve else "rejected"
    each = (
        RosterNote(
            now, decision.who, decision.why, f"plan {row.id} of {row.source}, {item.category} {word}", item.person
        )
        for item in chosen
    )
    return (whole, *each)

"""Which of somebody's default numbers ring, in which hours, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from ringfence.domain.directory import (
    MAX_DEFAULT_NUMBERS,
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    Consent,
    DefaultNumber,
    NotRung,
)
from ringfence.domain.hr.person_facts import Facts
from ringfence.domain.hr.record import HrNumber, NumberUse
from ringfence.domain.hr.roster import IMPORTED, Origin, RosterPolicy, Stated, Today
from ringfence.domain.hr.standing import Post
from ringfence.domain.ring_hours import RingHours


class Known(NamedTuple):
    """One default number, and why it does not ring; None: it does."""

    number: DefaultNumber
    use: NumberUse
    why_not: NotRung | None


def known_numbers(facts: Facts, posts: Sequence[Post], away: bool, policy: RosterPolicy, now: datetime) -> list[Known]:
    """All of them in their order, each once; `posts` are the current ones."""
    numbers = _stated(facts, posts, policy, now)
    whole = _why_none(facts, away)
    if len(numbers) == 1:
        ((number, use),) = numbers
        return [Known(number, use, whole or _why_not(number.consent, policy))]
    known: list[Known] = []
    for number, use in numbers:
        if any(number.e164 == other.number.e164 for other in known):
            continue
        known.append(Known(number, use, whole or _why_not(number.consent, policy)))
    return known


def rung(known: Sequence[Known]) -> tuple[DefaultNumber, ...]:
    """Those that ring, at most five."""
    return tuple([item.number for item in known if item.why_not is None][:MAX_DEFAULT_NUMBERS])


def withheld(known: Sequence[Known]) -> tuple[tuple[DefaultNumber, NotRung], ...]:
    return tuple([(item.number, item.why_not) for item in known if item.why_not is not None])


def _stated(
    facts: Facts, posts: Sequence[Post], policy: RosterPolicy, now: datetime
) -> list[tuple[DefaultNumber, NumberUse]]:
    stated = _usual(facts, posts, policy, now)
    today = facts.entries.today
    if today is not None and now < today.value.until:
        stated = [_today(today, facts), *stated]
    return _asking(stated, facts)


def _asking(stated: list[tuple[DefaultNumber, NumberUse]], facts: Facts) -> list[tuple[DefaultNumber, NumberUse]]:
    """Whether who answers has to press 1 is said by hand or by the import, and holds whoever states the number."""
    imported = () if facts.imported is None else facts.imported.default_numbers
    asked = {n.e164: n.press_one for n in imported if n.press_one is not None}
    if facts.entries.facts:
        entered = facts.entries.facts.items()
        asked |= {e164: one.value.press_one for e164, one in entered if one.value.press_one is not None}
    if not asked:
        return stated
    return [(replace(number, press_one=asked.get(number.e164)), use) for number, use in stated]


def _today(today: Stated[Today], facts: Facts) -> tuple[DefaultNumber, NumberUse]:
    number = today.value.number
    known = facts.entries.facts.get(number.e164)
    if known is not None:
        consent = known.value.consent
    else:
        # Whoever says where they are wants to be called there.
        consent = Consent.GIVEN if today.origin is Origin.PERSON else Consent.NOT_STATED
    return DefaultNumber(number.e164, number.ring_seconds, None, consent), number.use


def _usual(
    facts: Facts, posts: Sequence[Post], policy: RosterPolicy, now: datetime
) -> list[tuple[DefaultNumber, NumberUse]]:
    # Being on call matters only where there are hours.
    on_call = (policy.private_hours is not None or bool(facts.entries.facts)) and facts.on_call(posts, now)
    if facts.entries.numbers is None:
        imported = facts.imported
        stated = facts.resolved("numbers", posts, None if imported is None else imported.default_numbers)
        if stated is None:
            return []
        if stated.origin == IMPORTED:
            return [(_imported(number, facts, on_call), NumberUse.PRIVATE) for number in stated.value]
        numbers: Sequence[HrNumber] = stated.value
    else:
        numbers = facts.entries.numbers.value
    usual = _in_zone(policy.private_hours, facts.zone) if policy.private_hours is not None else None
    return [(_default_number(number, facts, usual, on_call), number.use) for number in numbers]


def _imported(number: DefaultNumber, facts: Facts, on_call: bool) -> DefaultNumber:
    stated = facts.entries.facts.get(number.e164)
    if stated is None:
        return number
    known = stated.value
    hours = None if on_call else known.hours
    return replace(number, hours=hours, consent=known.consent, confirmed_on=known.confirmed_on)


def _default_number(number: HrNumber, facts: Facts, usual: RingHours | None, on_call: bool) -> DefaultNumber:
    # A source's reader checks the seconds. One that let some through must not cost everybody the table.
    ring_seconds = max(MIN_RING_SECONDS, min(MAX_RING_SECONDS, number.ring_seconds))
    private = number.use is NumberUse.PRIVATE
    stated = facts.entries.facts.get(number.e164)
    hours = usual if private else None
    if stated is None:
        return DefaultNumber(number.e164, ring_seconds, None if on_call else hours)
    known = stated.value
    if known.hours is not None:
        hours = known.hours
    return DefaultNumber(
        number.e164, ring_seconds, None if on_call and private else hours, known.consent, known.confirmed_on
    )


def _why_none(facts: Facts, away: bool) -> NotRung | None:
    if facts.employment.employed:
        return NotRung.AWAY if away else None
    return NotRung.LEFT if facts.employment.left else NotRung.NOT_STARTED


def _why_not(consent: Consent, policy: RosterPolicy) -> NotRung | None:
    if consent is Consent.WITHDRAWN:
        return NotRung.CONSENT_WITHDRAWN
    if policy.require_consent and consent is not Consent.GIVEN:
        return NotRung.CONSENT_MISSING
    return None


@lru_cache(maxsize=1_000)
def _in_zone(hours: RingHours, zone: str) -> RingHours:
    """The configuration's hours are meant where the person is."""
    return hours if hours.zone == zone else replace(hours, zone=zone)

"""From the roster's views of people to what doors show. The one place that leaves a number's clear form behind."""

from __future__ import annotations

from ringfence.app.hr.ports import RosterNote
from ringfence.domain.hr.provenance import Claim, NumberView, PersonView
from ringfence.web.people_models import ClaimOut, NoteOut, NumberOut, PersonDidOut, PersonOut


def person_out(view: PersonView) -> PersonOut:
    return PersonOut(
        key=view.key,
        name=view.name,
        standing=view.standing,
        since=view.since,
        until=view.until,
        fields={field: [_claim(claim) for claim in claims] for field, claims in view.fields.items()},
        dids=[PersonDidOut(did=held.did, since=held.since, hold=held.hold) for held in view.dids],
        numbers=[_number(position, number) for position, number in enumerate(view.numbers, start=1)],
        today_until=view.today_until,
    )


def note_out(note: RosterNote) -> NoteOut:
    return NoteOut(at=note.at, who=note.who, reason=note.why, what=note.what, person=note.person)


def _claim(claim: Claim) -> ClaimOut:
    return ClaimOut(
        value=claim.value,
        origin=claim.origin,
        who=claim.who,
        at=claim.at,
        in_force=claim.in_force,
        held=claim.held,
    )


def _number(position: int, number: NumberView) -> NumberOut:
    return NumberOut(
        position=position,
        number=number.masked,
        use=number.use,
        ring_seconds=number.ring_seconds,
        hours=number.hours,
        consent=number.consent,
        consent_on=number.consent_on,
        confirmed_on=number.confirmed_on,
        purpose=number.purpose,
        press_one=number.press_one,
        rings=number.rings,
        why_not=number.why_not,
    )

"""What the egress says of a person's numbers, in the view of that person: a feed may send whatever it likes, and nobody
is told at the time."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from ringfence.domain.hr.provenance import NumberView, PersonView
from ringfence.domain.policy import EgressGate


def with_what_is_not_dialled(view: PersonView, gate: EgressGate, own_dids: Container[str]) -> PersonView:
    """The view, in which a number that would ring does not where it may not be dialled."""
    return replace(view, numbers=tuple(_judged(number, gate, own_dids) for number in view.numbers))


def _judged(number: NumberView, gate: EgressGate, own_dids: Container[str]) -> NumberView:
    refusal = gate.why_not(number.e164, own_dids) if number.rings else None
    if refusal is None:
        return number
    way = gate.way_back(number.e164, own_dids)
    chain = "" if way is None or len(way.numbers) == 1 else f" ({way.words})"
    return replace(number, rings=False, why_not=f"it is not dialled: {refusal.sentence}{chain}")

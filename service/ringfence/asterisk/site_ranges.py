"""A trunk's ranges as a context of the dialplan: the last digits of a DID, and which range they are of."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.asterisk.site import Trunk
from ringfence.domain.received_number import BareNumber, NumberRules, range_tails


def ranges_of(number: NumberRules) -> tuple[str, ...]:
    """As `+441134960xxx`, in whichever way a trunk has them."""
    if number.bare is not BareNumber.EXTENSION:
        return ()
    return number.ranges or (number.range_prefix + "x" * number.extension_length,)


def range_context(trunk: Trunk) -> Iterator[str]:
    """Asterisk takes the pattern that says most; a number of no range is read by its prefix."""
    ranges = ranges_of(trunk.number)
    if not ranges:
        return
    yield from ("", f"[ringfence-range-{trunk.name}]")
    for prefix, tail in range_tails(ranges, trunk.number.extension_length):
        yield f"exten => _{tail.upper()},1,Set(RF_DID={prefix}${{RF_RAW}})"
        yield " same => n,Goto(ringfence-inbound,valid,1)"
    yield "exten => _X!,1,Goto(ringfence-inbound,national,1)"

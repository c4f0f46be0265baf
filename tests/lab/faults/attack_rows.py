"""All rows of an attack, each kind on a stage of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.lab.attack.relay import Relay
from tests.lab.faults import measuring
from tests.lab.faults.attack_answers import answer_faults
from tests.lab.faults.attack_calls import call_faults
from tests.lab.faults.attack_doors import door_faults, tls_faults
from tests.lab.faults.attack_injection import injection_fault
from tests.lab.faults.attack_stage import attacked, attacked_over_tls, relayed
from tests.lab.faults.measuring import Fault
from tests.lab.faults.result import Row, guarded
from tests.lab.faults.stage import Stage
from tests.lab.installation import Installation


@dataclass(frozen=True, slots=True)
class _Group:
    faults: tuple[Fault, ...]
    stage: Callable[[Installation], AbstractAsyncContextManager[Stage]]


def _groups() -> tuple[_Group, ...]:
    relay = Relay()
    return (
        _Group((*call_faults(), injection_fault()), attacked),
        _Group(tuple(answer_faults(relay)), lambda installation: relayed(installation, relay)),
        _Group(tuple(door_faults()), attacked),
        _Group(tuple(tls_faults()), attacked_over_tls),
    )


ATTACKS = tuple(fault.name for group in _groups() for fault in group.faults)


async def attack_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, each group on its own stage."""
    for group in _groups():
        faults = [fault for fault in group.faults if fault.name in wanted]
        if not faults:
            continue
        async with group.stage(installation) as stage:
            for fault in faults:
                doing(fault.name)
                yield await guarded(fault.name, measuring.run(fault, stage))

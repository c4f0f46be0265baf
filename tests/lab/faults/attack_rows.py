"""All rows of an attack, each kind on a stage of its own."""

from __future__ import annotations

from tests.lab.attack.relay import Relay
from tests.lab.faults.attack_answers import answer_faults
from tests.lab.faults.attack_calls import call_faults
from tests.lab.faults.attack_doors import door_faults, tls_faults
from tests.lab.faults.attack_injection import injection_fault
from tests.lab.faults.attack_stage import attacked, attacked_over_tls, relayed
from tests.lab.faults.grouped import Group


def attack_groups() -> tuple[Group, ...]:
    """New ones, each time."""
    relay = Relay()
    return (
        Group((*call_faults(), injection_fault()), attacked),
        Group(tuple(answer_faults(relay)), lambda installation: relayed(installation, relay)),
        Group(tuple(door_faults()), attacked),
        Group(tuple(tls_faults()), attacked_over_tls),
    )


ATTACKS = tuple(fault.name for group in attack_groups() for fault in group.faults)

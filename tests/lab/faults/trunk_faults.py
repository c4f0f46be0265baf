"""What can befall the trunks: the ways out that carry nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.faults import measuring
from tests.lab.faults.measuring import Fault, Kind, Load, Measured
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import EGRESS_NO_PROGRESS_SECONDS, Stage, now, opened
from tests.lab.faults.told import Verdicts
from tests.lab.installation import Installation
from tests.lab.node import RingfenceNode
from tests.lab.records import ReceivedCall
from tests.lab.waiting import wait_until

QUICK = Load(per_second=30.0, before_seconds=2.5)
MARGIN_MS = 300
CHANNELS = 10
LONG = Load(per_second=30.0, before_seconds=2.5, hold_seconds=2.0)
REGISTERS = """
[lab-registration]
type=registration
transport=lab-udp
server_uri=sip:{host_port}
client_uri=sip:ringfence@{host_port}
retry_interval=2
forbidden_retry_interval=2
fatal_retry_interval=2
max_retries=10000
"""


def trunk_faults() -> list[Fault]:
    """In the order of the table; the scope is forced to DR, so that every call goes out."""
    return [
        Fault(
            "egress A one-way",
            "it answers OPTIONS, and every call with 100 Trying alone: it is left out after its calls that failed",
            Kind.EGRESS,
            lambda stage: stage.lab.mobile_network.trying_only(),
            prepare=in_dr,
            judge=_one_way,
        ),
        Fault(
            "egress A deaf to calls",
            "it answers OPTIONS, and nothing to any call: it is left out after its calls that failed",
            Kind.EGRESS,
            lambda stage: stage.lab.mobile_network.silent(),
            prepare=in_dr,
            judge=_one_way,
        ),
    ]


def _one_way(stage: Stage, measured: Measured) -> list[Bound]:
    """Calls are dialled for `no_progress_seconds` before the first one counts; those on their way then fail as well."""
    after = None if measured.decided_at is None else measured.worst_added_ms(measured.decided_at)
    verdict = measured.verdict_seconds
    longest = EGRESS_NO_PROGRESS_SECONDS * 1000 + MARGIN_MS
    return [
        Bound("added", measured.worst_added_ms(0), longest, "ms"),
        Bound("added after verdict", after, 100, "ms"),
        Bound("verdict", None if verdict is None else round(verdict * 1000), longest + 1000, "ms"),
    ]


def staged_trunk_faults() -> list[Fault]:
    """On a stage whose trunk A has few channels and is registered with."""
    trunk_a = Verdicts("trunk:a")
    return [
        Fault(
            "egress A full",
            f"it has {CHANNELS} channels and gets six times as many calls; the others go out by B, and A is not down",
            Kind.EGRESS,
            measuring.nothing,
            prepare=in_dr,
            load=LONG,
            judge=_full,
        ),
        Fault(
            "registration lost",
            "A's registrar forgets us and refuses us, and A refuses every call with 403",
            Kind.EGRESS,
            trunk_a.during(_forget),
            prepare=_registered,
            load=QUICK,
            judge=lambda stage, measured: [*_forgotten(measured), trunk_a.bound_against("registration")],
        ),
    ]


def _full(stage: Stage, measured: Measured) -> list[Bound]:
    at_a = [leg for leg in stage.lab.mobile_network.calls() if leg.at >= measured.accounts[0].offered.invited_at]
    return [
        Bound("told down", 0 if measured.decided_at is None else 1, 0),
        Bound("A idle", 0 if at_a else 1, 0),
        Bound("most at once on A", _most_at_once(at_a), CHANNELS),
        Bound("added", measured.worst_added_ms(0), MARGIN_MS, "ms"),
    ]


def _most_at_once(legs: Sequence[ReceivedCall]) -> int:
    return max(sum(leg.at <= at.at and (leg.ended_at or now()) > at.at for leg in legs) for at in legs) if legs else 0


async def _registered(stage: Stage) -> None:
    await wait_until(lambda: _registration(stage, "Registered"), what="to be registered", deadline_seconds=15)
    await in_dr(stage)


async def _forget(stage: Stage) -> None:
    forgotten = replace(Behaviour(), register_status=403, manner=Manner.REFUSE, status=403, ring_delay_ms=0)
    await stage.lab.mobile_network.behave(forgotten)
    await wait_until(lambda: _registration(stage, "Rejected"), what="to be refused", deadline_seconds=15)


async def _registration(stage: Stage, state: str) -> bool:
    return state in await stage.lab.asterisk.cli("pjsip show registrations")


def _forgotten(measured: Measured) -> list[Bound]:
    """By its calls, for their refusals come first: the others are tried at B at once."""
    after = None if measured.decided_at is None else measured.worst_added_ms(measured.decided_at)
    verdict = measured.verdict_seconds
    return [
        Bound("added", measured.worst_added_ms(0), MARGIN_MS, "ms"),
        Bound("added after verdict", after, 100, "ms"),
        Bound("verdict", None if verdict is None else round(verdict * 1000), 2000, "ms"),
    ]


STAGED = tuple(fault.name for fault in staged_trunk_faults())


async def trunk_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, on one stage of their own."""
    if not wanted:
        return

    def prepare(node: RingfenceNode) -> None:
        node.trunk_a = f'channels = {CHANNELS}\nregistration = "lab-registration"'

    async with opened(installation, prepare=prepare) as stage:
        path = stage.lab.asterisk.etc / "pjsip.conf"
        path.write_text(path.read_text() + REGISTERS.format(host_port=stage.lab.mobile_network.address))
        await stage.lab.asterisk.reload("res_pjsip.so")
        for fault in staged_trunk_faults():
            if fault.name in wanted:
                doing(fault.name)
                yield await guarded(fault.name, measuring.run(fault, stage))

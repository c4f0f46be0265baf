"""All rows by name, and the stages they run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from tests.lab.faults import measuring
from tests.lab.faults.at_once import AT_ONCE, at_once_rows
from tests.lab.faults.attack_rows import ATTACKS, attack_groups
from tests.lab.faults.crowds import CROWDS, crowd_rows
from tests.lab.faults.doors import DOOR_FIGURES
from tests.lab.faults.feeds import feed_names, feed_rows
from tests.lab.faults.grouped import GROUPED, GROUPS, rows_of
from tests.lab.faults.large import LARGE, large_rows
from tests.lab.faults.loops import LOOP_FIGURES
from tests.lab.faults.measuring import Fault
from tests.lab.faults.name_faults import NAMES_DEAD, name_rows
from tests.lab.faults.network_faults import NETWORK, network_rows
from tests.lab.faults.node_faults import egress_faults, node_faults
from tests.lab.faults.page import PAGE_FIGURES
from tests.lab.faults.people import PEOPLE, people_rows
from tests.lab.faults.platform_faults import platform_faults
from tests.lab.faults.rescue import RESCUE_FIGURES
from tests.lab.faults.result import Row, all_of, guarded
from tests.lab.faults.server_faults import SERVER, server_rows
from tests.lab.faults.sick_platform import SICK_PLATFORM_FIGURES, sick_platform_faults
from tests.lab.faults.small import SMALL_FIGURES, Figure
from tests.lab.faults.stage import Stage, opened
from tests.lab.faults.stream_faults import STREAMS, stream_rows
from tests.lab.faults.trunk_faults import STAGED, trunk_faults, trunk_rows
from tests.lab.faults.upgrades import upgrade_faults
from tests.lab.installation import Installation
from tests.lab.provision import provision
from tests.lab.small_disk import MountRefused

PLATFORM = (*platform_faults(), *sick_platform_faults())
TRUNKS = (*egress_faults(), *trunk_faults())
FAULTS = {fault.name: fault for fault in (*PLATFORM, *TRUNKS, *node_faults(), *upgrade_faults())}

FIGURES = {**SMALL_FIGURES, **RESCUE_FIGURES, **LOOP_FIGURES, **PAGE_FIGURES, **DOOR_FIGURES, **SICK_PLATFORM_FIGURES}


def names() -> list[str]:
    with_calls = (*FAULTS, *STREAMS, *STAGED, *NETWORK, NAMES_DEAD, *GROUPED, *ATTACKS)
    return [*with_calls, *FIGURES, *CROWDS, *AT_ONCE, *PEOPLE, *LARGE, *SERVER, *feed_names()]


def groups() -> dict[str, list[str]]:
    """Rows of one kind, by a short name."""
    return {
        "platform": [*(fault.name for fault in PLATFORM), *STREAMS, *SICK_PLATFORM_FIGURES, *RESCUE_FIGURES],
        "trunks": [*(fault.name for fault in TRUNKS), *STAGED],
        "network": [*NETWORK, NAMES_DEAD],
        "node": [*(fault.name for fault in (*node_faults(), *upgrade_faults())), *GROUPED],
        "attack": [*ATTACKS],
        "figures": [*FIGURES],
        "people": [*CROWDS, *AT_ONCE, *PEOPLE, *feed_names()],
        "size": [*LARGE],
        "server": [*SERVER],
    }


def chosen(only: Sequence[str], group: Sequence[str]) -> list[str]:
    """The rows wanted, in order; all where nothing is asked for. Raises KeyError for what names no row."""
    if not only and not group:
        return names()
    found: set[str] = set()
    for word in only:
        begun = [word] if word in names() else [name for name in names() if name.startswith(word)]
        if not begun:
            raise KeyError(word)
        found.update(begun)
    for word in group:
        found.update(groups()[word])
    return [name for name in names() if name in found]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """As they are listed; they are run in another order."""
    order = {name: number for number, name in enumerate(names())}
    return sorted(rows, key=lambda row: order[row.name])


async def run_all(wanted: Sequence[str], doing: Callable[[str], None], done: Callable[[Row, str], None]) -> None:
    """The wanted rows. `doing` is told which one is run, `done` how it ended, and on which Asterisk where that is
    known."""
    installation = await provision()
    version = ""

    def note(row: Row) -> None:
        done(row, version)

    shared = [FAULTS[name] for name in wanted if name in FAULTS and not FAULTS[name].alone]
    figures = [name for name in wanted if name in FIGURES]
    if shared or figures:
        async with opened(installation) as stage:
            version = await stage.lab.asterisk.version()
            for fault in shared:
                doing(fault.name)
                note(await guarded(fault.name, measuring.run(fault, stage)))
            for name in figures:
                doing(name)
                note(await guarded(name, _healed(FIGURES[name], stage)))
    for name in wanted:
        if name in FAULTS and FAULTS[name].alone:
            doing(name)
            note(await guarded(name, _alone(FAULTS[name], installation)))
    for part in _parts(installation, wanted, doing):
        async for row in part:
            note(row)


def _parts(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> Iterator[AsyncIterator[Row]]:
    """Rows that have stages of their own, stage by stage."""

    def of(every: Iterable[str]) -> list[str]:
        return [name for name in wanted if name in every]

    streams, staged, network = of(STREAMS), of(STAGED), of(NETWORK)
    yield all_of(streams, stream_rows(installation, streams, doing))
    yield all_of(staged, trunk_rows(installation, staged, doing))
    yield all_of(network, network_rows(installation, network, doing))
    yield all_of(of([NAMES_DEAD]), name_rows(installation, wanted, doing))
    for group in (*GROUPS, *attack_groups()):
        grouped = of([fault.name for fault in group.faults])
        yield all_of(grouped, rows_of(group, installation, grouped, doing))
    crowds, at_once, people = of(CROWDS), of(AT_ONCE), of(PEOPLE)
    yield all_of(crowds, crowd_rows(installation, crowds, doing))
    yield all_of(at_once, at_once_rows(at_once, doing))
    yield all_of(people, people_rows(installation, people, doing))
    feeds, large, server = of(feed_names()), of(LARGE), of(SERVER)
    yield all_of(feeds, feed_rows(installation, feeds, doing))
    yield all_of(large, large_rows(installation, large, doing))
    yield all_of(server, server_rows(installation, server, doing))


async def _alone(fault: Fault, installation: Installation) -> Row:
    try:
        async with opened(installation, small_disk=fault.small_disk) as stage:
            return await guarded(fault.name, measuring.run(fault, stage))
    except MountRefused as error:
        return Row(fault.name, fault.what, (), skipped=str(error))


async def _healed(figure: Figure, stage: Stage) -> Row:
    await stage.heal()
    return await figure(stage)

"""The spool file: everything comes back as it went in, also after a crash and on a full disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ringfence.app.once_mark import OnceMark
from ringfence.app.ports import OutageChange
from ringfence.domain.outage import Mode, Signal, Transition, first_state
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause
from ringfence.store.spool import RESERVED_BYTES, FileSpool
from tests.unit.moments import START

ONCE = OnceMark("a" * 64, "b" * 64)


def changes() -> list[OutageChange]:
    state = replace(first_state("uc", START), mode=Mode.FAILED_OVER, cause=Cause.SILENCE, bad_trials=2, version=9)
    transition = Transition(
        "uc", Mode.NORMAL, Mode.FAILED_OVER, Signal.OUTAGE, Reason.SILENT, START, ("sip_options: against: silent",), 9
    )
    until = START.wall + timedelta(hours=2)
    override = Override(OverrideTarget(did="+441134960001"), OverrideKind.DR, "ann", "übung | x", START.wall, until)
    return [
        OutageChange("1", state=state, transition=transition, at=START.wall),
        OutageChange("2", override_set=override, at=START.wall, who="ann", why="übung | x", once=ONCE),
        OutageChange("3", override_released=OverrideTarget(scope="uc"), at=START.wall, who="bob"),
        OutageChange("4", override_released=OverrideTarget(scope="teams"), at=START.wall, expired=True, by="token"),
    ]


async def test_everything_comes_back_in_order_from_another_process(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool")
    await spool.waiting(START)
    for change in changes():
        await spool.append(change)
    assert await FileSpool(tmp_path / "spool").waiting(START) == changes()


async def test_a_line_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    await FileSpool(path).append(changes()[2])
    path.write_text(path.read_text().replace(',"expired":false', "").replace(',"once":null', ""))
    assert await FileSpool(path).waiting(START) == changes()[2:3]


async def test_what_is_stored_is_forgotten(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool")
    for change in changes():
        await spool.append(change)
    await spool.remove(["1", "3"])
    assert [c.key for c in await FileSpool(tmp_path / "spool").waiting(START)] == ["2", "4"]


async def test_the_room_is_taken_beforehand_and_never_given_back(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = FileSpool(path)
    await spool.waiting(START)
    sizes = {path.stat().st_size}
    for change in changes():
        await spool.append(change)
        sizes.add(path.stat().st_size)
    await spool.remove(["1", "2", "3"])
    assert sizes | {path.stat().st_size} == {RESERVED_BYTES}
    assert path.stat().st_mode & 0o077 == 0


async def test_a_torn_or_foreign_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = FileSpool(path)
    await spool.append(changes()[0])
    text = path.read_text().rstrip()
    path.write_text(f'{{"key": "x"}}\nnonsense\n{text}\n{text[:40]}')
    assert [c.key for c in await FileSpool(path).waiting(START)] == ["1"]

"""What can befall the egress, Asterisk, the daemon and what the daemon keeps its memory in."""

from __future__ import annotations

import sqlite3

from tests.lab.faults.measuring import Act, Fault, Kind
from tests.lab.faults.stage import Stage
from tests.lab.small_disk import SmallDisk
from tests.lab.waiting import wait_until


def egress_faults() -> list[Fault]:
    """The scope is forced to DR, so that every call goes out; trunk B is there."""
    return [
        Fault("egress A killed", "its port refuses", Kind.EGRESS, _kill_a, in_dr, verdict_seconds=2),
        Fault("egress A frozen", "it says nothing", Kind.EGRESS, _freeze_a, in_dr, verdict_seconds=3),
        Fault("egress A 503", "it answers every call with 503", Kind.EGRESS, _refuse_a, in_dr),
    ]


def node_faults() -> list[Fault]:
    """In the order of the table. After most of them the platform is killed: that is when they would hurt."""
    return [
        Fault("asterisk reloaded", "`core reload` in mid traffic", Kind.TRANSPARENT, _reload),
        Fault("daemon killed", "SIGKILL, then the platform is killed", Kind.NO_DAEMON, _kill_daemon),
        Fault("daemon stopped", "SIGSTOP, then the platform is killed", Kind.NO_DAEMON, _stop_daemon),
        Fault(
            "database locked",
            "another process holds it EXCLUSIVE, then the platform is killed",
            Kind.SILENT,
            _lock_then_kill(),
            verdict_seconds=2,
            alone=True,
        ),
        Fault(
            "database removed",
            "its files are deleted, then the platform is killed",
            Kind.SILENT,
            _remove_then_kill,
            verdict_seconds=2,
            alone=True,
        ),
        Fault(
            "disk full",
            "not a byte fits into state_dir, a real small file system; then the platform is killed",
            Kind.SILENT,
            _fill_then_kill,
            verdict_seconds=2,
            alone=True,
            small_disk=True,
        ),
        Fault(
            "AstDB emptied", "the whole family is deleted; everything goes to the platform", Kind.TRANSPARENT, _empty
        ),
    ]


async def in_dr(stage: Stage) -> None:
    await stage.order("dr")

    async def diverted() -> bool:
        return await stage.published() == "divert"

    await wait_until(diverted, what="DR to be published", deadline_seconds=5)


async def _kill_a(stage: Stage) -> None:
    await stage.lab.mobile_network.kill()


async def _freeze_a(stage: Stage) -> None:
    await stage.lab.mobile_network.freeze()


async def _refuse_a(stage: Stage) -> None:
    await stage.lab.mobile_network.answer(503)


async def _reload(stage: Stage) -> None:
    await stage.lab.asterisk.reload()


async def _kill_daemon(stage: Stage) -> None:
    await stage.node.process.kill()
    await stage.lab.platform.kill()


async def _stop_daemon(stage: Stage) -> None:
    await stage.node.process.freeze()
    await stage.lab.platform.kill()


def _lock_then_kill() -> Act:
    async def act(stage: Stage) -> None:
        # Of this process, which is not the daemon: SQLite's locks hold between any two.
        connection = sqlite3.connect(stage.node.state_dir / "ringfence.db", isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        await stage.lab.platform.kill()
        try:
            await stage.lab.carrier.wait_finished()
        finally:
            connection.close()

    return act


async def _remove_then_kill(stage: Stage) -> None:
    for path in stage.node.state_dir.glob("ringfence.db*"):
        path.unlink()
    await stage.lab.platform.kill()


async def _fill_then_kill(stage: Stage) -> None:
    assert isinstance(stage.disk, SmallDisk)
    stage.disk.fill()
    await stage.lab.platform.kill()


async def _empty(stage: Stage) -> None:
    await stage.lab.asterisk.db_delete_tree("ringfence")

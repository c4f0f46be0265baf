"""What an admin does to a machine in service: restart, upgrade, restore. Calls come in all the while."""

from __future__ import annotations

from ringfence.config.snippets import shipped_snippets
from ringfence.store.database import Database
from ringfence.store.migrating import revisions, step_back
from tests.lab.command import ringfence
from tests.lab.faults.measuring import Act, Fault, Kind, Load
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.stage import Stage
from tests.lab.waiting import LabError

LOAD = Load(count=250, per_second=10.0)


def upgrade_faults() -> list[Fault]:
    """Once with the platform healthy, and once in DR, where a call that found no row would be seen at the platform."""
    return [
        Fault("restart", "the daemon is stopped and started", Kind.TRANSPARENT, _restart, load=LOAD),
        Fault("restart in DR", "the same, the scope in DR", Kind.EGRESS, _restart, in_dr, load=LOAD),
        _alone("upgrade", f"{_UPGRADE}, the platform healthy", Kind.TRANSPARENT, _upgrade, _before),
        _alone("upgrade in DR", f"{_UPGRADE}, the scope in DR", Kind.EGRESS, _upgrade, _before_in_dr),
        _alone("restore", f"{_RESTORE}, the platform healthy", Kind.TRANSPARENT, _restore, _backed_up),
        _alone("restore in DR", f"{_RESTORE}, the scope in DR", Kind.EGRESS, _restore, _backed_up_in_dr),
    ]


_UPGRADE = (
    "the daemon is stopped, the dialplan's files are replaced and reloaded, the daemon starts on a database of the "
    "schema before: a copy is made, and it is brought up to date"
)
_RESTORE = "the daemon is stopped, a backup takes the place of its database, the daemon starts"


def _alone(name: str, what: str, kind: Kind, act: Act, prepare: Act) -> Fault:
    return Fault(name, what, kind, act, prepare, alone=True, load=LOAD)


async def _restart(stage: Stage) -> None:
    await stage.restart_daemon()


async def _before(stage: Stage) -> None:
    """The dialplan's files of before are other files; what is in them counts less than that they are read anew."""
    _lay(stage, "; as it was before\n")
    await stage.lab.asterisk.cli("dialplan reload")


async def _before_in_dr(stage: Stage) -> None:
    await _before(stage)
    await in_dr(stage)


async def _upgrade(stage: Stage) -> None:
    await stage.node.process.stop()
    await _make_old(stage)
    _lay(stage, "")
    await stage.lab.asterisk.cli("dialplan reload")
    await stage.node.start()
    copies = list(stage.node.state_dir.glob(f"ringfence.db.schema-{_schema_before()}-*"))
    if len(copies) != 1:
        raise LabError(f"{len(copies)} copies were made before the database was brought up to date, not one")


async def _backed_up(stage: Stage) -> None:
    key = stage.node.directory / "secret.key"
    public = (await ringfence(stage.node, "backup", "new-key", key))["recipient"]
    await ringfence(stage.node, "backup", stage.node.directory / "one.backup", "--recipient", public)


async def _backed_up_in_dr(stage: Stage) -> None:
    await in_dr(stage)
    await _backed_up(stage)


async def _restore(stage: Stage) -> None:
    node = stage.node
    await node.process.stop()
    key = node.directory / "secret.key"
    await ringfence(node, "restore", node.directory / "one.backup", "--identity", key, "--replace")
    await node.start()


def _lay(stage: Stage, more: str) -> None:
    for name, text in shipped_snippets().items():
        (stage.lab.asterisk.etc / "ringfence" / name).write_text(text + more)


def _schema_before() -> str:
    return revisions()[-2]


async def _make_old(stage: Stage) -> None:
    """The node's database as the version before would have left it, rows and all."""
    database = Database.at(stage.node.state_dir / "ringfence.db", as_it_is=True)
    try:
        await database.write(lambda connection: step_back(connection, _schema_before()))
    finally:
        await database.close()

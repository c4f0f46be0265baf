"""What can befall Asterisk itself: ended, killed, frozen, without its database, without modules."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.stage import Gap, Stage, now
from tests.lab.waiting import LabError, wait_until

LOAD = Load(count=280, per_second=20.0, patience_seconds=12)
"""200 are left when those are taken out whom Asterisk had when it died, and who came while there was none."""
LONG = Load(count=320, per_second=20.0, patience_seconds=12)
FROZEN_SECONDS = 6.0
RESTART_SECONDS = 30.0
ARI = ("res_ari_events", "res_ari_applications", "res_ari_endpoints")
LATER_SECONDS = 5.0
MISSED_SECONDS = 25.0


def asterisk_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    return [*_ended_faults(), *_emptied_faults()]


def _ended_faults() -> list[Fault]:
    return [
        Fault(
            "asterisk restarted in DR",
            "`core restart gracefully`, the scope in DR",
            Kind.DIVERTED,
            _restart_gracefully,
            in_dr,
            load=LOAD,
            adds_delay=True,
        ),
        Fault(
            "asterisk killed",
            "SIGKILL, and started again",
            Kind.TRANSPARENT,
            _kill,
            _note_rows,
            witness=_rows_intact,
            load=LOAD,
            adds_delay=True,
        ),
        Fault(
            "asterisk killed in DR, no daemon",
            "the daemon is dead, the scope in DR; SIGKILL, and started again",
            Kind.DIVERTED,
            _kill,
            _in_dr_without_daemon,
            witness=_rows_intact,
            load=LOAD,
            adds_delay=True,
        ),
        Fault(
            "asterisk stops and goes on",
            f"SIGSTOP for {FROZEN_SECONDS:g} s, the platform healthy; callers wait as long",
            Kind.TRANSPARENT,
            _stop_and_go_on,
            witness=_no_failover,
            load=LOAD,
            adds_delay=True,
        ),
    ]


def _emptied_faults() -> list[Fault]:
    """What it works with is gone: its database, its modules."""
    return [
        Fault(
            "AstDB lost in an outage",
            "the platform is dead and left; Asterisk is killed, its AstDB removed, and it is started again",
            Kind.DIVERTED,
            _lose_astdb_in_an_outage,
            _platform_dead,
            load=LONG,
            adds_delay=True,
        ),
        Fault(
            "AstDB lost, no daemon",
            "the same with the daemon dead and the platform healthy",
            Kind.TRANSPARENT,
            _lose_astdb,
            _without_daemon,
            load=LOAD,
            adds_delay=True,
        ),
        Fault(
            "ARI's modules missing",
            "Asterisk is killed and comes back without them: no event, no answer; the platform is killed "
            f"{LATER_SECONDS:g} s later",
            Kind.SILENT,
            _lose_ari,
            mend=_have_ari_again,
            witness=_ari_is_missed,
            verdict_seconds=2,
            load=LOAD,
        ),
        Fault(
            "func_db unloaded",
            "no call can look anything up; the daemon raises an alarm, `ringfence doctor` says so too, no mode changes",
            Kind.TRANSPARENT,
            _unload_func_db,
            mend=_load_func_db,
            witness=_func_db_is_missed,
        ),
    ]


async def _restart_gracefully(stage: Stage) -> None:
    """It takes no new call from now on, and restarts when the last one has ended."""
    began_at = now()
    await stage.lab.asterisk.cli("core restart gracefully")

    async def begun_anew() -> bool:
        try:
            said = await stage.lab.asterisk.cli("core show uptime seconds")
        except LabError:
            return False
        seconds = [word for word in said.replace("\n", " ").split() if word.isdecimal()]
        return bool(seconds) and int(seconds[0]) < now() - began_at - 1

    await wait_until(begun_anew, what="Asterisk to have restarted", deadline_seconds=RESTART_SECONDS)
    await stage.lab.asterisk.wait_booted()
    stage.gaps.append(Gap(began_at, now()))


async def _kill(stage: Stage) -> None:
    began_at = now()
    await stage.lab.asterisk.kill()
    await stage.lab.asterisk.start()
    stage.gaps.append(Gap(began_at, now()))


async def _note_rows(stage: Stage) -> None:
    stage.rows_before = await _rows(stage)


async def _rows_intact(stage: Stage) -> None:
    """Modes and routes, as they were before; the daemon's own heartbeats are others by now."""
    before, after = stage.rows_before, await _rows(stage)
    changed = sum(1 for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    stage.must("rows changed", changed, 0)
    stage.must("rows missing", max(0, stage.organisation.dids - len(after)), 0)


async def _rows(stage: Stage) -> dict[str, str]:
    asterisk = stage.lab.asterisk
    return {**await asterisk.db_show("ringfence/did"), **await asterisk.db_show("ringfence/mode")}


async def _without_daemon(stage: Stage) -> None:
    await stage.node.process.kill()


async def _in_dr_without_daemon(stage: Stage) -> None:
    await in_dr(stage)
    await asyncio.sleep(2)  # Asterisk writes AstDB to the disk once a second
    await stage.node.process.kill()
    await _note_rows(stage)


async def _stop_and_go_on(stage: Stage) -> None:
    await stage.lab.asterisk.freeze()
    try:
        await asyncio.sleep(FROZEN_SECONDS)
    finally:
        await stage.lab.asterisk.thaw()


async def _no_failover(stage: Stage) -> None:
    stage.must("failovers", int(stage.watch.first("divert", stage.began_at) is not None), 0)


async def _platform_dead(stage: Stage) -> None:
    await stage.lab.platform.kill()
    await stage.watch.wait("divert", stage.began_at, deadline_seconds=10)


async def _lose_astdb(stage: Stage) -> None:
    asterisk, began_at = stage.lab.asterisk, now()
    await asterisk.kill()
    for file in (asterisk.directory / "db").glob("astdb.sqlite3*"):
        file.unlink()
    await asterisk.start()
    stage.gaps.append(Gap(began_at, now()))


async def _lose_astdb_in_an_outage(stage: Stage) -> None:
    await _lose_astdb(stage)
    # Seen by the console: to `ModeWatch` the same value once more is no change.
    await wait_until(stage.published, what="the mode to be in AstDB again", deadline_seconds=20)
    stage.must("mode there again after", round((now() - stage.gaps[-1].ended_at) * 1000), 2000, "ms")


async def _lose_ari(stage: Stage) -> None:
    """At a start: unloaded in life they leave the connection that stands, and events go on."""
    modules = stage.lab.asterisk.etc / "modules.conf"
    modules.write_text(modules.read_text() + "".join(f"noload={name}.so\n" for name in ARI))
    await _kill(stage)
    await asyncio.sleep(LATER_SECONDS)
    await stage.strike()


async def _have_ari_again(stage: Stage) -> None:
    modules = stage.lab.asterisk.etc / "modules.conf"
    modules.write_text("".join(f"{line}\n" for line in modules.read_text().splitlines() if "noload" not in line))
    await stage.lab.asterisk.kill()
    await stage.lab.asterisk.start()


async def _ari_is_missed(stage: Stage) -> None:
    link = (await stage.node.must("GET", "/v1/status"))["asterisk"]
    stage.notes.append(f"the status says: {link['detail']}")
    stage.must("not said", int(link["up"]), 0)


async def _unload_func_db(stage: Stage) -> None:
    await stage.lab.asterisk.cli("module unload func_db.so")
    said = await _doctor(stage)
    stage.must("not said", int("func_db.so" not in said), 0)


async def _doctor(stage: Stage) -> str:
    """It ends with a status of its own where it finds something."""
    program = Path(sys.executable).parent / "ringfence"
    command = [str(program), "--config", str(stage.node.config_path), "doctor", "--json"]
    return (await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)).stdout


async def _load_func_db(stage: Stage) -> None:
    await stage.lab.asterisk.cli("module load func_db.so")
    await wait_until(lambda: _has_alarm(stage, there=False), what="the alarm to end", deadline_seconds=MISSED_SECONDS)


async def _func_db_is_missed(stage: Stage) -> None:
    await wait_until(lambda: _has_alarm(stage), what="the alarm", deadline_seconds=MISSED_SECONDS)
    stage.must("mode", int(await stage.node.mode() != "NORMAL"), 0)


async def _has_alarm(stage: Stage, *, there: bool = True) -> bool:
    alarms = (await stage.node.must("GET", "/v1/status"))["alarms"]
    return there == any("func_db.so" in words for words in alarms)

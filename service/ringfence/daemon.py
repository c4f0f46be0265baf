"""The daemon: reads the configuration, takes the lock, opens the doors, runs the node until it is told to stop.

Exit status: 0 stopped by a signal, 1 an expected fault (said in one sentence with its fix), 2 configuration.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from ringfence import config
from ringfence.app.ports import RingfenceError
from ringfence.app.simulating import Simulator
from ringfence.app.supervisor import supervise
from ringfence.asterisk.site_rules import rules_of
from ringfence.bootstrap import open_node, values
from ringfence.bootstrap.access_side import AccessSide
from ringfence.bootstrap.backup_side import BackupSide
from ringfence.bootstrap.clock import SystemClock
from ringfence.bootstrap.hr_side import SCIM_PATH
from ringfence.bootstrap.identity import StateDir
from ringfence.bootstrap.log_form import log_as_json
from ringfence.bootstrap.log_writer import say_at_the_end
from ringfence.bootstrap.node import Node
from ringfence.bootstrap.service_manager import NotifySocket, ServiceManager
from ringfence.bootstrap.sign_in_side import SignInSide
from ringfence.config.snippets import site_dialplan
from ringfence.web.app import at_door, operations
from ringfence.web.ports import RosterDoor, Services
from ringfence.web.security import BearerToken, LocalSocket, SignIns
from ringfence.web.server import Door, Listener, listen_tcp, listen_unix
from ringfence.web.sign_in_door import SignInDoor

log = logging.getLogger(__name__)

# An import is read and compiled in a thread. Each time the event loop sends something it lets go of the interpreter and
# waits this long to get it back: with Python's 5 ms a window of fifty sends held up a mode for a quarter of a second.
SWITCH_SECONDS = 0.0001

# Of glibc's `mallopt`. Each block from 256 KiB on comes from the system and goes back to it: a table of 100,000 entries
# is such a block, and glibc would go over to keeping those of each thread once it has seen the first one go.
M_MMAP_THRESHOLD = -3
GREAT_BLOCK_BYTES = 256 << 10
# One heap for all threads: only one of them runs Python at a time, and what one let go another could not use.
M_ARENA_MAX = -8


def run(config_path: Path) -> int:
    """Runs until SIGTERM or SIGINT; returns the exit status."""
    try:
        settings = config.load(config_path)
        secrets = config.load_secrets(config_path)
        more = {
            "notify": config.load_notify_secrets(config_path, settings),
            "database_password": SecretStr(config.load_database_password(config_path, settings.database)),
        }
        secrets = secrets.model_copy(update=more)
    except config.ConfigError as error:
        for line in error.faults:
            print(line, file=sys.stderr)  # noqa: T201  nobody reads a log yet
        return 2
    log_as_json()
    faulthandler.enable()  # a watchdog's SIGABRT leaves in the log where each thread was
    sys.setswitchinterval(SWITCH_SECONDS)
    with suppress(AttributeError):  # another C library has no such setting, and needs none
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, GREAT_BLOCK_BYTES)
        libc.mallopt(M_ARENA_MAX, 1)
    keep_to_itself()
    faults: list[RingfenceError] = []
    try:
        with StateDir(settings.state_dir) as state_dir:
            asyncio.run(_serve(config_path, settings, secrets, state_dir.node_id()))
    except* RingfenceError as group:
        faults.extend(_leaves(group))
    for fault in faults:
        log.critical("cannot run", extra={"reason": str(fault)})
        say_at_the_end(f"ringfence: {fault}")
    return 1 if faults else 0


def keep_to_itself() -> None:
    """The database and the spool hold private numbers, and so would a dump of the memory."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _serve(config_path: Path, settings: config.Settings, secrets: config.Secrets, node_id: str) -> None:
    doors = _listen(settings)
    node, database = await open_node(settings, secrets, node_id, SystemClock())
    access = AccessSide(settings, config_path, database, node.clock, lambda notice: node.notices.notifier.tell(notice))
    entry = SignInSide(
        settings,
        config_path,
        access.desk,
        node.clock,
        lambda: node.keeper.directory,
        node.board.warn_of_http,
        node.hr.desk.left_among,
    )
    backups = BackupSide(settings, config_path, node.clock, lambda: node.board.show_backup(backups.view()))
    node.board.show_backup(backups.view())
    node.notices.more_alarms.append(backups.alarms)
    served = _applications(settings, secrets, node, access, entry, doors)
    manager = ServiceManager(NotifySocket.of(os.environ), node.holder, node.clock, lambda: node.failover.turned_at)
    main = asyncio.current_task()
    assert main is not None
    loop = asyncio.get_running_loop()
    stopped: list[str] = []

    def stop(name: str) -> None:
        stopped.append(name)
        manager.stopping()
        main.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    loop.add_signal_handler(signal.SIGHUP, manager.reloading, entry.reload)

    async def open_doors() -> None:
        async with asyncio.TaskGroup() as group:
            for name, work in (*access.parts(), *entry.parts(), *backups.parts(), *manager.parts()):
                group.create_task(supervise(name, work, node.clock), name=name)
            for door in served:
                group.create_task(door.run(), name=f"door {door.place}")
            log.info("started", extra={"node": settings.node, "doors": [door.place for door in served]})

    try:
        await node.run(open_doors)
    except asyncio.CancelledError:
        if not stopped:
            raise
        log.info("stopped", extra={"signal": stopped[0]})
    finally:
        await database.close()


def _listen(settings: config.Settings) -> list[Listener]:
    """Binds everything before anything starts: a busy port must not stop a daemon that already routes."""
    listeners = [listen_unix(settings.socket)]
    if settings.http.enabled:
        try:
            tls = settings.http.certificate is not None
            listeners.append(listen_tcp(settings.http.host, settings.http.port, tls=tls))
        except RingfenceError:
            listeners[0].close()
            raise
    return listeners


def _applications(
    settings: config.Settings,
    secrets: config.Secrets,
    node: Node,
    access: AccessSide,
    entry: SignInSide,
    listeners: list[Listener],
) -> list[Door]:
    services = services_of(settings, node, access, entry.door)
    mounts = {} if node.hr.scim is None else {SCIM_PATH: node.hr.scim}
    app = operations(services, settings.default_country, mounts=mounts)
    doors = [Door(at_door(app, LocalSocket()), listeners[0])]
    for listener in listeners[1:]:
        names = [settings.node, settings.http.host, settings.http.public_host]
        auth = SignIns(BearerToken(secrets.http_token.get_secret_value(), filter(None, names)), access.desk)
        protection = access.protection(secrets)
        doors.append(
            Door(
                at_door(app, auth, protection),
                listener,
                None if entry.certificate is None else entry.certificate.context,
            )
        )
    return doors


def services_of(
    settings: config.Settings, node: Node, access: AccessSide, sign_in: SignInDoor | None = None
) -> Services:
    """The use cases behind all doors."""
    roster = RosterDoor(
        node.hr.desk,
        node.hr.sync,
        node.hr.coverage,
        values.csv_rules(settings),
        lambda: node.keeper.directory,
        settings.hr.time_zone,
    )
    return Services(
        node.operator,
        node.importer,
        roster,
        node.words.door(),
        sign_in=sign_in,
        access=access.desk,
        audit=node.audit.door(),
        incidents=node.incidents.door(),
        notices=node.notices.desk,
        outgoing=node.dialplan.outgoing,
        shadow=node.shadow.desk,
        simulator=Simulator(
            node.keeper,
            node.asterisk.table_astdb,
            node.modes.wanted,
            cache(lambda: rules_of(site_dialplan(settings))),
            node.clock,
        ),
    )


def _leaves(group: BaseExceptionGroup[RingfenceError]) -> Iterator[RingfenceError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error

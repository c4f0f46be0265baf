"""What can be seen on this machine without asking Asterisk: files, their modes, the database, names."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

from ringfence.cli import snippet_files
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.config import ConfigError, Settings, load, load_secrets
from ringfence.config.advice import warnings
from ringfence.config.database_settings import SQLITE, on_server
from ringfence.config.reading import SEALED_ACCOUNTS, SECRETS, secret_places
from ringfence.config.snippets import (
    ARI,
    HTTP,
    INCLUDES,
    MANAGER,
    WITH_SECRET,
    generated_snippets,
    shipped_snippets,
)

DATABASE_FILE: Final = "ringfence.db"
DATABASE_PATIENCE_SECONDS: Final = 2.0
NAME_DEADLINE_SECONDS: Final = 2.0
_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP
_INCLUDE: Final = re.compile(r'^\s*#(?:try)?include\s+["<]?(?:\S*/)?(\S+?)[">]?\s*(?:;.*)?$', re.MULTILINE)


async def configuration(ground: Ground) -> list[Finding]:
    """Read, and without a fault."""
    try:
        ground.settings_read = load(ground.config_path)
    except ConfigError as error:
        return [fail(fault, "Correct it, then run `ringfence check-config`.") for fault in error.faults]
    if advice := warnings(ground.settings):
        fix = f"Correct it in {ground.config_path}, then `ringfence check-config`."
        return [warn(f"{words[0].upper()}{words[1:]}", fix) for words in advice]
    return [ok(f"{ground.config_path} can be used.")]


async def secrets(ground: Ground) -> list[Finding]:
    """There, and nobody else's to read."""
    try:
        ground.secrets_read = load_secrets(ground.config_path)
    except ConfigError as error:
        return [fail(fault, "`ringfence init` makes all of them.") for fault in error.faults]
    findings = [finding for path in _secret_files(ground) if (finding := open_to_others(path)) is not None]
    return findings or [ok("All secrets are there, and nobody else may read them.")]


async def asterisk_secrets(ground: Ground) -> list[Finding]:
    """The same for Asterisk's files that hold them."""
    directory = ground.settings.asterisk_conf_dir
    paths = [directory / name for name in sorted(WITH_SECRET) if (directory / name).exists()]
    findings = [finding for path in paths if (finding := open_to_others(path)) is not None]
    return findings or [ok("Nobody else may read Asterisk's files with secrets.")]


async def database(ground: Ground) -> list[Finding]:
    """Opens and is whole. It is neither made nor migrated here."""
    if on_server(ground.settings.database):
        from ringfence.cli.doctor.server_checks import database_on_server  # its driver is for few

        return await database_on_server(ground)
    path = _database_file(ground.settings)
    if not path.exists():
        return [warn(f"{path} is not there yet.", "`ringfence import` or `ringfence run` makes it.")]
    try:
        found = await asyncio.to_thread(_quick_check, path)
    except sqlite3.Error as error:
        return [
            fail(f"{path} cannot be opened: {error}.", "Calls go on by the last table. Restore a backup, or free it.")
        ]
    if found != "ok":
        return [fail(f"{path} is damaged: {found}.", "Calls go on by the last table. Restore the last backup.")]
    if wrong := _not_the_services(path):
        return [wrong]
    if path.stat().st_mode & stat.S_IRWXO and path.parent.stat().st_mode & stat.S_IXOTH:
        words = f"{path} holds private numbers, and everybody on this machine can open it."
        return [fail(words, f"chmod o= {path.parent} {path}")]
    return [ok(f"{path} opens and is whole.")]


async def own_host_name(ground: Ground) -> list[Finding]:
    """Asterisk looks its own name up; where that hangs, every call waits 5 s."""
    name = ground.host_name or socket.gethostname()
    try:
        async with asyncio.timeout(NAME_DEADLINE_SECONDS):
            await resolve(name)
    except (OSError, TimeoutError) as error:
        slow = isinstance(error, TimeoutError)
        words = f"takes longer than {NAME_DEADLINE_SECONDS:g} s to resolve" if slow else "does not resolve"
        return [fail(f"This machine's own name, {name}, {words}: it can hold every call for 5 s.", _hosts_fix(name))]
    return [ok(f"This machine's own name, {name}, resolves.")]


async def includes(ground: Ground) -> list[Finding]:
    """Whether some file of Asterisk's includes each of ours. Whether it was loaded, Asterisk is asked elsewhere."""
    try:
        texts = [path.read_text(errors="replace") for path in sorted(ground.asterisk_etc.glob("*.conf"))]
    except OSError as error:
        return [unknown(f"{error.filename} cannot be read.", "Run as root, or look for the #include lines by hand.")]
    if not texts:
        return [unknown(f"There is no file of Asterisk's in {ground.asterisk_etc}.", "Is asterisk_conf_dir right?")]
    included = {match[1] for text in texts for match in _INCLUDE.finditer(text)}
    # A site with users, or an HTTP server, of its own includes less; whether that works, logging in tells.
    optional = {HTTP, MANAGER, ARI}
    return [
        fail(
            f"No file in {ground.asterisk_etc} includes {entry.snippet}.",
            f"Add `{entry.line}` to {ground.asterisk_etc / entry.asterisk_file}, then `asterisk -rx '{entry.reload}'`.",
        )
        for entry in INCLUDES
        if entry.snippet not in included | optional
    ] or [ok("The dialplan and the endpoints are included.")]


async def snippets_current(ground: Ground) -> list[Finding]:
    """What lies on the disk is what this configuration, and this version, make."""
    try:
        texts = generated_snippets(ground.settings, ground.secrets) | shipped_snippets()
        changed = snippet_files.changes(ground.settings.asterisk_conf_dir, texts)
    except ConfigError as error:
        return [fail(fault, "Correct it, then run `ringfence snippets`.") for fault in error.faults]
    except OSError as error:
        return [unknown(f"{error.filename} cannot be read ({error.strerror}).", "Run as root.")]
    if changed:
        names = ", ".join(change.path.name for change in changed)
        return [
            fail(f"Not as this configuration and version make them: {names}.", "Run `ringfence snippets --shipped`.")
        ]
    return [ok("Asterisk's snippets are what this configuration and version make.")]


def _secret_files(ground: Ground) -> list[Path]:
    """Those that are there. Without a configuration nobody knows of those that it names."""
    if ground.settings_read is None:
        places = [ground.config_path.parent / name for name in (*SECRETS, SEALED_ACCOUNTS)]
    else:
        places = [*secret_places(ground.config_path, ground.settings_read).values()]
    return [path for path in places if os.path.lexists(path)]


def _database_file(settings: Settings) -> Path:
    return Path(settings.database.removeprefix(SQLITE) or settings.state_dir / DATABASE_FILE)


def _not_the_services(path: Path) -> Finding | None:
    """A command run as root must not leave a database that the service's account cannot write."""
    file, folder = path.stat(), path.parent.stat()
    if file.st_uid != folder.st_uid:
        words = f"{path} does not belong to the account that {path.parent} belongs to: the daemon cannot write it."
        return fail(words, f"chown --reference={path.parent} {path}*")
    if not file.st_mode & stat.S_IWUSR:
        return fail(f"{path} may not be written, not even by its owner.", f"chmod u+w {path}")
    return None


def open_to_others(path: Path) -> Finding | None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return unknown(f"{path} cannot be looked at ({error.strerror}).")
    if mode & _OTHERS:
        return fail(
            f"{path} is open to others ({stat.filemode(mode)}).", f"chmod o=,g-w {path}, then change the secret."
        )
    return None


def _quick_check(path: Path) -> str:
    with closing(
        sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=DATABASE_PATIENCE_SECONDS)
    ) as connection:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])


async def resolve(name: str) -> None:
    """Looks it up. In a thread that nobody waits for at the end: a look-up cannot be cancelled. Raises OSError."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[OSError | None] = loop.create_future()

    def tell(fault: OSError | None) -> None:
        if not answered.done():
            answered.set_result(fault)

    def look_up() -> None:
        try:
            socket.getaddrinfo(name, None)
        except OSError as error:
            fault: OSError | None = error
        else:
            fault = None
        try:
            loop.call_soon_threadsafe(tell, fault)
        except RuntimeError:
            pass  # the loop is gone: the answer came too late for anybody

    threading.Thread(target=look_up, name="own-host-name", daemon=True).start()
    if (fault := await answered) is not None:
        raise fault


def _hosts_fix(name: str) -> str:
    return f"Add `127.0.1.1 {name}` to /etc/hosts, in Asterisk's own root too where it has one."

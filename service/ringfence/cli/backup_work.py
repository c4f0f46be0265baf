"""What the backup commands do; loaded only by them, for it takes a while."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ringfence.app.backup.faults import BackupFault
from ringfence.app.ports import RingfenceError
from ringfence.backup.files import found_in
from ringfence.backup.seal import Keys, Locks, made_with_passphrase, why_not_recipient
from ringfence.backup.seal import new_key as made_key
from ringfence.bootstrap.backup_making import CONFIG_MEMBER, Order
from ringfence.bootstrap.backup_making import make as make_backup
from ringfence.bootstrap.backup_reading import Checked, check
from ringfence.bootstrap.identity import StateDir
from ringfence.bootstrap.restored_files import owned_like
from ringfence.bootstrap.restoring import Wish
from ringfence.bootstrap.restoring import restore as put_back
from ringfence.cli.client import Refused
from ringfence.cli.progress import shown
from ringfence.config import ConfigError, Settings, load
from ringfence.config.reading import SECRETS, read, secret_places

_SECRET: Final = "AGE-SECRET-KEY-"  # noqa: S105  how a secret key begins
MAX_KEY_FILE_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A restore as it was asked for on the command line."""

    config: Path
    file: Path
    identity: Path | None
    passphrase: str = field(repr=False)
    replace: bool
    keep_keys: bool


@dataclass(slots=True)
class _Progress:
    what: str
    done: int = 0
    in_all: int = 0

    def told(self, done: int, in_all: int) -> None:
        self.done, self.in_all = done, in_all

    async def look(self) -> tuple[str, int, int | None]:
        return self.what, self.done, self.in_all or None


def make(
    config: Path, place: Path | None, recipients: list[str], passphrase: str, *, with_secrets: bool, who: str
) -> dict[str, Any]:
    with _refusing():
        settings = _settings(config)
        os.umask(0o077)
        locks = _locks(settings, recipients, passphrase)
        order, progress = Order(settings, config, locks, with_secrets, who), _Progress("backing up")

        async def work() -> dict[str, Any]:
            made = await make_backup(order, place, progress.told)
            return {
                "file": str(made.path),
                "made_at": made.at.isoformat(timespec="seconds"),
                "size_bytes": made.size,
                "rows": made.manifest.rows,
                "with_secrets": with_secrets,
            }

        return asyncio.run(shown(progress.what, work(), progress.look))


def verify(path: Path, identity: Path | None, passphrase: str) -> dict[str, Any]:
    with _refusing():
        checked = _checked(path, _keys(identity, passphrase))
        return {
            "file": str(path),
            "version": checked.about.version,
            "schema": checked.about.schema,
            "node": checked.about.node,
            "made_at": checked.about.at,
            "with_secrets": checked.about.with_secrets,
            "rows": checked.manifest.rows,
            "tables": {name: one.count for name, one in sorted(checked.manifest.tables.items())},
            "files": sorted(checked.manifest.files),
        }


def listed(config: Path, directory: Path | None) -> dict[str, Any]:
    with _refusing():
        if directory is None:
            settings = _settings(config)
            directory = settings.backup.place(settings.state_dir)
        try:
            found = found_in(directory)
        except OSError as error:
            raise BackupFault(f"{directory}: {error.strerror}.", "Run it as root.") from None
        rows = [
            {"file": str(one.path), "node": one.node, "made_at": one.at.isoformat(), "size_bytes": one.size}
            for one in found
        ]
        return {"directory": str(directory), "backups": rows}


def new_key(path: Path) -> dict[str, Any]:
    with _refusing():
        secret, public = made_key()
        head = f"# made {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} by ringfence backup new-key\n# public key: {public}\n"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(f"{head}{secret}\n")
        except OSError as error:
            raise BackupFault(f"{path}: {error.strerror}. No key was made.", "Choose another file.") from None
        return {"file": str(path), "recipient": public}


def needs_passphrase(path: Path) -> bool:
    with _refusing():
        return made_with_passphrase(path)


def restore(asked: Asked, who: str) -> dict[str, Any]:
    with _refusing():
        os.umask(0o077)
        keys = _keys(asked.identity, asked.passphrase)
        checked = _checked(asked.file, keys)
        settings = _settings_for(asked.config, checked)
        wish = Wish(asked.file, keys, asked.config, who, asked.replace, asked.keep_keys)
        progress = _Progress("restoring")

        async def work() -> dict[str, Any]:
            done = await put_back(settings, wish, checked, progress.told)
            return {
                "rows": checked.manifest.rows,
                "made_at": checked.about.at,
                "schema_before": checked.about.schema,
                "schema": done.schema,
                "aside": [str(path) for path in done.aside],
                "written": [str(path) for path in done.files.made],
                "left": [str(path) for path in done.files.left],
                "words_in_force": list(done.settled.words),
                "closed_api_keys": list(done.settled.closed_keys),
                "missing_secrets": _missing(asked.config, settings),
            }

        with StateDir(settings.state_dir) as state:
            owned_like(state.path / "lock", state.path)
            return asyncio.run(shown(progress.what, work(), progress.look))


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise Refused(0, error.faults[0], fix="See `ringfence check-config`.", problems=error.faults[1:]) from None
    except RingfenceError as error:
        raise Refused(0, error.message, fix=error.fix) from None


def _settings(config: Path) -> Settings:
    return load(config)


def _settings_for(config: Path, checked: Checked) -> Settings:
    """Those of this machine; where there are none, those that the backup brings."""
    if config.exists():
        return load(config)
    content = checked.files.get(CONFIG_MEMBER)
    if content is None:
        raise BackupFault(
            f"There is no configuration {config}, and none in this file.", "Write one with `ringfence init` first."
        )
    return read(content, "the backup's configuration")


def _locks(settings: Settings, recipients: list[str], passphrase: str) -> Locks:
    for one in recipients:
        if (fault := why_not_recipient(one)) is not None:
            raise BackupFault(f"--recipient {fault}.")
    if passphrase and recipients:
        raise BackupFault("A backup opens with keys or with a passphrase.", "Give --recipient or a passphrase.")
    if passphrase:
        return Locks(passphrase=passphrase)
    found = tuple(recipients or settings.backup.recipients)
    if not found:
        raise BackupFault(
            "Nobody could open this backup.",
            "Give --recipient or --passphrase, or name [backup] recipients; `ringfence backup new-key` makes a pair.",
        )
    return Locks(found)


def _keys(identity: Path | None, passphrase: str) -> Keys:
    if identity is None:
        return Keys(passphrase=passphrase)
    try:
        with identity.open("rb") as stream:
            lines = stream.read(MAX_KEY_FILE_BYTES).decode().split()
    except (OSError, UnicodeDecodeError):
        raise BackupFault(f"--identity: {identity} cannot be read.", "Name the file with the secret key.") from None
    found = tuple(word for word in lines if word.startswith(_SECRET))
    if not found:
        raise BackupFault(f"--identity: there is no secret key in {identity}.", "Name the file with the secret key.")
    return Keys(found)


def _checked(path: Path, keys: Keys) -> Checked:
    """In a thread, so that the bar goes on."""
    progress, held = _Progress("checking"), list[Checked]()

    async def work() -> dict[str, Any]:
        held.append(await asyncio.to_thread(check, path, keys, progress.told))
        return {}

    asyncio.run(shown(progress.what, work(), progress.look))
    return held[0]


def _missing(config: Path, settings: Settings) -> list[str]:
    """Secrets that the daemon cannot start without, and that are nowhere."""
    places = secret_places(config, settings)
    return [name for name in SECRETS if not places[name].exists() and not os.environ.get(f"RINGFENCE_{name.upper()}")]

"""Whether there is a way back: a backup that is young enough and can be written, and rows that the dialplan reads."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfence.asterisk.edition import CONTEXT
from ringfence.backup.files import found_in
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground, variable
from ringfence.domain.record_text import SCHEMA_VERSION


async def backup(ground: Ground) -> list[Finding]:
    """The newest, and where the next will go."""
    settings = ground.settings
    if not settings.backup.recipients:
        return [
            warn(
                "Nothing is backed up by itself: [backup] has no recipients.",
                "`ringfence backup new-key FILE` makes a key pair; docs/howto/back-up-and-restore.md says the rest.",
            )
        ]
    directory = settings.backup.place(settings.state_dir)
    try:
        found = found_in(directory, settings.node)
    except OSError as error:
        return [
            unknown(f"{directory} cannot be read: {error.strerror}.", "Run as root or as the service's own account.")
        ]
    if (fault := _where(directory, settings.state_dir)) is not None:
        return [fault]
    if not found:
        return [
            warn(f"There is no backup in {directory} yet.", "`ringfence backup` makes one now, or says why it cannot.")
        ]
    age = datetime.now(UTC) - found[0].at
    hours = settings.backup.max_age_hours
    if age > timedelta(hours=hours):
        words = f"The newest backup is {age.total_seconds() / 3600:.0f} hours old, and {hours} are allowed."
        return [fail(words, "`ringfence backup` makes one now, or says why it cannot; the daemon's log says it, too.")]
    return [ok(f"{len(found)} backups in {directory}, the newest of {found[0].at:%Y-%m-%d %H:%M} UTC.")]


async def dialplan_reads(ground: Ground) -> list[Finding]:
    """Whether the dialplan in Asterisk reads the rows that this version writes."""
    if await variable(ground.ami, f"DIALPLAN_EXISTS({CONTEXT},reads{SCHEMA_VERSION},1)") == "1":
        return [ok(f"The dialplan reads rows of schema {SCHEMA_VERSION}, which this version writes.")]
    fix = "`ringfence snippets --shipped`, then `asterisk -rx 'dialplan reload'`; the daemon publishes by itself then."
    if await variable(ground.ami, f"DIALPLAN_EXISTS({CONTEXT})") == "1":
        words = f"The dialplan in Asterisk does not read rows of schema {SCHEMA_VERSION}: nothing new is published."
        return [fail(words, fix)]
    return [warn("The dialplan in Asterisk does not say which rows it reads: it is older than this version.", fix)]


def _where(directory: Path, state_dir: Path) -> Finding | None:
    """What is wrong with the place; None when nothing is."""
    if not directory.is_dir():
        return None if directory.parent.is_dir() else fail(f"{directory} is not there.", "Make it, or mount its disk.")
    if not os.access(directory, os.W_OK):
        return unknown(f"{directory} may not be written by this account.", "Run as the service's own account.")
    if state_dir.is_dir() and directory.stat().st_dev == state_dir.stat().st_dev:
        return warn(
            f"Backups lie on the disk whose loss they are made for: {directory}.",
            "Let [backup] directory be another machine's, or copy them away every day.",
        )
    return None

"""The bundle itself: what was gathered, looked at once more, packed into one file that only its maker can read."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ringfence.cli.client import Refused
from ringfence.cli.support.gathering import Sources, gathered
from ringfence.cli.support.part import Part
from ringfence.config import ConfigError, load
from ringfence.config.reading import (
    ENVIRONMENT_PREFIX,
    load_database_password,
    secret_places,
)
from ringfence.domain.redaction import Redaction

LIST: Final = "CONTENTS.txt"
FOLDER: Final = "ringfence-support"
KEY_BYTES: Final = 32


def default_file(now: datetime) -> Path:
    """In the working directory."""
    return Path(f"ringfence-support-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz")


def make(sources: Sources, file: Path, *, rehearse: bool) -> dict[str, Any]:
    """Gathers and, unless it is a rehearsal, writes. Raises Refused; then there is no file."""
    if not rehearse and os.path.lexists(file):
        raise Refused(0, f"{file} is there already.", "file", "Name another file: nothing is overwritten.")
    redaction = Redaction(secrets.token_bytes(KEY_BYTES), known_secrets(sources.config))
    parts = [looked_at(part, redaction) for part in asyncio.run(_all(sources, redaction))]
    size = 0
    if not rehearse:
        size = _write(file, parts)
    return {
        "file": None if rehearse else str(file),
        "size_bytes": size,
        "parts": [
            {"name": part.name, "about": part.about, "characters": len(part.text), "missing": part.missing}
            for part in parts
        ],
        "held_back": sum(part.missing.startswith(HELD_BACK) for part in parts),
    }


HELD_BACK: Final = "held back"


def looked_at(part: Part, redaction: Redaction) -> Part:
    """The second lock: whatever the first has let through is held back with the whole part."""
    if not (found := redaction.faults_in(part.text)):
        return part
    return replace(part, text="", missing=f"{HELD_BACK}: {' and '.join(found)} was found in it. Please report this.")


def known_secrets(config: Path) -> list[str]:
    """The values of all secrets that can be read here, so that they can be looked for."""
    found = [value for name, value in os.environ.items() if name.startswith(ENVIRONMENT_PREFIX) and _is_secret(name)]
    try:
        settings = load(config)
        paths = list(secret_places(config, settings).values())
        with suppress(ConfigError):
            found.append(load_database_password(config, settings.database))
    except ConfigError:
        paths = [*sorted(config.parent.glob("*_secret")), config.parent / "http_token"]
    for path in paths:
        with suppress(OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
            found += [text.strip(), *(line.strip() for line in text.splitlines())]
    return found


def _is_secret(variable: str) -> bool:
    return not variable.endswith(("_FILE", "_CONFIG", "_SOCKET"))


async def _all(sources: Sources, redaction: Redaction) -> list[Part]:
    return [part async for part in gathered(sources, redaction)]


def _contents(parts: Sequence[Part]) -> str:
    lines = ["What is in this bundle. Telephone numbers, mail addresses and secrets were taken out of all of it.", ""]
    for part in parts:
        lines.append(f"{part.name}: {part.about}")
        if part.missing:
            lines.append(f"    not there: {part.missing}")
    return "\n".join(lines) + "\n"


def _write(file: Path, parts: Sequence[Part]) -> int:
    """Exclusive, for the owner alone, and gone again when it could not be finished."""
    there = [Part(LIST, "", _contents(parts)), *(part for part in parts if not part.missing)]
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Refused(0, f"{file} cannot be made: {error.strerror}.", "file") from None
    try:
        with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
            for part in there:
                content = part.text.encode()
                entry = tarfile.TarInfo(f"{FOLDER}/{part.name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(datetime.now(UTC).timestamp())
                archive.addfile(entry, io.BytesIO(content))
    except OSError as error:
        file.unlink(missing_ok=True)
        raise Refused(0, f"{file} cannot be written: {error.strerror}.", "file", "Is there room?") from None
    return file.stat().st_size

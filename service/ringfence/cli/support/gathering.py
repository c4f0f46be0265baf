"""Asks everything a bundle is made of. Each part stands alone: with the daemon, Asterisk or the database gone, that one
says so and the others are there."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from ringfence.app.ports import RingfenceError
from ringfence.bootstrap import database_moving
from ringfence.bootstrap.clock import SystemClock
from ringfence.bootstrap.storing import database_of
from ringfence.cli.client import Daemon, NoDaemon, Refused
from ringfence.cli.doctor.asterisk_checks import console
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.registry import run_checks
from ringfence.cli.doctor.report import findings_json
from ringfence.cli.support import asterisk_facts, fields, log_lines
from ringfence.cli.support.part import Part, json_part, missing_part, text_part
from ringfence.config import ConfigError, Secrets, Settings, load
from ringfence.config.reading import SECRETS
from ringfence.config.snippets import generated_snippets
from ringfence.domain.redaction import Redaction
from ringfence.store import tables

MAX_TRANSITIONS: Final = 200
CALLS_DAYS: Final = 7

_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]+")

_ABOUT: Final = {
    "versions.json": "versions of Ringfence, Python, the system and the libraries",
    "doctor.json": "what `ringfence doctor` finds",
    "status.json": "what the daemon says of itself, without names and reasons of people",
    "configuration.json": "the configuration: numbers, switches, names of our own and addresses of machines",
    "database.json": "engine, size, schema and rows of each table",
    "transitions.json": f"the last {MAX_TRANSITIONS} changes of modes, without who and why",
    "calls.json": f"how many calls of the last {CALLS_DAYS} days went which way, none of them singly",
    "log.jsonl": "the daemon's newest log lines, field by field",
    "asterisk.txt": "Asterisk's version, modules and endpoints; no call and no login",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything is. `log`: a file in place of the journal. `console` begins Asterisk's console, without `-rx`;
    empty: there is none."""

    config: Path
    daemon: Daemon
    log: Path | None
    console: tuple[str, ...]

    @classmethod
    def of(cls, config: Path, daemon: Daemon, log: Path | None) -> Sources:
        found = shutil.which("asterisk")
        return cls(config, daemon, log, (found,) if found else ())


async def gathered(sources: Sources, redaction: Redaction) -> AsyncIterator[Part]:
    """Every part, one after the other."""
    yield json_part(*_named("versions.json"), _versions(), redaction, fields.VERSIONS)
    yield await _doctor(sources, redaction)
    yield await _status(sources, redaction)
    try:
        settings = load(sources.config)
    except ConfigError as error:
        for name in ("configuration.json", "database.json", "transitions.json", "calls.json"):
            yield missing_part(*_named(name), f"The configuration cannot be read: {error.faults[0]}", redaction)
    else:
        yield json_part(
            *_named("configuration.json"), settings.model_dump(mode="json"), redaction, fields.CONFIGURATION
        )
        for part in _snippets(settings, redaction):
            yield part
        for part in await _database(settings, sources.config, redaction):
            yield part
    yield await _log(sources, redaction)
    yield await _asterisk(sources, redaction)


def _named(name: str) -> tuple[str, str]:
    return name, _ABOUT[name]


def _versions() -> dict[str, Any]:
    libraries = {}
    for requirement in requires("ringfence") or ():
        found = _PROJECT.match(requirement)
        if found is None or "extra" in requirement.partition(";")[2]:
            continue
        name = found[0]
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "not installed"
    return {
        "ringfence": version("ringfence"),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "made_at": SystemClock().now().wall.isoformat(timespec="seconds"),
        "libraries": [f"{name} {installed}" for name, installed in sorted(libraries.items())],
    }


async def _doctor(sources: Sources, redaction: Redaction) -> Part:
    findings = findings_json(await run_checks(Ground(sources.config, console=sources.console)))
    return json_part(*_named("doctor.json"), findings, redaction, fields.DOCTOR)


async def _status(sources: Sources, redaction: Redaction) -> Part:
    try:
        status = await sources.daemon.ask("GET", "/v1/status")
    except NoDaemon as error:
        return missing_part(*_named("status.json"), error.message, redaction)
    except Refused as error:
        return missing_part(*_named("status.json"), error.message, redaction)
    return json_part(*_named("status.json"), fields.status_without_people(status), redaction, fields.STATUS)


def _snippets(settings: Settings, redaction: Redaction) -> list[Part]:
    """As this configuration makes them, with a word in place of each secret: the files on the disk are not opened."""
    about = "as the configuration makes it, every number and secret taken out"
    blind = Secrets.model_validate(dict.fromkeys(SECRETS, "left-out"))
    try:
        texts = generated_snippets(settings, blind)
    except ConfigError as error:
        return [missing_part("snippets", about, error.faults[0], redaction)]
    return [text_part(f"snippets/{name}", about, text, redaction) for name, text in sorted(texts.items())]


async def _database(settings: Settings, config: Path, redaction: Redaction) -> list[Part]:
    names = ("database.json", "transitions.json", "calls.json")
    try:
        info = await database_moving.info(settings, config)
        database = database_of(settings, config, as_it_is=True)
        try:
            async with database.reading() as connection:
                moved = (await connection.execute(_TRANSITIONS)).mappings().all()
                since = SystemClock().now().wall - timedelta(days=CALLS_DAYS)
                counted = (await connection.execute(_CALLS.where(tables.calls.c.ended_at >= since))).mappings().all()
        finally:
            await database.close()
    except RingfenceError as error:
        return [missing_part(*_named(name), error.message, redaction) for name in names]
    facts = {
        "engine": info.engine,
        "size_mb": round(info.size_bytes / (1 << 20), 1),
        "schema": info.schema,
        "newest_schema": info.newest_schema,
        "rows": info.rows,
    }
    changes = [{**row, "at": row["at"].isoformat(timespec="seconds")} for row in moved]
    return [
        json_part(*_named("database.json"), facts, redaction, fields.DATABASE),
        json_part(*_named("transitions.json"), changes, redaction, fields.TRANSITIONS),
        json_part(*_named("calls.json"), [dict(row) for row in counted], redaction, fields.CALLS),
    ]


_T: Final = tables.transitions.c
_TRANSITIONS: Final = (
    select(_T.at, _T.scope, _T.before, _T.after, _T.signal, _T.reason, _T.version)
    .order_by(_T.at.desc(), _T.id.desc())
    .limit(MAX_TRANSITIONS)
)
_C: Final = tables.calls.c
_WAY: Final = (_C.scope, _C.decision, _C.path, _C.reason, _C.result, _C.answered_by, _C.platform_status)
_CALLS: Final = select(*_WAY, func.count().label("calls")).group_by(*_WAY)


async def _log(sources: Sources, redaction: Redaction) -> Part:
    try:
        lines = await log_lines.journal() if sources.log is None else log_lines.of_file(sources.log)
    except log_lines.NoLog as error:
        return missing_part(*_named("log.jsonl"), str(error), redaction)
    return Part(*_named("log.jsonl"), log_lines.told(lines, redaction))


async def _asterisk(sources: Sources, redaction: Redaction) -> Part:
    if not sources.console:
        return missing_part(*_named("asterisk.txt"), "There is no Asterisk console on this machine.", redaction)
    lines: list[str] = []
    for question in asterisk_facts.QUESTIONS:
        answer = await console(sources.console, question.line)
        if answer is None:
            if not lines:
                why = "Asterisk's console did not let us in, or did not answer. Run as root."
                return missing_part(*_named("asterisk.txt"), why, redaction)
            lines += [f"# {question.line}: no answer", ""]
        else:
            lines += [f"# {question.line}", *question.taken(answer), ""]
    return text_part(*_named("asterisk.txt"), "\n".join(lines), redaction)

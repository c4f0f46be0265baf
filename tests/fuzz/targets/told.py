"""What our own parts tell each other and people: the daemon's answers and log, records that a simulated call goes by,
rows of a backup."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

from ringfence.app.ports import StoreError
from ringfence.cli.client import Refused
from ringfence.cli.client import _read as read_answer
from ringfence.cli.support.log_lines import told
from ringfence.domain.assumed import PlatformDoes
from ringfence.domain.identities import Rung
from ringfence.domain.record_text import RecordError
from ringfence.domain.redaction import Redaction
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import (
    Assumptions,
    EgressRules,
    PlatformRules,
    Question,
    SiteRules,
    TrunkRules,
)
from ringfence.store.contents import _stored
from ringfence.store.directory_rows import site_of
from ringfence.store.tables import metadata
from tests.fuzz.target import Target, Try, holds, shape

MOBILE: Final = "+447700900123"
RULES: Final = SiteRules(
    ring_budget_seconds=90,
    platforms={"uc": PlatformRules(120, 8)},
    trunks={"carrier": TrunkRules("uc")},
    allowed_codes=("44",),
    denied_starts=("+449",),
    announcements=("unavailable", "closed"),
    egress=(EgressRules("out", (Rung.CALLER, Rung.DID, Rung.TRUNK), 86_400),),
)


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "simulation",
            "records in AstDB, as a simulated call goes by them",
            "domain.simulation domain.simulation_call domain.simulation_team",
            _simulation,
        ),
        Target("daemon-answer", "what the daemon answers to the command line", "cli.client", _daemon_answer),
        Target("log-lines", "log lines, for a support bundle", "cli.support.log_lines domain.redaction", _log_lines),
        Target("database-rows", "rows of a backup, and a site's row", "store.contents store.directory_rows", _rows),
    )


def _simulation() -> Try:
    noon = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)

    def attempt(data: bytes) -> str:
        pairs = (line.partition("=") for line in data.decode("utf-8", "replace").split("\n"))
        table = {name: value for name, _, value in pairs}
        told = []
        for does in (PlatformDoes.ANSWERS, PlatformDoes.SILENT):
            asked = Question("+441134960001", "carrier", noon, Assumptions(platform=does), "07700900999")
            try:
                found = simulate(asked, table.get, RULES)
            except RecordError as error:
                told.append(shape(error))
                continue
            holds(len(found.happenings) < 500, "a call without an end", len(found.happenings))
            told.append(f"{found.ending.path} {found.ending.reason}")
        return " | ".join(told)

    return attempt


def _daemon_answer() -> Try:
    def attempt(data: bytes) -> str:
        told = []
        for status in (200, 422):
            try:
                told.append(type(read_answer(status, data)).__name__)
            except Refused as error:
                told.append(shape(error))
        return " | ".join(told)

    return attempt


def _log_lines() -> Try:
    redaction = Redaction(b"a key of this run", ["secret-word"])

    def attempt(data: bytes) -> str:
        text = told(data.decode("utf-8", "replace").splitlines(), redaction)
        for line in text.rstrip("\n").split("\n"):
            json.loads(line)
        holds(MOBILE[3:] not in text, "a private number is shown", text[:200])
        return f"{min(text.count(chr(10)), 4)} {'LEFT' in text or 'left out' in text}"

    return attempt


def _rows() -> Try:
    tables = [table for table in metadata.tables.values() if any(column.name == "at" for column in table.columns)]

    def attempt(data: bytes) -> str:
        try:
            raw: Any = json.loads(data)
        except (ValueError, RecursionError):
            return "no JSON"
        if not isinstance(raw, dict):
            return "no object"
        try:
            told = str(len([_stored(table, dict.fromkeys(table.columns.keys(), raw.get("at"))) for table in tables]))
        except StoreError as error:
            told = shape(error)
        fields = {name: raw.get(name) if isinstance(raw.get(name), str) else "" for name in ("opening", "holidays")}
        row = SimpleNamespace(
            **fields,
            **dict.fromkeys(
                (
                    "name",
                    "fallback_number",
                    "announcement",
                    "time_zone",
                    "out_of_hours_number",
                    "out_of_hours_announcement",
                    "voicemail",
                ),
                "",
            ),
        )
        try:
            site = site_of(row)  # type: ignore[arg-type]
        except ValueError as error:
            return f"{told} {shape(error)}"
        return f"{told} {len(site.opening)} {len(site.holidays)}"

    return attempt

"""Verifies the audit record on the database itself: a daemon that is asked might have been told what to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringfence.app.audit import verified
from ringfence.app.ports import RingfenceError
from ringfence.bootstrap.audit_side import ANCHOR_FILE
from ringfence.bootstrap.storing import database_of
from ringfence.cli.client import Refused
from ringfence.config import ConfigError, Settings, load
from ringfence.domain.audit_chain import Anchor, AuditReport
from ringfence.store.audit_anchors import FileAnchors, read_anchors
from ringfence.store.audit_store import SqlAuditStore
from ringfence.web.audit_models import verified_out


def verify(config: Path, elsewhere: Path | None) -> dict[str, Any]:
    """As `GET /v1/audit/verify`, with the anchors of a file besides. Raises Refused."""
    try:
        settings = load(config)
        given = [] if elsewhere is None else read_anchors(elsewhere)
    except ConfigError as error:
        raise Refused(0, f"{config}: {error.faults[0]}", fix="See `ringfence check-config`.") from None
    except OSError as error:
        raise Refused(0, f"{elsewhere}: {error.strerror}.") from None
    if elsewhere is not None and not given:
        raise Refused(0, f"{elsewhere}: there is no anchor in it.", fix="One JSON object a line: number, digest, at.")
    try:
        report = asyncio.run(_verified(settings, config, given))
    except RingfenceError as error:
        raise Refused(503, error.message, None, error.fix) from None
    return verified_out(report).model_dump(mode="json")


async def _verified(settings: Settings, config: Path, given: Sequence[Anchor]) -> AuditReport:
    file = settings.state_dir / "ringfence.db"
    if not settings.database and not file.exists():
        raise RingfenceError(f"There is no database {file}.", "Name the right configuration with --config.")
    database = database_of(settings, config)
    try:
        beside = await FileAnchors(settings.state_dir / ANCHOR_FILE).read()
        return await verified(SqlAuditStore(database), [*beside, *given])
    finally:
        await database.close()

"""How long it takes to verify the audit record, and what a row costs a change.

python -m tests.integration.measure_audit [ROWS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.app.audit import verified
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.audit_chain import Anchor
from ringfence.store.audit_store import SqlAuditStore
from tests.integration.stores import later, opened

ROWS = 10_000
BATCH = 1_000


def fact(number: int) -> AuditFact:
    detail = {"until": later(number).isoformat(), "replaces": "dr by heidi"}
    return AuditFact(
        later(number), AuditKind.OVERRIDE, "override dr set", "scope:uc", "grace", "vendor says so", "sign-in", detail
    )


async def verifying_seconds(file: Path, rows: int) -> tuple[int, float]:
    """How many rows were verified, and in what time; the record is written before."""
    async with opened(file) as database:
        store = SqlAuditStore(database)
        for start in range(0, rows, BATCH):
            await store.append([fact(start + number) for number in range(min(BATCH, rows - start))])
        anchors: list[Anchor] = [await store.head()]
        began = time.monotonic()
        report = await verified(store, anchors)
        took = time.monotonic() - began
        assert report.faults == (), report
        return report.rows, took


async def main(rows: int) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ringfence.db"
        count, took = await verifying_seconds(file, rows)
        print(f"{count} rows verified in {took:.3f} s")
        async with opened(file) as database:
            store = SqlAuditStore(database)
            began = time.monotonic()
            for number in range(100):
                await store.append([fact(number)])
            print(f"one row in a transaction of its own: {(time.monotonic() - began) * 10:.2f} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))

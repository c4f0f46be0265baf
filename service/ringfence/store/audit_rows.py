"""Appending to the audit chain, inside the transaction of the change it is about: both are stored, or neither."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreCorrupt
from ringfence.domain.audit import PERSON, PSEUDONYM, AuditFact
from ringfence.domain.audit_chain import Anchor, AuditRow, row_of
from ringfence.store.tables_audit import audit_head, audit_rows

PSEUDONYM_LETTERS: Final = 16
HEAD_ID: Final = 1

# Letters only: a run of digits would be taken for a telephone number, and masked.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


async def append(connection: AsyncConnection, facts: Sequence[AuditFact]) -> None:
    """Call it last: it locks the chain's end until the transaction ends. Raises StoreCorrupt when the end has been
    removed."""
    if not facts:
        return
    head = select(audit_head).where(audit_head.c.id == HEAD_ID).with_for_update()
    found = (await connection.execute(head)).one_or_none()
    if found is None:
        raise StoreCorrupt(
            "The end of the audit record is missing.", "Restore the last backup; `ringfence audit verify` says more."
        )
    last, rows = Anchor(found.number, found.digest), list[AuditRow]()
    for fact in facts:
        rows.append(row_of(_pseudonymous(fact, found.salt), last))
        last = Anchor(rows[-1].number, rows[-1].digest)
    await connection.execute(insert(audit_rows), [asdict(row) for row in rows])
    moved = update(audit_head).where(audit_head.c.id == HEAD_ID).values(number=last.number, digest=last.digest)
    await connection.execute(moved)


def pseudonym(key: str, salt: str) -> str:
    """What stands for a person's key. The record outlives the person's erasure; whoever knows the key and has the
    database finds the person's rows, and nobody else learns from them who it was."""
    digest = hmac.new(salt.encode(), key.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
    return f"{PSEUDONYM}{digest[:PSEUDONYM_LETTERS].translate(_LETTERS)}"


def _pseudonymous(fact: AuditFact, salt: str) -> AuditFact:
    if not fact.about.startswith(PERSON):
        return fact
    return replace(fact, about=pseudonym(fact.about.removeprefix(PERSON), salt))

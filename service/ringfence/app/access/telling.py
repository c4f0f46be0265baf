"""What letting people in says of itself: rows of the audit record, and notices to people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ringfence.app.access.ports import KeyRow, SealedRow, SessionRow
from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.audit import MACHINE, AuditFact, AuditKind
from ringfence.domain.notice import Notice, NoticeKind, Severity


def session_begun(row: SessionRow, address: str = "") -> AuditFact:
    detail = {"session": row.id, "roles": ", ".join(sorted(row.roles)), "until": row.until.isoformat()}
    if address:
        detail["address"] = address
    action = "break_glass_used" if row.by is SignedInBy.BREAK_GLASS else "session_begun"
    return AuditFact(row.begun, AuditKind.ACCESS, action, row.name, row.name, by=row.by, detail=detail)


def session_ended(row: SessionRow, at: datetime, ended_by: Caller | None, why: str) -> AuditFact:
    """`ended_by` None: whoever it is signed out; with a `why`, Ringfence did it."""
    action = "session_revoked" if ended_by is not None or why else "session_ended"
    who, by = (row.name, str(row.by)) if not why else (MACHINE, "")
    if ended_by is not None:
        who, by = ended_by.name, ended_by.by
    return AuditFact(at, AuditKind.ACCESS, action, row.name, who, why, by, {"session": row.id})


def key_made(row: KeyRow, maker: Caller) -> AuditFact:
    detail = {
        "key": row.id,
        "permissions": ", ".join(sorted(row.permissions)),
        "expires": row.expires.isoformat(timespec="minutes"),
    }
    return AuditFact(row.made, AuditKind.ACCESS, "key_created", row.name, maker.name, by=maker.by, detail=detail)


def key_revoked(row: KeyRow, at: datetime, revoker: Caller, why: str) -> AuditFact:
    return AuditFact(at, AuditKind.ACCESS, "key_revoked", row.name, revoker.name, why, revoker.by, {"key": row.id})


def wrong_password(account: str, address: str, at: datetime) -> AuditFact:
    return AuditFact(
        at, AuditKind.ACCESS, "wrong_password", account, "unknown", by="break-glass", detail={"address": address}
    )


def sign_in_refused(name: str, why: str, address: str, at: datetime) -> AuditFact:
    detail = {"address": address}
    return AuditFact(at, AuditKind.ACCESS, "sign_in_refused", name, name, why, SignedInBy.OIDC, detail)


def locked(what: str, seconds: float, address: str, at: datetime) -> AuditFact:
    detail = {"address": address, "minutes": f"{seconds / 60:.0f}"}
    return AuditFact(at, AuditKind.ACCESS, "locked", what, "ringfence", "wrong passwords", detail=detail)


def password_renewed(row: SealedRow, who: str, by: str, first: bool) -> AuditFact:
    """`first`: no account was ever seen before, so this is the installation's first start."""
    if first:
        return AuditFact(row.renewed, AuditKind.ACCESS, "break_glass_made", row.name, MACHINE)
    return AuditFact(row.renewed, AuditKind.ACCESS, "break_glass_renewed", row.name, who, by=by)


def used_notice(row: SessionRow, address: str) -> Notice:
    return _loud(
        f"break-glass {row.id}",
        row.begun,
        f"{row.name} was used",
        f"The sealed account {row.name} signed in from {address} at {_clock(row.begun)} and may do everything until "
        f"{_clock(row.until)}. If nobody opened that envelope: `ringfence access sessions revoke --name {row.name}`, "
        f"then `ringfence access break-glass renew {row.name}`. Else renew it when the emergency is over.",
    )


def locked_notice(names: Iterable[str], seconds: float, account: str, address: str, at: datetime) -> Notice:
    what = " and ".join(names)
    return _loud(
        f"break-glass locked {what} {at.isoformat()}",
        at,
        f"Locked after wrong passwords: {what}",
        f"Five wrong passwords for {account} came from {address}, the last at {_clock(at)}. Locked for "
        f"{seconds / 60:.0f} minutes. If that was none of you, somebody on your network is trying: find {address}. "
        "The other account works from another address, and `ringfence` on the node always does.",
    )


def renewed_notice(rows: Iterable[SealedRow], who: str, at: datetime) -> Notice:
    names = ", ".join(row.name for row in rows)
    return _loud(
        f"break-glass renewed {names} {at.isoformat()}",
        at,
        f"{names}: the password was renewed",
        f"By {who}, at {_clock(at)}. The envelope with the old one is of no use any more. If nobody meant to, see who "
        "may write beside the configuration.",
    )


def _loud(key: str, at: datetime, title: str, text: str) -> Notice:
    return Notice(key, NoticeKind.ACCESS, Severity.CRITICAL, at, title, text)


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"

"""What people are told when an incident opens and when it closes."""

from __future__ import annotations

from datetime import timedelta

from ringfence.domain.incident import Incident
from ringfence.domain.notice import Notice, NoticeKind, Severity


def opened_key(incident: Incident) -> str:
    """The same whenever the same incident is told of, also of a database that was begun anew."""
    return f"incident-opened-{incident.scope}-{incident.opened_at.isoformat(timespec='milliseconds')}"


def opened_notice(incident: Incident) -> Notice:
    since = incident.opened_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    began = "It began earlier, when the database did not know of it. " if incident.late else ""
    return Notice(
        opened_key(incident),
        NoticeKind.INCIDENT,
        Severity.CRITICAL,
        incident.opened_at,
        f"{incident.scope}: incident {incident.id} opened",
        f"Since {since}: {incident.sentence}. Calls go to default numbers. {began}"
        f"`ringfence incident show {incident.id}` has its timeline, "
        f"`ringfence incident missed {incident.id}` whom nobody could reach.",
        incident.scope,
    )


def closed_notice(incident: Incident) -> Notice:
    assert incident.closed_at is not None
    return Notice(
        opened_key(incident).replace("opened", "closed", 1),
        NoticeKind.INCIDENT,
        Severity.WARNING,
        incident.closed_at,
        f"{incident.scope}: incident {incident.id} closed",
        f"Calls go to the platform again after {_lasted(incident.closed_at - incident.opened_at)}"
        f"{_relapses(incident.relapses)}. `ringfence incident missed {incident.id}` lists whom nobody could reach; "
        f"`ringfence incident evidence {incident.id} -o FILE.zip` is for the vendor.",
        incident.scope,
    )


def _lasted(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _relapses(count: int) -> str:
    return "" if not count else " with one relapse" if count == 1 else f" with {count} relapses"

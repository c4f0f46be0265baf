"""What an outage would take: the journal's busiest hour against the channels that the configuration has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ringfence.app.ports import RingfenceError
from ringfence.bootstrap.storing import database_of, place_of
from ringfence.config import Settings
from ringfence.domain.erlang import BLOCKING, blocking, channels_for, overflow
from ringfence.domain.traffic import Sum, Tariff, Traffic, erlangs_of
from ringfence.store.migrating import present_revision, revisions
from ringfence.store.traffic_rows import finished_calls


class NothingToMeasure(RingfenceError):
    """There is no journal to read."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`everything`: all platforms together, for they may fail together."""

    since: datetime
    until: datetime
    everything: Traffic
    platforms: Mapping[str, Traffic]


async def measure(settings: Settings, config: Path, until: datetime, past: timedelta) -> Measured:
    """Only looks; a daemon may run. Raises NothingToMeasure, StoreError."""
    place = place_of(settings)
    if isinstance(place, Path) and not place.exists():
        raise NothingToMeasure(f"There is no database {place}.", "Name the right configuration with --config.")
    found = Measured(until - past, until, Traffic(), {one.name: Traffic() for one in settings.platform})
    platforms = dict(found.platforms)
    database = database_of(settings, config, as_it_is=True)
    try:
        async with database.reading() as connection:
            if await present_revision(connection) != revisions()[-1]:
                raise NothingToMeasure(
                    "The database is not of this program's schema.", "Start the daemon once: it brings it up to date."
                )
            async for call in finished_calls(connection, found.since):
                found.everything.add(call)
                platforms.setdefault(call.scope, Traffic()).add(call)
    finally:
        await database.close()
    return Measured(found.since, until, found.everything, platforms)


def report(settings: Settings, found: Measured, tariff: Tariff) -> dict[str, Any]:
    """As `ringfence capacity --json` prints it."""
    usable = sum(_usable(trunk.channels, trunk.reserved_for_critical) for trunk in settings.egress_trunk)
    return {
        "since": found.since.isoformat(timespec="seconds"),
        "until": found.until.isoformat(timespec="seconds"),
        "blocking": BLOCKING,
        "tariff": asdict(tariff),
        "max_calls": settings.egress.max_calls,
        "channels": min(usable, settings.egress.max_calls),
        "everything": _group(settings, found.everything, tariff),
        "platforms": [
            {"platform": name, **_group(settings, traffic, tariff)} for name, traffic in sorted(found.platforms.items())
        ],
    }


def _group(settings: Settings, traffic: Traffic, tariff: Tariff) -> dict[str, Any]:
    hour, day = traffic.busiest_hour(), traffic.busiest_day()
    erlangs = erlangs_of(hour[1]) if hour is not None else 0.0
    return {
        "calls": traffic.total.calls,
        "mean_seconds": round(traffic.total.mean_seconds, 1),
        "busy_hour": None if hour is None else _cost(*hour, tariff) | {"erlangs": round(erlangs, 2)},
        "busy_day": None if day is None else _cost(*day, tariff),
        "channels_needed": channels_for(erlangs),
        "trunks": list(_trunks(settings, erlangs)),
    }


def _trunks(settings: Settings, erlangs: float) -> Iterator[dict[str, Any]]:
    """In the order in which they are tried: each gets what the one before it has no room for."""
    offered = erlangs
    for trunk in settings.egress_trunk:
        channels = _usable(trunk.channels, trunk.reserved_for_critical)
        yield {
            "trunk": trunk.name,
            "channels": channels,
            "reserved_for_critical": trunk.channels - channels,
            "offered_erlangs": round(offered, 2),
            "refused_share": round(blocking(offered, channels), 4),
            "needed_alone": channels_for(erlangs),
            "enough_alone": blocking(erlangs, channels) <= BLOCKING,
        }
        offered = overflow(offered, channels)


def _usable(channels: int, reserved: int) -> int:
    """For calls that are not critical; one is always left to them."""
    return max(1, channels - reserved)


def _cost(begin: datetime, of: Sum, tariff: Tariff) -> dict[str, Any]:
    return {
        "begin": begin.isoformat(timespec="seconds"),
        "calls": of.calls,
        "minutes": round(of.talked_seconds / 60, 1),
        "cost": round(tariff.cost(of), 2),
    }

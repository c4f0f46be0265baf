"""The directory's values as rows, and back: for `directory_store`."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from sys import intern
from typing import Any

from sqlalchemy import Row

from ringfence.domain.did_range import DidRange
from ringfence.domain.directory import DefaultNumber, DidAssignment, LineKind, Person, PersonKey, Site
from ringfence.domain.numbers import Did
from ringfence.domain.step_text import decode_hours, encode_hours
from ringfence.domain.team import Strategy, Team


def site_row(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "fallback_number": site.fallback_number,
        "announcement": site.announcement,
        "time_zone": site.time_zone,
        "opening": ";".join(map(encode_hours, site.opening)),
        "holidays": " ".join(day.isoformat() for day in site.holidays),
        "out_of_hours_number": site.out_of_hours_number,
        "out_of_hours_announcement": site.out_of_hours_announcement,
        "voicemail": site.voicemail,
    }


def site_of(row: Row[Any]) -> Site:
    return Site(
        name=intern(row.name),
        fallback_number=row.fallback_number,
        announcement=intern(row.announcement),
        time_zone=row.time_zone,
        opening=tuple(map(decode_hours, row.opening.split(";"))) if row.opening else (),
        holidays=tuple(map(date.fromisoformat, row.holidays.split())),
        out_of_hours_number=row.out_of_hours_number,
        out_of_hours_announcement=row.out_of_hours_announcement,
        voicemail=row.voicemail,
    )


def team_row(team: Team) -> dict[str, Any]:
    return {field.name: getattr(team, field.name) for field in fields(team)} | {"members": list(team.members)}


def team_of(row: Row[Any]) -> Team:
    return Team(
        name=intern(row.name),
        site=intern(row.site),
        strategy=Strategy(row.strategy),
        members=tuple(PersonKey(intern(key)) for key in row.members),
        ring_seconds=row.ring_seconds,
        wait_seconds=row.wait_seconds,
        max_waiting=row.max_waiting,
        floor=row.floor,
        backstop_number=row.backstop_number,
    )


def person_row(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in ("key", "name", "site", "team", "extension")}


def number_rows(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "person": person.key,
            "position": position,
            "e164": number.e164,
            "ring_seconds": number.ring_seconds,
            "press_one": number.press_one,
        }
        for position, number in enumerate(person.default_numbers, start=1)
    ]


def did_row(assignment: DidAssignment) -> dict[str, Any]:
    return {
        "did": assignment.did,
        "owner": assignment.owner,
        "site": assignment.site,
        "scope": assignment.scope,
        "kind": assignment.kind,
        "critical": assignment.critical,
        "team": assignment.team,
        "divert_number": assignment.divert_number,
    }


def range_row(one: DidRange) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def person_of(row: Row[Any], numbers: tuple[DefaultNumber, ...]) -> Person:
    return Person(
        PersonKey(intern(row.key)), row.name, intern(row.site), numbers, team=intern(row.team), extension=row.extension
    )


def assignment_of(row: Row[Any]) -> DidAssignment:
    return DidAssignment(
        did=Did(intern(row.did)),
        owner=None if row.owner is None else PersonKey(intern(row.owner)),
        site=intern(row.site),
        scope=intern(row.scope),
        kind=LineKind(row.kind),
        critical=row.critical,
        team=intern(row.team),
        divert_number=row.divert_number,
    )


def range_of(row: Row[Any]) -> DidRange:
    return DidRange(
        first=Did(row.first),
        last=Did(row.last),
        owner=None if row.owner is None else PersonKey(intern(row.owner)),
        site=intern(row.site),
        scope=intern(row.scope),
        by_extension=row.by_extension,
        kind=LineKind(row.kind),
        critical=row.critical,
        team=intern(row.team),
        divert_number=row.divert_number,
    )

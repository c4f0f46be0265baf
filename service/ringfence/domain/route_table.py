"""The whole table that AstDB shall hold (a record for each DID, trunk, team, member of one, and site with opening
hours) and what to change to get there.

The publisher compares this with what Asterisk holds, bucket by bucket, and writes only the difference: at no
moment is a DID without its record. Compiling everything costs about 20 µs a DID; after a change of the
directory `update_table` compiles only what the change can have touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from ringfence.domain.directory import Directory, LineKind, PersonKey
from ringfence.domain.known_ways import KnownWays
from ringfence.domain.numbers import Did
from ringfence.domain.records import Forced, RouteRecord, encode_route, record_of
from ringfence.domain.routing import TrunkFallback, fallback_steps, plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLines, site_records, team_records, touched_teams
from ringfence.domain.team_records import decode_team, is_member, member_path, site_path, team_families, team_path

BUCKET_COUNT: Final = 500
MAX_BUCKET_ROWS: Final = 500

FALLBACK_FAMILY: Final = "fallback"

_NO_RECORDS: Final[Mapping[str, str]] = MappingProxyType({})


class TableError(ValueError):
    """A table that must not be published. Says which bucket is too full and what to do."""


@dataclass(frozen=True, slots=True)
class TableDiff:
    """What turns one table into another. Puts are made before deletes; members are put before the team's record that
    lists them, and deleted after it."""

    puts: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.deletes)


class RouteTable(Mapping[str, str]):
    """Key path below the family `ringfence` -> value: `did/<bucket>/<E.164>`, `fallback/<trunk>`, and what
    `team_records` has. Immutable.

    Records lie in families (`did/0` to `did/499`, `fallback`...), the pieces in which AstDB is read back.
    """

    __slots__ = ("_families", "_length")

    def __init__(self, families: Mapping[str, Mapping[str, str]]) -> None:
        self._families = families
        self._length = sum(len(records) for records in families.values())

    @classmethod
    def of(cls, records: Iterable[tuple[str, str]]) -> RouteTable:
        """Raises TableError when a bucket would hold more than 500 records."""
        families: dict[str, dict[str, str]] = {}
        for path, value in records:
            families.setdefault(family_of(path), {})[path] = value
        for family, held in families.items():
            _refuse_overfull(family, len(held))
        return cls(families)

    def __getitem__(self, path: str) -> str:
        return self._families[family_of(path)][path]

    def __iter__(self) -> Iterator[str]:
        for records in self._families.values():
            yield from records

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        # Values hold private numbers in clear: never print them.
        return f"RouteTable({self.did_count} DIDs, {len(self.family(FALLBACK_FAMILY))} fallbacks)"

    @property
    def did_count(self) -> int:
        return sum(len(self.bucket(bucket)) for bucket in range(BUCKET_COUNT))

    def family(self, family: str) -> Mapping[str, str]:
        """The records of one piece, as `did/12`; empty when it holds none."""
        return self._families.get(family, _NO_RECORDS)

    def bucket(self, bucket: int) -> Mapping[str, str]:
        """The DID records of bucket 0 to 499."""
        return self.family(f"did/{bucket}")

    def patched(self, diff: TableDiff) -> RouteTable:
        """This table after the diff. Families the diff does not touch are shared. Raises TableError."""
        touched: dict[str, dict[str, str]] = {}
        for path in (*diff.puts, *diff.deletes):
            family = family_of(path)
            if family not in touched:
                touched[family] = dict(self.family(family))
        for path, value in diff.puts.items():
            touched[family_of(path)][path] = value
        for path in diff.deletes:
            touched[family_of(path)].pop(path, None)
        for family, held in touched.items():
            _refuse_overfull(family, len(held))
        return RouteTable({**self._families, **touched})


def bucket_of(did: str) -> int:
    """Last three digits modulo 500, as the dialplan computes it: `$[1${DID:-3} % 500]`."""
    return int(did[-3:]) % BUCKET_COUNT


def did_path(did: str) -> str:
    """The key of a DID's record below the family `ringfence`."""
    return f"did/{bucket_of(did)}/{did}"


def fallback_path(trunk: str) -> str:
    """The key of the record for a trunk's unknown DIDs."""
    return f"{FALLBACK_FAMILY}/{trunk}"


def family_of(path: str) -> str:
    """The piece a key lies in: everything before its last part."""
    return path.rpartition("/")[0]


def all_families() -> Iterator[str]:
    """Every piece that may hold records, for a reader that looks for leftovers."""
    yield FALLBACK_FAMILY
    yield from team_families()
    for bucket in range(BUCKET_COUNT):
        yield f"did/{bucket}"


def shelf_of(family: str) -> str:
    """What is read back together with a piece: up to ten, whose names differ in the last digit. `_` stands for that
    digit, as `did/12_`. Asterisk looks at its whole table for each question, so that ten pieces cost little more than
    one."""
    return f"{family[:-1]}_" if "/" in family else family


def shelves() -> Mapping[str, tuple[str, ...]]:
    """Every piece, by its shelf."""
    found: dict[str, tuple[str, ...]] = {}
    for family in all_families():
        shelf = shelf_of(family)
        found[shelf] = (*found.get(shelf, ()), family)
    return found


def compile_table(
    directory: Directory,
    policy: RoutingPolicy,
    forced: Mapping[Did, Forced] | None = None,
    fallbacks: Iterable[TrunkFallback] = (),
) -> RouteTable:
    """Every record there shall be. Raises TableError."""
    lines = TeamLines(directory, policy)
    records = dict(_did_records(directory.assignments, directory, policy, forced or {}, lines))
    records.update(_fallback_records(fallbacks, directory, policy))
    records.update(team_records(directory.teams, lines))
    records.update(site_records(directory.sites, directory, policy))
    return RouteTable.of(records.items())


def update_table(
    table: RouteTable,
    before: Directory,
    after: Directory,
    policy: RoutingPolicy,
    forced: Mapping[Did, Forced] | None = None,
    fallbacks: Iterable[TrunkFallback] = (),
) -> tuple[RouteTable, TableDiff]:
    """`compile_table(after, ...)` and the diff to it, given that `table` was compiled from `before` with the
    same policy and forced modes. Raises TableError."""
    lines, touched = TeamLines(after, policy), touched_by(before, after, policy.gate.policy.ways)
    compiled = dict(_did_records(touched.dids, after, policy, forced or {}, lines))
    compiled.update(_fallback_records(fallbacks, after, policy))
    compiled.update(team_records(touched.teams, lines))
    compiled.update(site_records(touched.sites, after, policy))
    gone = [did_path(did) for did in before.assignments if did not in after.assignments]
    held = (path for path in _held_places(table, before, after, touched) if path in table)
    gone += [path for path in held if path not in compiled]
    change = TableDiff(
        _members_first({path: value for path, value in compiled.items() if table.get(path) != value}),
        _members_last(gone),
    )
    return table.patched(change), change


def diff_family(held: Mapping[str, str], wanted: Mapping[str, str]) -> TableDiff:
    """What turns one piece as read back from AstDB into what is wanted, keys being whole paths."""
    puts = {path: value for path, value in wanted.items() if held.get(path) != value}
    return TableDiff(_members_first(puts), _members_last([path for path in held if path not in wanted]))


def _members_first(puts: Mapping[str, str]) -> Mapping[str, str]:
    return dict(sorted(puts.items(), key=lambda item: not is_member(item[0])))


def _members_last(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=is_member))


def _held_places(table: RouteTable, before: Directory, after: Directory, touched: Touched) -> Iterator[str]:
    """The keys that the touched teams and sites, and those that are gone, had."""
    for name in (*touched.teams, *(before.teams.keys() - after.teams.keys())):
        path = team_path(name)
        if path in table:
            yield path
            for slot in decode_team(table[path]).slots:
                yield member_path(name, slot)
    for name in (*touched.sites, *(before.sites.keys() - after.sites.keys())):
        yield site_path(name)


@dataclass(frozen=True, slots=True)
class Touched:
    """What of a directory has to be compiled again."""

    dids: set[Did]
    teams: set[str]
    sites: set[str]


def touched_by(before: Directory, after: Directory, ways: KnownWays) -> Touched:
    """The DIDs, teams and sites of `after` whose records may differ from `before`: their own row, their owner, the
    owner's deputy, their team or its members, or their site changed, or a number they use became an own DID of ours or
    ceased to be one, or is forwarded to such a one."""
    own_changed: set[str] = set(before.assignments.keys() ^ after.assignments.keys())
    own_changed |= ways.leading_to(own_changed)
    people = {
        key
        for key, person in after.people.items()
        if _differ(before.people.get(key), person)
        or (own_changed and any(number.e164 in own_changed for number in person.default_numbers))
    }
    gone = before.people.keys() - after.people.keys() if before.teams or after.teams else set[PersonKey]()
    teams = touched_teams(before, after, people | gone)
    people |= {key for key, person in after.people.items() if person.deputy is not None and person.deputy in people}
    sites = {
        name
        for name, site in after.sites.items()
        if before.sites.get(name) != site
        or site.fallback_number in own_changed
        or site.out_of_hours_number in own_changed
    }
    backstops = {name for name, team in after.teams.items() if team.backstop_number in own_changed}
    dids = {
        did
        for did, item in after.assignments.items()
        if item.site in sites
        or item.owner in people
        or item.team in teams
        or item.team in backstops
        or item.divert_number in own_changed
        or _differ(before.assignments.get(did), item)
    }
    return Touched(dids, teams, sites)


def _differ(before: object, after: object) -> bool:
    # Most are the very same object, and comparing 100,000 field by field takes a noticeable part of a second.
    return before is not after and before != after


def _did_records(
    dids: Iterable[Did], directory: Directory, policy: RoutingPolicy, forced: Mapping[Did, Forced], lines: TeamLines
) -> Iterator[tuple[str, str]]:
    for did in dids:
        plan = plan_for(directory.assignments[did], directory, policy, lines)
        yield did_path(did), encode_route(record_of(plan, forced.get(did, Forced.NONE)))


def _fallback_records(
    fallbacks: Iterable[TrunkFallback], directory: Directory, policy: RoutingPolicy
) -> Iterator[tuple[str, str]]:
    for fallback in fallbacks:
        steps = tuple(planned.step for planned in fallback_steps(fallback, directory, policy))
        record = RouteRecord(fallback.scope, LineKind.VOICE, False, steps, steps)
        yield fallback_path(fallback.trunk), encode_route(record)


def _refuse_overfull(family: str, rows: int) -> None:
    if rows > MAX_BUCKET_ROWS:
        why = (
            "too many numbers end in the same three digits" if family.startswith("did/") else "it has too many members"
        )
        raise TableError(
            f"bucket {family} would hold {rows} records, at most {MAX_BUCKET_ROWS} can be read back safely: "
            f"{why}; split them over several nodes"
        )

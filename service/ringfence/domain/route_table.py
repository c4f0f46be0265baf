"""The whole table that AstDB shall hold: one record per DID, one per trunk, and what to change to get there.

The publisher compares this with what Asterisk holds, bucket by bucket, and writes only the difference: at no
moment is a DID without its record. Compiling everything costs about 30 µs a DID; after a change of the
directory `update_table` compiles only what the change can have touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfence.domain.directory import Directory, LineKind
from ringfence.domain.numbers import Did
from ringfence.domain.records import Forced, RouteRecord, encode_route, record_of
from ringfence.domain.routing import RoutingPolicy, TrunkFallback, fallback_steps, plan_for
from ringfence.domain.team_records import team_families

BUCKET_COUNT: Final = 500
MAX_BUCKET_ROWS: Final = 500

FALLBACK_FAMILY: Final = "fallback"


class TableError(ValueError):
    """A table that must not be published. Says which bucket is too full and what to do."""


@dataclass(frozen=True, slots=True)
class TableDiff:
    """What turns one table into another. Puts are made before deletes."""

    puts: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.deletes)


class RouteTable(Mapping[str, str]):
    """Key path below the family `ringfence` -> value: `did/<bucket>/<E.164>` and `fallback/<trunk>`.
    Immutable.

    Records lie in families (`did/0` to `did/499`, `fallback`), the pieces in which AstDB is read back.
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
        return self._families.get(family, {})

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


def compile_table(
    directory: Directory,
    policy: RoutingPolicy,
    forced: Mapping[Did, Forced] | None = None,
    fallbacks: Iterable[TrunkFallback] = (),
) -> RouteTable:
    """Every DID's record and every trunk's fallback. Raises TableError."""
    records = dict(_did_records(directory.assignments, directory, policy, forced or {}))
    records.update(_fallback_records(fallbacks, directory, policy))
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
    compiled = dict(_did_records(touched_dids(before, after), after, policy, forced or {}))
    compiled.update(_fallback_records(fallbacks, after, policy))
    puts = {path: value for path, value in compiled.items() if table.get(path) != value}
    gone = tuple(did_path(did) for did in before.assignments if did not in after.assignments)
    change = TableDiff(puts, gone)
    return table.patched(change), change


def diff_family(held: Mapping[str, str], wanted: Mapping[str, str]) -> TableDiff:
    """What turns one piece as read back from AstDB into what is wanted, keys being whole paths."""
    puts = {path: value for path, value in wanted.items() if held.get(path) != value}
    return TableDiff(puts, tuple(path for path in held if path not in wanted))


def touched_dids(before: Directory, after: Directory) -> set[Did]:
    """The DIDs of `after` whose plan may differ from `before`: their own row, their owner, the owner's deputy or
    their site changed, or a number they use became an own DID of ours or ceased to be one."""
    own_changed = before.assignments.keys() ^ after.assignments.keys()
    people = {
        key
        for key, person in after.people.items()
        if _differ(before.people.get(key), person)
        or (own_changed and any(number.e164 in own_changed for number in person.default_numbers))
    }
    people |= {key for key, person in after.people.items() if person.deputy is not None and person.deputy in people}
    sites = {
        name
        for name, site in after.sites.items()
        if before.sites.get(name) != site or site.fallback_number in own_changed
    }
    return {
        did
        for did, item in after.assignments.items()
        if item.site in sites or item.owner in people or _differ(before.assignments.get(did), item)
    }


def _differ(before: object, after: object) -> bool:
    # Most are the very same object, and comparing 100,000 field by field takes a noticeable part of a second.
    return before is not after and before != after


def _did_records(
    dids: Iterable[Did], directory: Directory, policy: RoutingPolicy, forced: Mapping[Did, Forced]
) -> Iterator[tuple[str, str]]:
    for did in dids:
        plan = plan_for(directory.assignments[did], directory, policy)
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
        raise TableError(
            f"bucket {family} would hold {rows} records, at most {MAX_BUCKET_ROWS} can be read back safely: "
            "too many numbers end in the same three digits; split them over several nodes"
        )

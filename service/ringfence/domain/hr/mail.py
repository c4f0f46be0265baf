"""The mail addresses that HR states of people."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.roster import Roster, last_key


def mail_addresses(roster: Roster, sources: Sequence[str], people: Collection[PersonKey]) -> dict[PersonKey, str]:
    """Of those among `people` who have one: the first in the order of the sources, as it was accepted."""
    rank = {source: number for number, source in enumerate(sources)}
    found: dict[PersonKey, tuple[int, str]] = {}
    for id_, state in roster.records.items():
        record = state.accepted
        if record is None or not record.email:
            continue
        key = last_key(record.key, roster.aliases)
        stated = (rank.get(id_.source, len(rank)), record.email)
        if key in people and (key not in found or stated < found[key]):
            found[key] = stated
    return {key: email for key, (_, email) in found.items()}

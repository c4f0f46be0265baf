"""Every parser that is fuzzed, in the order of the report."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import kept, numbers, records, sheets, sign_in, site_files, sources, stored, told, web, wire


def all_targets() -> dict[str, Target]:
    """By name."""
    parts = (wire, records, numbers, sheets, sources, site_files, stored, kept, web, sign_in, told)
    found = [target for part in parts for target in part.targets()]
    named = {target.name: target for target in found}
    assert len(named) == len(found)
    return named

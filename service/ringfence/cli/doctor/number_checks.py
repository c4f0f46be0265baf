"""Numbers that fit together: fallbacks that leave us, and DIDs that a trunk can bring."""

from __future__ import annotations

from typing import Final

from ringfence.asterisk.vocabulary import FAMILY
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground, ask
from ringfence.config.trunk_settings import TrunkSettings
from ringfence.domain.route_table import did_path

MAX_NAMED: Final = 5


async def fallback_numbers(ground: Ground) -> list[Finding]:
    """A fallback that is a DID of our own comes back to us, with the platform dead behind it."""
    findings = []
    for trunk in ground.settings.trunk:
        number = trunk.fallback_number
        if number is None:
            continue
        reply = await ask(ground.ami, "DBGet", {"Family": FAMILY, "Key": did_path(number)})
        if any("val" in row for row in reply.rows):
            words = f"fallback_number of trunk {trunk.name!r} is a DID of our own: such calls come back to us."
            fix = f"Set fallback_number of [[trunk]] {trunk.name!r} in ringfence.toml to a number outside."
            findings.append(fail(words, fix))
    return findings or [ok("No fallback number is a DID of our own.")]


async def deliverable(ground: Ground) -> list[Finding]:
    """Each DID can be what some trunk's rules make of a number."""
    if ground.dids is None:
        return [unknown("The DIDs in AstDB were not read.")]
    lost = [did for did in ground.dids if not any(_brings(trunk, did) for trunk in ground.settings.trunk)]
    if not lost:
        return [ok("Every DID can be brought by a trunk.")]
    named = ", ".join(lost[:MAX_NAMED]) + (f" and {len(lost) - MAX_NAMED} more" if len(lost) > MAX_NAMED else "")
    return [
        warn(
            f"No trunk can bring {named}: all of them bring extensions of other ranges.",
            "Correct `ranges`, or range_prefix and extension_length, under [[trunk]] in ringfence.toml, or dids.csv.",
        )
    ]


def _brings(trunk: TrunkSettings, did: str) -> bool:
    if trunk.bare != "extension":
        return True
    ranges = trunk.ranges or [trunk.range_prefix + "x" * trunk.extension_length]
    return any(len(did) == len(one) and all(a in ("x", b) for a, b in zip(one, did, strict=True)) for one in ranges)

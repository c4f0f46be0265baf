"""What each line kind may reach, in one table. `routing` compiles by it, `coverage` counts by it; the dialplan's part
is that whoever does not speak is never asked, never told and never answered by an announcement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.domain.directory import LineKind


class Source(StrEnum):
    """Where the steps before the announcement come from. A number that is the DID's own comes before all of them."""

    OWNER = "owner"
    """Private numbers: of the owner, or of the deputy."""
    SITE = "site"
    """Whoever is on duty: the team whose line it is, and the number that takes over for it or for the site."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """`sources` in the order in which they are tried. `speaks`: a person calls such a line, or is called by it, and
    speaks at once. Only then is anything said to either side: a team rung, a key asked for, music, voicemail, an
    announcement that answers."""

    sources: tuple[Source, ...]
    speaks: bool


# Machines that talk to machines (fax, alarm) have nothing to say to a person: without a number of their own they get
# the announcement alone, refused at its end, so that their own second path takes over. A lift, a telecare alarm and a
# door call by a machine for people in need: they take whatever answers for help, a voicemail too, and may not wait for
# a key to be pressed. They go to the place's own number, never to a private one. A child or adult at risk reaches
# somebody on duty, never somebody at home. A switchboard is asked for by its place before its owner.
LINE_KINDS: Final[dict[LineKind, KindRule]] = {
    LineKind.VOICE: KindRule((Source.OWNER, Source.SITE), speaks=True),
    LineKind.SWITCHBOARD: KindRule((Source.SITE, Source.OWNER), speaks=True),
    LineKind.SAFEGUARDING: KindRule((Source.SITE,), speaks=True),
    LineKind.LIFT: KindRule((Source.SITE,), speaks=False),
    LineKind.TELECARE: KindRule((Source.SITE,), speaks=False),
    LineKind.DOOR: KindRule((Source.SITE,), speaks=False),
    LineKind.FAX: KindRule((), speaks=False),
    LineKind.ALARM: KindRule((), speaks=False),
}

SOURCES: Final = {kind: rule.sources for kind, rule in LINE_KINDS.items()}

SPOKEN: Final = frozenset(kind for kind, rule in LINE_KINDS.items() if rule.speaks)

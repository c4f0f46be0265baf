"""[egress.caps]: what diverted calls may come to in an hour, so that a divert cannot be made to cost a fortune.

The dialplan enforces them alone, by the clock hour. They never stop a critical DID. 0 is no limit.
"""

from __future__ import annotations

from pydantic import Field

from ringfence.asterisk.caps import Cap, Caps
from ringfence.config.words import Table

MOST = 1_000_000


class CapsSettings(Table):
    """[egress.caps]: most calls and minutes an hour; 0: no limit. Critical DIDs are counted and never refused."""

    # One a minute: whoever is called oftener than that is called by a machine.
    did_calls: int = Field(60, ge=0, le=MOST, description="diverted calls an hour to one DID that rings no team")
    # Four conversations at a time for the whole hour, on a number that one person answers.
    did_minutes: int = Field(240, ge=0, le=MOST, description="minutes they may last together")
    # A line with ten people who take a call every two minutes.
    team_calls: int = Field(
        300,
        ge=0,
        le=MOST,
        description="diverted calls an hour to one DID that rings a team, and to each member's number",
    )
    team_minutes: int = Field(1200, ge=0, le=MOST, description="minutes they may last together, over all members")
    # As for a DID: a person may own several.
    person_calls: int = Field(60, ge=0, le=MOST, description="attempts an hour to ring one person's number")
    person_minutes: int = Field(240, ge=0, le=MOST, description="minutes an hour answered on one person's number")
    # A thousand people who are called three times each.
    total_calls: int = Field(3000, ge=0, le=MOST, description="diverted calls an hour in all")
    # A hundred conversations at a time for the whole hour; [egress] max_calls stops most sites long before.
    total_minutes: int = Field(6000, ge=0, le=MOST, description="minutes they may last together")

    def for_dialplan(self) -> Caps:
        return Caps(
            did=Cap(self.did_calls, self.did_minutes),
            team=Cap(self.team_calls, self.team_minutes),
            person=Cap(self.person_calls, self.person_minutes),
            total=Cap(self.total_calls, self.total_minutes),
        )

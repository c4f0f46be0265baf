"""What may happen in the long simulation, by name, and how often one is drawn beside the others."""

from __future__ import annotations

WEIGHTS: dict[str, int] = {
    "platform dead": 10,
    "platform refusing": 5,
    "platform flapping": 4,
    "platform slow": 3,
    "packets lost": 4,
    "a trunk dead": 4,
    "all carriers dead": 2,
    "node cut off": 5,
    "daemon stopped and continued": 3,
    "daemon restarted": 6,
    "daemon restarted with lost memory": 2,
    "daemon off for a while": 2,
    "database gone": 4,
    "database slow": 3,
    "daemon restarted without its database": 2,
    "Asterisk restarted": 4,
    "AstDB changed behind our back": 3,
    "an override": 10,
    "an override ended by a person": 4,
    "a failback ordered": 6,
    "clock stepped forward": 2,
    "clock stepped back": 2,
}
PEOPLE, TIMES, SUMMER = "joiners, movers, leavers", "somebody's time came", "daylight saving begins or ends"
FAULTS = (*WEIGHTS, PEOPLE, TIMES, SUMMER)
"""Everything that has to happen in hours enough."""

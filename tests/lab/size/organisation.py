"""A made-up organisation with many platforms, team lines and people with two DIDs, of any size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.lab.people import SITES, Organisation

FULL_DIDS = 100_000
SCOPES = 20
DIDS_PER_TEAM = 100
MEMBERS = 10
"""Of each team line; as departments, all people are spread over the teams."""


@dataclass(frozen=True, slots=True)
class LargeOrganisation(Organisation):
    """Half as many people as DIDs, a team line for each hundred; two thirds of the other DIDs are a second one of
    somebody, the rest vacant. A DID's platform goes round, so that each has as many."""

    scopes: int = SCOPES

    @classmethod
    def of(cls, dids: int = FULL_DIDS) -> LargeOrganisation:
        """One of this many DIDs."""
        teams = tuple(f"team {number}" for number in range(max(1, dids // DIDS_PER_TEAM)))
        return cls(people=dids // 2, dids=dids, teams=teams)

    @property
    def scope_names(self) -> list[str]:
        """The first is the platform that every configuration of the lab has."""
        return [self.platform, *(f"uc{number}" for number in range(1, self.scopes))]

    def owned_dids(self) -> list[str]:
        """Those of the first platform: an order about it moves their calls."""
        return [self.did(number) for number in range(0, self.people, self.scopes)]

    def dids_csv(self) -> str:
        names, rows = self.scope_names, ["did,owner,site,platform,kind,critical,team"]
        for number in range(self.dids):
            owner, team = self._whose(number)
            platform = names[number % self.scopes]
            rows.append(f"{self.did(number)},{owner},{SITES[number % 2]},{platform},voice,no,{team}")
        return "\n".join(rows) + "\n"

    def _whose(self, number: int) -> tuple[str, str]:
        if number < self.people:
            return f"p{number}", ""
        line = number - self.people
        if line < len(self.teams):
            return "", self.teams[line]
        return ("", "") if number % 3 == 0 else (f"p{number - self.people}", "")

    def teams_csv(self) -> str:
        rows = ["name,site,strategy,members"]
        for number, name in enumerate(self.teams):
            members = " ".join(f"p{(number + place * len(self.teams)) % self.people}" for place in range(MEMBERS))
            rows.append(f"{name},{SITES[number % 2]},all,{members}")
        return "\n".join(rows) + "\n"

    def renumbered(self, people: Iterable[int]) -> str:
        """The people's file with a new mobile for each of these."""
        lines = self.people_csv().splitlines()
        for number in people:
            lines[number + 1] = lines[number + 1].replace("+447700", "+447701")
        return "\n".join(lines) + "\n"


def platforms(organisation: LargeOrganisation) -> str:
    """The configuration's tables of all platforms but the first; they share one far end."""
    table = '[[platform]]\nname = "{name}"\nhost_port = "{{platform}}"\nprofile = "lan"\n'
    return "\n".join(table.format(name=name) for name in organisation.scope_names[1:])

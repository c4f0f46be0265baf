"""A made-up organisation of any size, as the three CSV files an administrator would import.

Small ones take their numbers from the ranges Ofcom keeps for drama (0113 496 0000 to 0999, 07700 900000 to 900999);
large ones run on beyond them, and none of it ever leaves the loopback.
"""

from __future__ import annotations

from dataclasses import dataclass

SITES = ("north", "south")


@dataclass(frozen=True, slots=True)
class Organisation:
    """`people` own a DID each; the DIDs beyond them are vacant and go to their site's fallback number. Where there are
    `teams`, people are in them in turn."""

    people: int = 200
    dids: int = 240
    platform: str = "uc"
    teams: tuple[str, ...] = ()

    def did(self, number: int) -> str:
        return f"+44113{4_960_000 + number:07}"

    def all_dids(self) -> list[str]:
        return [self.did(number) for number in range(self.dids)]

    def owned_dids(self) -> list[str]:
        return [self.did(number) for number in range(self.people)]

    def mobile(self, number: int) -> str:
        return f"+447700{900_000 + number:06}"

    def fallback(self, site: str) -> str:
        return f"+44131496{SITES.index(site):04}"

    def people_csv(self) -> str:
        rows = ["key,name,site,default_number_1" + (",team" if self.teams else "")]
        rows += [f"p{n},Person {n},{SITES[n % 2]},{self.mobile(n)}{self._team(n)}" for n in range(self.people)]
        return "\n".join(rows) + "\n"

    def _team(self, number: int) -> str:
        return f",{self.teams[number % len(self.teams)]}" if self.teams else ""

    def dids_csv(self) -> str:
        rows = ["did,owner,site,platform,kind,critical"]
        for n in range(self.dids):
            owner = f"p{n}" if n < self.people else ""
            rows.append(f"{self.did(n)},{owner},{SITES[n % 2]},{self.platform},voice,no")
        return "\n".join(rows) + "\n"

    def sites_csv(self) -> str:
        rows = ["name,fallback_number,announcement"]
        rows += [f"{site},{self.fallback(site)},unavailable" for site in SITES]
        return "\n".join(rows) + "\n"

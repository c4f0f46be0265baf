"""A small organisation, and the orders about it: whose numbers change by import, HR and hand, and what is said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random
from urllib.parse import quote

from ringfence.domain.override import OverrideTarget
from tests.lab.chaos.book import Book
from tests.lab.chaos.check import ACCEPTED, IMPORTED, SAID
from tests.lab.chaos.orders import NOTHING, PASSING_SECONDS, Kind, Order, tag
from tests.lab.hr_site import COLUMNS, Employee
from tests.lab.people import Organisation

TEAMS = ("sales", "care", "ops")
ASKED_TEAM = "care"
"""What is said about it waits for a second person."""
FED = range(40)
"""Whose numbers HR states."""
CHANGING = range(60, 100)
"""Whose numbers change by import."""
BY_HAND = range(100, 120)
PASSING = range(160, 200)
"""About whose DIDs words are said that end by themselves."""
LISTS = 3
WIDE = ({"scope": "uc"}, {"everything": True}, {"site": "north"}, {"site": "south"}, {"team": "sales"})

MORE = """
[override]
second_person = ["team"]
"""


class Company:
    """`seed`'s orders, one after the other, whichever lane asks."""

    def __init__(self, random: Random, folder: Path, people: int = 200, dids: int = 240) -> None:
        self.organisation = Organisation(people, dids, teams=TEAMS)
        self._random = random
        self._folder = folder
        self._number = 0
        self._dids = [self.organisation.did(n) for n in range(120, 150)]
        self._asked: dict[str, str] = {}  # by tag, the mode that was asked for
        self._about: dict[str, Mapping[str, object]] = {}  # by cell, the target as it is given
        self._fresh = [self.organisation.did(n) for n in PASSING]
        self.sweep_next = False
        """The next word diverts the platform, after whatever stands about it was released."""

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def word(self, book: Book) -> Order:
        """Says something about anything that needs no second person, or releases what stands."""
        if self.sweep_next:
            return self._sweeping(book)
        target = self._target()
        if book.holds(f"override {_target_of(target)}") != NOTHING and self._random.random() < 0.5:
            return self._release(target)
        wide = "scope" in target or "everything" in target
        return self._say(target, self._random.choice(("dr", "normal", "freeze") if wide else ("dr", "normal")))

    def _sweeping(self, book: Book) -> Order:
        for wide in ({"scope": "uc"}, {"everything": True}):
            if book.holds(f"override {_target_of(wide)}") != NOTHING:
                return self._release(wide)
        self.sweep_next = False
        return self._say({"scope": "uc"}, "dr")

    def passing(self) -> Order | None:
        """A word that ends by itself, about a DID that has had none since the last comparison; None: all had."""
        if not self._fresh:
            return None
        number, did = self.next_number(), self._fresh.pop()
        mode = self._random.choice(("dr", "normal"))
        body = {"did": did, "mode": mode, "reason": tag(number), "for": f"{PASSING_SECONDS}s"}
        traces = (f"history {tag(number)}", f"audit override {mode} set {tag(number)}")
        return Order(number, Kind.PASSING, "PUT", "/override", body, traces=traces)

    def compared(self) -> None:
        """Nothing stands any more about what had a word that ended by itself."""
        self._fresh = [self.organisation.did(n) for n in PASSING]

    def otherwise(self, book: Book, order: Order) -> Order:
        """What somebody else says about the same target: it is released where anything stands, else forced."""
        (cell,) = order.cells
        target = self._about[cell]
        return self._say(target, "normal") if book.holds(cell) == NOTHING else self._release(target)

    def _release(self, target: Mapping[str, object]) -> Order:
        number, about = self.next_number(), self._cell(target)
        given = "&".join(_query(name, value) for name, value in target.items())
        path = f"/override?{given}&reason={quote(tag(number))}"
        traces = (f"history {tag(number)}", f"audit override released {tag(number)}")
        return Order(number, Kind.RELEASE, "DELETE", path, cells={about: NOTHING}, traces=traces, key=f"k{number}")

    def _say(self, target: Mapping[str, object], mode: str) -> Order:
        number, about = self.next_number(), self._cell(target)
        traces = (f"history {tag(number)}", f"audit override {mode} set {tag(number)}")
        body = {**target, "mode": mode, "reason": tag(number), "for": "12h"}
        return Order(number, Kind.OVERRIDE, "PUT", "/override", body, {about: tag(number)}, traces, f"k{number}")

    def _cell(self, target: Mapping[str, object]) -> str:
        cell = f"override {_target_of(target)}"
        self._about[cell] = target
        return cell

    def ask(self) -> Order:
        number, mode = self.next_number(), self._random.choice(("dr", "normal"))
        self._asked[tag(number)] = mode
        body = {"team": ASKED_TEAM, "mode": mode, "reason": tag(number)}
        cells = {f"waiting team:{ASKED_TEAM}": tag(number)}
        traces = (f"audit override {mode} asked for {tag(number)}",)
        return Order(number, Kind.ASK, "PUT", "/override", body, cells, traces, f"k{number}")

    def approve(self, book: Book, id_: str) -> Order:
        asked = book.holds(f"waiting team:{ASKED_TEAM}")
        cells = {f"waiting team:{ASKED_TEAM}": NOTHING, f"override team:{ASKED_TEAM}": asked}
        path = f"/override/pending/{id_}/approve"
        number, traces = self.next_number(), (f"history {asked}", f"audit override {self._asked[asked]} set {asked}")
        return Order(number, Kind.APPROVE, "POST", path, None, cells, traces, f"k{number}", "bob")

    def import_(self, book: Book) -> Order:
        """Some numbers and critical marks changed, in files of everybody."""
        number, before = self.next_number(), book.imports.get(book.holds(IMPORTED))
        after = dict(before) if before is not None else self._first_import()
        for person in self._random.sample(CHANGING, self._random.randrange(1, 12)):
            mark = " critical" if self._random.random() < 0.3 else ""
            after[f"p{person}"] = f"{self._another(person, after[f'p{person}'])}{mark}"
        book.imports[tag(number)] = after
        body = {
            "people": {"name": "people.csv", "text": self._people_csv(after)},
            "dids": {"name": "dids.csv", "text": self._dids_csv(after)},
            "sites": {"name": "sites.csv", "text": self.organisation.sites_csv()},
            "dry_run": False,
            "accept_cautions": True,
            "reason": tag(number),
        }
        traces = (f"directory {tag(number)}", f"audit directory changed {tag(number)}")
        return Order(number, Kind.IMPORT, "POST", "/import", body, {IMPORTED: tag(number)}, traces)

    def entry(self, book: Book) -> Order:
        """A person's numbers by hand, or given back to the feeds."""
        number, person = self.next_number(), self._random.choice(BY_HAND)
        about, path = f"entry p{person}", f"/people/p{person}/numbers"
        traces = (f"note {tag(number)}", f"audit entry {tag(number)}")
        if book.holds(about) != NOTHING and self._random.random() < 0.4:
            path = f"{path}?reason={quote(tag(number))}"
            return Order(number, Kind.ENTRY, "DELETE", path, None, {about: NOTHING}, traces)
        body = {"numbers": [{"number": self._another(person)}], "reason": tag(number)}
        return Order(number, Kind.ENTRY, "PUT", path, body, {about: tag(number)}, traces)

    def feed(self, book: Book) -> Order:
        """HR's whole export with some numbers changed, laid into the folder; the order is to read it."""
        number, before = self.next_number(), book.feeds.get(book.holds(SAID))
        stated = dict(before or {f"p{n}": self.organisation.mobile(n) for n in FED})
        for person in self._random.sample(FED, self._random.randrange(3, 20)):
            stated[f"p{person}"] = self._another(person, stated[f"p{person}"])
        book.feeds[tag(number)] = stated
        name = f"people-{number:06}.csv"
        self._lay(name, stated)
        traces = (f"run {name}", f"audit feed taken in {name}")
        body = {"source": "payroll", "dry_run": False}
        return Order(number, Kind.SYNC, "POST", "/hr/sync", body, {SAID: tag(number)}, traces)

    def decide(self, book: Book, plan: int, fingerprint: str) -> Order:
        number = self.next_number()
        body = {"approve": True, "reason": tag(number), "fingerprint": fingerprint}
        traces = (f"plan {tag(number)}", f"note {tag(number)}", f"audit plan approved {tag(number)}")
        cells = {ACCEPTED: book.holds(SAID)}
        return Order(number, Kind.DECIDE, "POST", f"/hr/plans/{plan}/decision", body, cells, traces)

    def feeds_waiting(self) -> bool:
        return any(self._folder.glob("*.csv"))

    def _first_import(self) -> dict[str, str]:
        return {f"p{n}": self.organisation.mobile(n) for n in range(self.organisation.people)}

    def _another(self, person: int, but: str = "") -> str:
        """One of the person's own numbers; not that one."""
        known = [self.organisation.mobile(person + 200 * n) for n in range(4)]
        return self._random.choice([number for number in known if number != but.split(" ")[0]])

    def _target(self) -> dict[str, object]:
        drawn = self._random.random()
        if drawn < 0.3:
            wide = WIDE[self._random.randrange(len(WIDE) - 1)]
            return dict(wide)
        if drawn < 0.45:
            first = 10 * self._random.randrange(LISTS)
            return {"dids": self._dids[first : first + 5]}
        return {"did": self._dids[10 * self._random.randrange(LISTS) + 5 + self._random.randrange(5)]}

    def _people_csv(self, numbers: Mapping[str, str]) -> str:
        rows = self.organisation.people_csv().splitlines()
        found = [rows[0]]
        for row in rows[1:]:
            key, name, site, _, team = row.split(",")
            found.append(f"{key},{name},{site},{numbers[key].split()[0]},{team}")
        return "\n".join(found) + "\n"

    def _dids_csv(self, numbers: Mapping[str, str]) -> str:
        rows = self.organisation.dids_csv().splitlines()
        critical = {key for key, value in numbers.items() if value.endswith("critical")}
        found = [row[: -len("no")] + "yes" if row.split(",")[1] in critical else row for row in rows]
        return "\n".join(found) + "\n"

    def _lay(self, name: str, stated: Mapping[str, str]) -> None:
        lines = [",".join(COLUMNS)]
        for person in FED:
            row = Employee(person, {"private_number": stated[f"p{person}"]}).row(self.organisation)
            lines.append(",".join(row.get(column, "") for column in COLUMNS))
        aside = self._folder / f"{name}.part"
        aside.write_text("\n".join(lines) + "\n")
        os.rename(aside, self._folder / name)


def _target_of(target: Mapping[str, object]) -> OverrideTarget:
    if "everything" in target:
        return OverrideTarget()
    dids = target.get("dids")
    if isinstance(dids, list):
        return OverrideTarget.of_dids(dids)
    ((name, value),) = target.items()
    return OverrideTarget(**{name: str(value)})  # type: ignore[arg-type]


def _query(name: str, value: object) -> str:
    if isinstance(value, list):
        return "&".join(f"dids={quote(one)}" for one in value)
    return f"{name}={'true' if value is True else quote(str(value))}"

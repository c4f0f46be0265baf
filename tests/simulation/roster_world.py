"""A random company over three years, and what its HR sources say of it.

`Company` is what really happens and what is said of it, by two sources: a payroll that sends everybody (now and then
cut short, or with a column shifted, or not at all), and an account directory that pushes single people, sometimes late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import Batch, HrNumber, HrRecord
from ringfence.domain.hr.roster import RosterPolicy
from ringfence.domain.numbers import Did

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
NUMBERS_EACH = 20
POLICY = RosterPolicy(("payroll", "accounts"))
ZONES = {"Leeds": "Europe/London", "Boston": "America/New_York"}
SITES = [Site("Leeds", "+441134960000", time_zone="Europe/London"), Site("Boston", time_zone="America/New_York")]


def number(person: int, version: int) -> str:
    """Every number is one person's for ever."""
    return f"+447700{900_000 + person * NUMBERS_EACH + version % NUMBERS_EACH}"


@dataclass(slots=True)
class Employee:
    """Somebody as they really are."""

    index: int
    key: PersonKey
    account_key: PersonKey
    starts: date
    ends: date | None = None
    active: bool = True
    site: str = "Leeds"
    department: str = "Sales"
    dids: tuple[Did, ...] = ()
    numbers: int = 0
    away: tuple[date, date | None, PersonKey] | None = None
    second_post_ends: date | None = None

    def payroll(self) -> list[HrRecord]:
        since, until, deputy = self.away or (None, None, None)
        record = HrRecord(
            self.key,
            self.key,
            name=f"Person {self.index}",
            email=f"{self.index}@example.test",
            site=self.site,
            department=self.department,
            numbers=(HrNumber(number(self.index, self.numbers)),),
            starts=self.starts,
            ends=self.ends,
            away_from=since,
            away_until=until,
            deputy=deputy,
        )
        if self.second_post_ends is None:
            return [record]
        return [record, HrRecord(self.key, self.key, "2", site=self.site, ends=self.second_post_ends)]

    def account(self) -> HrRecord:
        return HrRecord(f"guid-{self.index}", self.account_key, active=self.active, dids=self.dids, site=self.site)


class Company:
    """What happens, and what is said of it. `told` is the last that each source delivered, by (source, id, post)."""

    def __init__(self, random: Random, size: int, began: datetime = BEGAN) -> None:
        self.random = random
        self.size = size
        self.today = began.date()
        self.dids = [Did(f"+441134{960_100 + n:06d}") for n in range(size + size // 5)]
        self.free = list(self.dids)
        random.shuffle(self.free)
        self.staff: list[Employee] = []
        self.unsaid: set[int] = set()
        self.told: dict[tuple[str, str, str], HrRecord] = {}
        for _ in range(size * 4 // 5):
            self._hire(began.date() - timedelta(days=random.randrange(2_000)))
        self.base = self._import()

    def live(self, now: datetime) -> None:
        """What happened since the last time."""
        self.today = now.date()
        for _ in range(max(4, self.size // 20)):
            self._happen()

    def payroll(self) -> Batch:
        """Everybody, and leavers for two months more, and once at least."""
        listed = [
            employee
            for employee in self.staff
            if employee.ends is None
            or self.today - employee.ends < timedelta(days=60)
            or (told := self.told.get(("payroll", employee.key, ""))) is None
            or told.ends != employee.ends
        ]
        return self._delivered("payroll", [r for e in listed for r in e.payroll()], complete=True)

    def cut_short(self) -> Batch:
        batch = self.payroll_as_it_is()
        return self._delivered("payroll", batch[: self.random.randrange(len(batch) // 4, len(batch))], complete=True)

    def shifted(self) -> Batch:
        """Everybody with the next one's telephone, who has only begun or has left as well."""
        records = [record for record in self.payroll_as_it_is() if record.numbers is not None]
        numbers = [record.numbers for record in records]
        moved = [
            HrRecord(
                r.id, r.key, r.post, r.name, r.email, r.site, r.department, None, None, others, None, r.starts, r.ends
            )
            for r, others in zip(records, numbers[1:] + numbers[:1], strict=True)
        ]
        return self._delivered("payroll", moved, complete=True)

    def payroll_as_it_is(self) -> list[HrRecord]:
        return [record for employee in self.staff for record in employee.payroll()]

    def pushes(self) -> Batch:
        """The accounts that changed, except those that are pushed later."""
        now = [index for index in sorted(self.unsaid) if self.random.random() < 0.8]
        self.unsaid.difference_update(now)
        return self._delivered("accounts", [self.staff[index].account() for index in now], complete=False)

    def all_accounts(self) -> Batch:
        self.unsaid.clear()
        return self._delivered("accounts", [e.account() for e in self.staff], complete=True)

    def anybody(self) -> Employee:
        return self.random.choice(self.staff)

    def _import(self) -> Directory:
        owners = {did: e.key for e in self.staff for did in e.dids}
        return Directory.of(
            [Person(e.key, f"Person {e.index}", e.site, (DefaultNumber(number(e.index, 0)),)) for e in self.staff],
            [DidAssignment(did, owners.get(did), SITES[n % 2].name, "uc") for n, did in enumerate(self.dids)],
            SITES,
        )

    def _happen(self) -> None:
        random, someone = self.random, self.anybody()
        gone = not someone.active or (someone.ends is not None and someone.ends < self.today)
        event = random.randrange(12)
        if event < 2:
            self._hire(self.today + timedelta(days=random.randrange(-5, 60)))
            return
        if gone:
            if event < 6:  # comes back, perhaps to the same DID
                someone.starts, someone.ends, someone.active = (
                    self.today + timedelta(days=random.randrange(30)),
                    None,
                    True,
                )
                someone.dids = someone.dids if someone.dids and random.random() < 0.3 else self._did()
            elif someone.dids:  # the DID goes to whoever comes next, and perhaps HR forgets to take it off the leaver
                self.free.extend(did for did in someone.dids if did not in self.free)
                someone.dids = someone.dids if random.random() < 0.3 else ()
        elif event < 4:
            someone.ends = self.today + timedelta(days=random.randrange(-5, 40))
        elif event == 4:
            someone.active = False
        elif event == 5:
            self.free.extend(did for did in someone.dids if did not in self.free)
            someone.dids = self._did()
        elif event == 6:
            someone.site, someone.department = random.choice(["Leeds", "Boston"]), random.choice(["Sales", "Care"])
        elif event == 7:
            someone.numbers += 1
        elif event == 8:
            since = self.today + timedelta(days=random.randrange(-10, 20))
            until = None if random.random() < 0.2 else since + timedelta(days=random.randrange(60))
            someone.away = None if random.random() < 0.4 else (since, until, self.anybody().key)
        elif event == 9:
            someone.ends = None if random.random() < 0.5 else self.today + timedelta(days=random.randrange(200))
        elif event == 10:
            someone.second_post_ends = self.today + timedelta(days=random.randrange(-30, 90))
        else:
            someone.account_key = PersonKey(f"{someone.key}.{someone.account_key.count('.') + 1}")
        self.unsaid.add(someone.index)

    def _hire(self, starts: date) -> None:
        if len(self.staff) >= self.size * 5 // 4:
            return
        index = len(self.staff)
        key = PersonKey(f"p{index}")
        ends = starts + timedelta(days=self.random.randrange(30, 400)) if self.random.random() < 0.1 else None
        self.staff.append(Employee(index, key, key, starts, ends, dids=self._did()))
        self.unsaid.add(index)

    def _did(self) -> tuple[Did, ...]:
        if self.random.random() < 0.03:  # two people with one DID
            return (self.random.choice(self.dids),)
        return (self.free.pop(0),) if self.free else ()

    def _delivered(self, source: str, records: list[HrRecord], *, complete: bool) -> Batch:
        self.told.update(((source, record.id, record.post), record) for record in records)
        return Batch(source, tuple(records), complete, rows=len(records))


def whose(e164: str) -> int:
    """The index of whoever has this number."""
    return (int(e164[7:]) - 900_000) // NUMBERS_EACH

"""Staff are told where their calls go: whom it concerns, once, at a bounded rate, across a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable
from ringfence.app.notify.staff import StaffMessages, StaffRules
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.mail import mail_addresses
from ringfence.domain.hr.record import HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState, Roster
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.staff_message import staff_text
from ringfence.store.staff_store import SqlStaffStore
from tests.fakes.channels import FakeMail
from tests.fakes.clock import NOON, FakeClock
from tests.integration.outbox_site import CountedDatabase, settled

POLICY = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))), 90)
RULES = StaffRules(frozenset({"uc"}), 300, 10, "Europe/London")
KEYS = ("ada", "bob", "cy", "dan", "eve")


def directory() -> Directory:
    """Ada has a default number; Bob has none and his site a reception; Cy's site has nobody; Dan's deputy is Ada; Eve
    is on another platform."""
    sites = [Site("Leeds", "+441134960999", time_zone="Europe/Paris"), Site("Hull")]
    people = [
        Person(PersonKey("ada"), "Ada", "Leeds", (DefaultNumber("+447700900234"),)),
        Person(PersonKey("bob"), "Bob", "Leeds"),
        Person(PersonKey("cy"), "Cy", "Hull"),
        Person(PersonKey("dan"), "Dan", "Leeds", deputy=PersonKey("ada")),
        Person(PersonKey("eve"), "Eve", "Leeds", (DefaultNumber("+447700900235"),)),
    ]
    dids = [
        DidAssignment(
            Did(f"+44113496000{n}"), PersonKey(key), "Hull" if key == "cy" else "Leeds", "pbx" if key == "eve" else "uc"
        )
        for n, key in enumerate(KEYS)
    ]
    return Directory.of(people, dids, sites)


class Staff:
    """One life of the daemon's part, with what it is told from outside."""

    def __init__(self, database: CountedDatabase, clock: FakeClock, mail: FakeMail) -> None:
        self.database, self.clock, self.mail = database, clock, mail
        self.diverted = {"uc": False, "pbx": False}
        self.without: set[str] = set()

        async def addresses(people: frozenset[PersonKey]) -> Mapping[PersonKey, str]:
            return {key: f"{key}@example.org" for key in people if key not in self.without}

        store = SqlStaffStore(database)
        self.store = store
        self.staff = StaffMessages(RULES, mail, store, clock, lambda: self.diverted, directory, POLICY, addresses)

    async def advance(self, seconds: float, step: float = 5.0) -> None:
        passed = 0.0
        while passed < seconds:
            await self.clock.advance(min(step, seconds - passed))
            passed += step
            await settled(self.database)

    async def until(self, so: Callable[[], bool], step: float = 5.0) -> None:
        """Moves the clock until it is so: what runs in a thread takes time of its own."""
        for _ in range(1_000):
            if so():
                return
            await self.advance(step, step)
        raise AssertionError("it never came to be so")

    @property
    def told(self) -> list[str]:
        return [address.partition("@")[0] for address, *_ in self.mail.sent]


@asynccontextmanager
async def site(file: Path, clock: FakeClock, mail: FakeMail) -> AsyncIterator[Staff]:
    database = CountedDatabase.at(file)
    await database.prepare()
    found = Staff(database, clock, mail)
    task = asyncio.create_task(found.staff.run())
    try:
        await settled(database)
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.db"


async def test_those_whose_calls_move_are_told_and_told_again_when_they_come_back(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    async with site(file, clock, mail) as here:
        here.without = {"bob"}
        here.diverted["uc"] = True
        await here.advance(290)
        assert mail.sent == []
        await here.until(lambda: len(mail.sent) == 3, 1)
        assert here.told == ["ada", "cy", "dan"]
        here.without = set()
        here.diverted["uc"] = False
        await here.until(lambda: len(mail.sent) == 6)
        # Bob heard nothing of the way there, and need hear nothing of the way back.
        assert here.told[3:] == ["ada", "cy", "dan"]
        await here.advance(4_000, step=60)
    assert len(mail.sent) == 6
    subjects = [subject for _, subject, _, _ in mail.sent]
    assert subjects[0] == "Your calls now go to the number ending 234"
    assert subjects[3] == "Your calls come to your usual telephone again"
    assert len({delivery for *_, delivery in mail.sent}) == 6


async def test_a_flap_is_told_to_nobody(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    async with site(file, clock, mail) as here:
        for _ in range(5):
            here.diverted["uc"] = True
            await here.advance(280)
            here.diverted["uc"] = False
            await here.advance(60)
    assert mail.sent == []


async def test_a_restart_goes_on_where_it_was_and_repeats_nobody(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    async with site(file, clock, mail) as here:
        here.diverted["uc"] = True
        await here.advance(295)
        await here.until(lambda: len(mail.sent) >= 2, 0.1)
    async with site(file, clock, mail) as here:
        here.diverted["uc"] = True
        await here.until(lambda: len(mail.sent) >= 4)
        await here.advance(600, step=20)
    assert sorted(here.told) == ["ada", "bob", "cy", "dan"]


async def test_no_more_go_in_a_second_than_may(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    async with site(file, clock, mail) as here:
        here.diverted["uc"] = True
        await here.advance(295)
        await here.until(lambda: bool(mail.sent), 0.05)
        counts = []
        for _ in range(4):
            counts.append(len(mail.sent))
            await here.advance(0.1, step=0.1)
    assert counts == [1, 2, 3, 4]


async def test_a_mail_server_in_trouble_is_waited_for_and_yesterdays_news_dropped(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    mail.fault = ChannelUnavailable("It does not run.")
    async with site(file, clock, mail) as here:
        here.diverted["uc"] = True
        await here.advance(1_800, step=60)
        mail.fault = None
        await here.until(lambda: len(mail.sent) == 4, step=10)
        assert sorted(here.told) == ["ada", "bob", "cy", "dan"]
        mail.fault = ChannelUnavailable("It does not run.")
        here.diverted["uc"] = False
        await here.advance(13 * 3600, step=300)
        mail.fault = None
        await here.advance(3_600, step=60)
    assert len(mail.sent) == 4


async def test_a_refused_address_holds_up_nobody(file: Path) -> None:
    clock, mail = FakeClock(), FakeMail()
    mail.fault = ChannelRefused("550 no such mailbox")
    async with site(file, clock, mail) as here:
        here.diverted["uc"] = True
        await here.until(lambda: mail.attempts == 4)
        mail.fault = None
        await here.advance(600, step=20)
        assert await here.store.due(clock.now().wall, 10) == []
    assert mail.sent == []


def test_the_text_says_where_since_when_in_the_sites_own_time_and_no_more_of_the_number() -> None:
    known = directory()
    texts = {
        key: staff_text([known.assignments[Did(f"+44113496000{n}")]], known, POLICY, True, NOON, "Europe/London")
        for n, key in enumerate(KEYS)
    }
    assert "to the number ending 234 since 13:00 on 15 January 2030 (Europe/Paris)" in texts["ada"].text
    assert "+44 113 496 0000" in texts["ada"].text
    assert texts["bob"].subject == "Your calls now go to your site's reception"
    assert texts["cy"].subject == "Your calls now reach nobody"
    assert "12:00 on 15 January 2030 (Europe/London)" in texts["cy"].text
    assert texts["dan"].subject == "Your calls now go to your deputy"
    everything = " ".join(text.subject + text.text for text in texts.values())
    assert "7700" not in everything and "900" not in everything and "0999" not in everything
    assert "234" not in texts["dan"].text


def test_addresses_are_those_that_hr_states_in_the_order_of_the_sources() -> None:
    def stated(source: str, key: str, email: str | None, accepted: bool = True) -> tuple[RecordId, RecordState]:
        record = HrRecord(key, PersonKey(key), email=email)
        at = datetime(2030, 1, 1, tzinfo=UTC)
        return RecordId(source, key, ""), RecordState(record, record if accepted else None, at)

    records = dict(
        [
            stated("ldap", "ada", "old@example.org"),
            stated("payroll", "ada", "ada@example.org"),
            stated("payroll", "bob", None),
            stated("ldap", "bob", "bob@example.org"),
            stated("ldap", "cy", "held@example.org", accepted=False),
            stated("ldap", "dan", "dan@example.org"),
        ]
    )
    roster = Roster(records, aliases={PersonKey("ada"): PersonKey("ada.b")})
    wanted = [PersonKey(key) for key in ("ada.b", "bob", "cy")]
    found = mail_addresses(roster, ["payroll", "ldap"], wanted)
    assert found == {"ada.b": "ada@example.org", "bob": "bob@example.org"}

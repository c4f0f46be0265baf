"""The LDAP source against a real slapd with 3,000 people and Active Directory's attributes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from ringfence.domain.hr.record import NumberUse
from tests.integration.ldap_site import (
    ELSEWHERE,
    FIELDS,
    LEFT,
    STAFF,
    SiteFactory,
    by_key,
    dn_of,
    guid,
    ignore,
    person,
    running_sites,
)
from tests.lab.ports import Ports
from tests.lab.slapd import LIMITED, SUFFIX

PEOPLE = 3_000


@pytest_asyncio.fixture
async def make_site(ports: Ports, tmp_path: Path) -> AsyncIterator[SiteFactory]:
    async with running_sites(ports, tmp_path) as make:
        yield make


async def test_3_000_people_come_page_by_page_and_whole(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(PEOPLE)))
    counts: list[int] = []
    feed = await site.source().read("", lambda done, total: counts.append(done))
    people = by_key(feed)
    assert (feed.batch.complete, feed.batch.rows, len(people)) == (True, PEOPLE, PEOPLE)
    assert counts == [500, 1000, 1500, 2000, 2500, 3000]
    found = people["e7"]
    assert found.id == str(guid(7))
    assert (found.name, found.site, found.active, found.manager) == ("Person 7", "Leeds", True, "e0")
    assert (found.dids, found.ends_at) == (("+441134960007",), None)
    assert [(number.e164, number.use) for number in found.numbers or ()] == [("+447700900007", NumberUse.PRIVATE)]
    assert await site.read(feed.cursor) is not None, "the newest change is searched again"

    limited = site.source(bind_dn=LIMITED)
    with pytest.raises(FeedRefused, match="ended the search early"):
        await limited.read("", ignore)
    with pytest.raises(FeedRefused, match="more than 2000 objects"):
        await site.read(max_entries=2000)

    def kill_after_the_first_page(done: int, total: int | None) -> None:
        site.slapd.process.kill_now()

    with pytest.raises(SourceUnavailable, match="stopped answering"):
        await site.source(page_size=100).read("", kill_after_the_first_page)
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await site.read()


async def test_between_two_sweeps_only_what_has_changed_is_read(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(20)))
    feed = await site.full()
    site.slapd.change(dn_of(3), {"displayName": "Renamed Person"})
    site.slapd.add(
        f"cn=New,{STAFF}",
        ["inetOrgPerson", "adUser"],
        {"sn": "New", "employeeID": "e99", "objectGUID": guid(99).bytes_le, "manager": dn_of(5)},
    )
    site.now += timedelta(hours=12)
    changes = await site.read(feed.cursor)
    assert changes.batch.complete is False
    people = by_key(changes)
    assert set(people) == {"e3", "e99", "e19"}, "e19 was the newest before"
    assert people["e3"].name == "Renamed Person"
    assert (people["e3"].manager, people["e99"].manager) == ("e0", "e5"), "looked up: they are not among the changes"
    again = await site.read(changes.cursor)
    assert set(by_key(again)) <= {"e3", "e99"}

    site.now += timedelta(hours=12)
    assert (await site.read(changes.cursor)).batch.complete is True, "a day after the sweep, not after the changes"
    assert len(by_key(await site.read(changes.cursor))) == 21


async def test_what_changes_the_reading_asks_for_a_full_sweep(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(3)))
    feed = await site.full()
    assert (await site.read(feed.cursor)).batch.complete is False
    assert (await site.read(feed.cursor, fields={**FIELDS, "department": "sn"})).batch.complete is True
    assert (await site.read("not a cursor")).batch.complete is True
    moved = json.dumps({**json.loads(feed.cursor), "server": "another"})
    assert (await site.read(moved)).batch.complete is True


async def test_nothing_new_is_said_as_such(make_site: SiteFactory) -> None:
    site = await make_site(person(0))
    feed = await site.full()
    later = json.dumps({**json.loads(feed.cursor), "changed": "20300101000000Z"})
    assert await site.read(later) is None


async def test_disabled_and_expiring_accounts_are_explicit_facts(make_site: SiteFactory) -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    filetime = int((ends - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    site = await make_site(
        person(0),
        person(1, userAccountControl="514"),
        person(2, accountExpires=str(filetime)),
        person(3, employeeType="retired"),
        person(4, userAccountControl=""),
    )
    people = by_key(await site.full(disabled_when={"employeeType": "Retired"}))
    assert {key: record.active for key, record in people.items()} == {
        "e0": True,
        "e1": False,
        "e2": True,
        "e3": False,
        "e4": True,
    }
    assert people["e2"].ends_at == ends
    feed = await site.full()
    assert by_key(feed)["e4"].active is None, "nothing is said of it"
    site.slapd.change(dn_of(0), {"userAccountControl": "514"})
    assert by_key(await site.read(feed.cursor))["e0"].active is False


async def test_a_disabled_account_stops_ringing_although_something_in_it_cannot_be_read(make_site: SiteFactory) -> None:
    site = await make_site(
        person(0), person(1, mobile="ask reception", userAccountControl="514"), person(2, mobile="ask reception")
    )
    batch = (await site.full()).batch
    assert (batch.gone, [record.key for record in batch.records]) == ({str(guid(1))}, ["e0"])
    assert sorted(problem.id for problem in batch.rejected) == ["", str(guid(2))]


async def test_who_is_moved_to_a_place_of_leavers_has_left(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(3)))
    places = {"leaver_bases": [f"OU=left , {SUFFIX.upper()}"]}
    feed = await site.full(**places)
    assert all(record.active for record in feed.batch.records)
    site.slapd.move(dn_of(1), LEFT)
    changes = by_key(await site.read(feed.cursor, **places))
    assert (changes["e1"].active, changes["e1"].id) == (False, str(guid(1)))
    sweep = await site.full(**places)
    assert {key: record.active for key, record in by_key(sweep).items()} == {"e0": True, "e1": False, "e2": True}
    employed = await site.full(base=SUFFIX, employed_bases=[STAFF], filter="(&(objectClass=adUser))")
    assert {key: record.active for key, record in by_key(employed).items()} == {"e0": True, "e1": False, "e2": True}


async def test_who_is_moved_anywhere_else_is_found_by_the_identifier(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(4)))
    wide = {"search_base_all": SUFFIX}
    feed = await site.full(**wide)
    assert (await site.full()).cursor.count(str(guid(1))) == 0, "nobody is remembered for nothing"
    site.slapd.move(dn_of(1), ELSEWHERE)
    site.slapd.add(
        f"cn=Stranger,{ELSEWHERE}", ["inetOrgPerson", "adUser"], {"sn": "x", "objectGUID": guid(50).bytes_le}
    )
    changes = await site.read(feed.cursor, **wide)
    assert by_key(changes)["e1"].active is False
    assert str(guid(50)) not in {record.id for record in changes.batch.records}

    site.now += timedelta(days=2)
    sweep = await site.read(changes.cursor, **wide)
    assert sweep.batch.complete is True
    assert {key: record.active for key, record in by_key(sweep).items()} == {
        "e0": True,
        "e1": False,
        "e2": True,
        "e3": True,
    }
    site.slapd.delete(f"cn=Person 1,{ELSEWHERE}")
    site.now += timedelta(days=2)
    last = await site.read(sweep.cursor, **wide)
    assert set(by_key(last)) == {"e0", "e2", "e3"}, "deleted: absent, and no leaver"


async def test_who_matches_the_filter_no_longer_is_absent_and_no_leaver(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n, employeeType="staff") for n in range(2)))
    settings = {"search_base_all": SUFFIX, "filter": "(employeeType=staff)", "full_sweep_hours": 0}
    feed = await site.full(**settings)
    site.slapd.change(dn_of(1), {"employeeType": "other"})
    assert set(by_key(await site.read(feed.cursor, **settings))) == {"e0"}


async def test_who_has_left_and_matches_the_filter_no_longer_is_looked_for(make_site: SiteFactory) -> None:
    """As where leavers are taken out of the group that the filter asks for."""
    site = await make_site(*(person(n, employeeType="staff") for n in range(3)))
    settings = {
        "search_base_all": SUFFIX,
        "filter": "(employeeType=staff)",
        "full_sweep_hours": 0,
        "leaver_bases": [LEFT],
    }
    feed = await site.full(**settings)
    site.slapd.change(dn_of(1), {"employeeType": "other", "userAccountControl": "514"})
    site.slapd.change(dn_of(2), {"employeeType": "other"})
    site.slapd.move(dn_of(2), LEFT)
    sweep = await site.read(feed.cursor, **settings)
    assert {key: record.active for key, record in by_key(sweep).items()} == {"e0": True, "e1": False, "e2": False}


async def test_another_server_that_is_referred_to_is_not_asked(make_site: SiteFactory) -> None:
    branch = f"dn: ou=Branch,{STAFF}\nobjectClass: referral\nobjectClass: extensibleObject\nou: Branch\n"
    site = await make_site(person(0), f"{branch}ref: ldap://192.0.2.1/ou=Branch,dc=example,dc=org\n")
    assert set(by_key(await site.full())) == {"e0"}
    with pytest.raises(SourceError, match="refers to another server"):
        await site.full(base=f"ou=Deep,ou=Branch,{STAFF}")


async def test_a_deleted_object_is_missed_by_the_changes_and_absent_from_the_sweep(make_site: SiteFactory) -> None:
    site = await make_site(*(person(n) for n in range(3)))
    feed = await site.full()
    site.slapd.delete(dn_of(1))
    changes = await site.read(feed.cursor)
    assert (set(by_key(changes)), changes.batch.gone) == ({"e2"}, frozenset())
    assert set(by_key(await site.full())) == {"e0", "e2"}
    with pytest.raises(SourceError, match="Only Active Directory knows include_deleted"):
        await site.full(include_deleted=True)


async def test_objects_that_cannot_be_read_are_named_and_present(make_site: SiteFactory) -> None:
    site = await make_site(
        person(0),
        person(1, employeeID=""),
        person(2, mobile="07700 900002 or so"),
        "\n".join(line for line in person(3).splitlines() if "objectGUID" not in line) + "\n",
        person(4, l="Leeds\nl: York"),
        person(
            5,
            mobile="07700 900555\nmobile: 07700 900005",
            telephoneNumber="+44 113 496 0555\ntelephoneNumber: +44 113 496 0005",
        ),
    )
    feed = await site.full()
    assert {record.key for record in feed.batch.records} == {"e0", "e5"}
    assert {(problem.where, problem.field, problem.id) for problem in feed.batch.rejected} == {
        (dn_of(1), "employeeID", str(guid(1))),
        (dn_of(2), "mobile", str(guid(2))),
        (dn_of(3), "objectGUID", ""),
        (dn_of(4), "l", str(guid(4))),
    }
    assert "900002" not in repr(feed.batch.rejected)
    assert feed.batch.rows == 6
    several = next(record for record in feed.batch.records if record.key == "e5")
    assert several.dids == ("+441134960005", "+441134960555")
    assert [number.e164 for number in several.numbers or ()] == ["+447700900005", "+447700900555"]


async def test_two_objects_with_one_identifier_are_both_told(make_site: SiteFactory) -> None:
    site = await make_site(person(0), person(1, employeeID="e0"), person(2))
    feed = await site.full(id_attribute="employeeID")
    assert (feed.batch.repeated, {record.id for record in feed.batch.records}) == ({"e0"}, {"e2"})

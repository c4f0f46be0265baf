"""The LDAP source against a real slapd with 3,000 people and Active Directory's attributes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from ringfence.app.hr_ports import Feed, FeedRefused, SourceError, SourceUnavailable
from ringfence.domain.hr_record import HrRecord, NumberUse
from ringfence.hr.ldap import LdapSettings, LdapSource
from ringfence.hr.ldap_link import LdapLink
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports
from tests.lab.slapd import LIMITED, READER, SUFFIX, Slapd

PEOPLE = 3_000
STAFF, LEFT, ELSEWHERE = f"ou=Staff,{SUFFIX}", f"ou=Left,{SUFFIX}", f"ou=Elsewhere,{SUFFIX}"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIELDS = {"private_number": "mobile", "site": "l"}
GROUPS = [
    f"dn: {dn}\nobjectClass: organizationalUnit\nou: {dn[3:].partition(',')[0]}\n" for dn in (STAFF, LEFT, ELSEWHERE)
]


def guid(n: int) -> UUID:
    return UUID(int=0x5EED_0000_0000_4000_8000_0000_0000_0000 + n)


def dn_of(n: int) -> str:
    return f"cn=Person {n},{STAFF}"


def person(n: int, **more: str) -> str:
    """Everybody's manager is person 0; the later the number, the later the change."""
    changed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
    attributes = {
        "sn": str(n),
        "displayName": f"Person {n}",
        "employeeID": f"e{n}",
        "userAccountControl": "512",
        "accountExpires": "9223372036854775807",
        "l": "Leeds",
        "manager": dn_of(0),
        "telephoneNumber": f"+44 113 {4960000 + n:07}",
        "mobile": f"07700 {900000 + n:06}",
        "modifyTimestamp": f"{changed:%Y%m%d%H%M%SZ}",
    } | more
    lines = [f"dn: {dn_of(n)}", "objectClass: inetOrgPerson", "objectClass: adUser", f"cn: Person {n}"]
    lines.append(f"objectGUID:: {base64.b64encode(guid(n).bytes_le).decode()}")
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in attributes.items() if value)]) + "\n"


class Site:
    """A directory, and sources that read it."""

    def __init__(self, slapd: Slapd, authority: CertificateAuthority, folder: Path) -> None:
        self.slapd = slapd
        self.authority = authority
        self.folder = folder
        self.now = NOW
        self.password_file = folder / "password"
        self.write_password(slapd.password)

    def write_password(self, text: str) -> None:
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(text)

    def settings(self, **changes: Any) -> LdapSettings:
        values = {
            "name": "ad",
            "type": "ldap",
            "preset": "active_directory",
            "fields": FIELDS,
            "url": f"ldaps://{HOST}:{self.slapd.tls_port}",
            "ca_file": self.authority.file,
            "bind_dn": READER,
            "password_file": self.password_file,
            "base": STAFF,
            "changed_attribute": "modifyTimestamp",
            "overlap_minutes": 0,
            "answer_seconds": 5,
        } | changes
        return LdapSettings.model_validate(values)

    def source(self, **changes: Any) -> LdapSource:
        return LdapSource(self.settings(**changes), "GB", lambda: self.now)

    async def read(self, cursor: str = "", **changes: Any) -> Feed | None:
        return await self.source(**changes).read(cursor, ignore)

    async def full(self, **changes: Any) -> Feed:
        feed = await self.read(**changes)
        assert feed is not None
        return feed


def ignore(done: int, total: int | None) -> None:
    """Nobody looks at the progress."""


def by_key(feed: Feed) -> dict[str, HrRecord]:
    assert feed.batch.rejected == ()
    return {record.key: record for record in feed.batch.records}


SiteFactory = Callable[..., Any]


@pytest_asyncio.fixture
async def make_site(ports: Ports, tmp_path: Path) -> AsyncIterator[SiteFactory]:
    running: list[Slapd] = []

    async def make(*entries: str, names: tuple[str, ...] = (HOST, "localhost"), days: int = 30) -> Site:
        authority = CertificateAuthority(tmp_path / "ca")
        slapd = Slapd(ports, authority.certify(*names, days=days))
        running.append(slapd)
        slapd.load([*GROUPS, *entries])
        await slapd.start()
        return Site(slapd, authority, tmp_path)

    yield make
    for slapd in running:
        await slapd.close()


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
    changes = await site.read(feed.cursor)
    assert changes.batch.complete is False
    people = by_key(changes)
    assert set(people) == {"e3", "e99", "e19"}, "e19 was the newest before"
    assert people["e3"].name == "Renamed Person"
    assert (people["e3"].manager, people["e99"].manager) == ("e0", "e5"), "looked up: they are not among the changes"
    again = await site.read(changes.cursor)
    assert set(by_key(again)) <= {"e3", "e99"}

    site.now += timedelta(hours=24)
    assert (await site.read(changes.cursor)).batch.complete is True
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


async def test_a_directory_that_shows_nobody_or_lacks_a_place_is_refused(make_site: SiteFactory) -> None:
    site = await make_site(person(0))
    with pytest.raises(FeedRefused, match="no object below"):
        await site.full(filter="(employeeID=nobody)")
    for places in (
        {"base": f"ou=Gone,{SUFFIX}"},
        {"employed_bases": [f"ou=Gone,{SUFFIX}"]},
        {"leaver_bases": [f"ou=Gone,{STAFF}"]},
    ):
        with pytest.raises(SourceError, match="is not there") as caught:
            await site.full(**places)
        assert caught.value.retry is False
    with pytest.raises(SourceError, match="filter: is no LDAP filter"):
        await site.full(filter="(&(employeeID)(=x))")


async def test_a_wrong_password_is_refused_without_showing_it(make_site: SiteFactory) -> None:
    site = await make_site(person(0))
    site.write_password("wr0ng-and-private")
    with pytest.raises(SourceError, match=r"refused the sign-in of cn=reader.*password") as caught:
        await site.full()
    assert caught.value.retry is False
    assert str(site.password_file) in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    site.password_file.chmod(0o644)
    with pytest.raises(SourceError, match="others may read"):
        await site.full()


async def test_tls_is_verified_whichever_way_it_begins(make_site: SiteFactory, tmp_path: Path) -> None:
    site = await make_site(person(0))
    other = CertificateAuthority(tmp_path / "other", name="another CA")
    plain = f"ldap://{HOST}:{site.slapd.port}"
    assert len((await site.full(url=plain, start_tls=True)).batch.records) == 1
    assert len((await site.full(url=plain)).batch.records) == 1, "on loopback nobody listens"
    for ways in ({}, {"url": plain, "start_tls": True}):
        with pytest.raises(SourceUnavailable, match=r"does not verify.*`ca_file`"):
            await site.full(**ways, ca_file=other.file)
        with pytest.raises(SourceUnavailable, match="does not verify"):
            await site.full(**ways, ca_file=None)
    with pytest.raises(SourceUnavailable, match="TLS cannot begin"):
        await site.full(url=f"ldaps://{HOST}:{site.slapd.port}")
    with pytest.raises(SourceUnavailable, match="stopped answering"):
        await site.full(url=f"ldap://{HOST}:{site.slapd.tls_port}", answer_seconds=2)
    with pytest.raises(SourceError, match="PEM"):
        await site.full(ca_file=site.password_file)


async def test_a_certificate_for_another_host_or_of_yesterday_is_refused(make_site: SiteFactory) -> None:
    site = await make_site(person(0), names=("dc1.example.com",))
    with pytest.raises(SourceUnavailable, match=r"does not verify.*name that stands in the certificate"):
        await site.full()
    site = await make_site(person(0), days=-1)
    with pytest.raises(SourceUnavailable, match=r"does not verify.*Renew"):
        await site.full()


async def test_a_server_that_hangs_is_given_up_and_a_reading_can_be_broken_off(make_site: SiteFactory) -> None:
    site = await make_site(person(0))
    await site.slapd.process.freeze()
    with pytest.raises(SourceUnavailable, match="stopped answering"):
        await site.full(answer_seconds=1)
    settings = site.settings(answer_seconds=100)
    link = LdapLink(settings, site.slapd.password)
    opening = asyncio.create_task(asyncio.to_thread(link.open))
    while not opening.done():
        link.abort()
        await asyncio.sleep(0.05)
    with pytest.raises(SourceUnavailable, match="broken off"):
        await opening
    link.close()
    reading = asyncio.create_task(LdapSource(settings, "GB", lambda: NOW).read("", ignore))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

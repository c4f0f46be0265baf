"""The LDAP source against a real slapd that refuses, hangs, or shows the wrong certificate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from ringfence.hr.ldap import LdapSource
from ringfence.hr.ldap_link import LdapLink
from tests.integration.ldap_site import FIELDS, NOW, STAFF, SiteFactory, ignore, person, running_sites
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports
from tests.lab.slapd import SUFFIX


@pytest_asyncio.fixture
async def make_site(ports: Ports, tmp_path: Path) -> AsyncIterator[SiteFactory]:
    async with running_sites(ports, tmp_path) as make:
        yield make


async def test_a_directory_that_shows_nobody_or_lacks_a_place_is_refused(make_site: SiteFactory) -> None:
    site = await make_site(person(0))
    with pytest.raises(FeedRefused, match="no object below"):
        await site.full(filter="(employeeID=nobody)")
    with pytest.raises(FeedRefused, match=r"No object has anything in ipPhone, which is mapped to `did`"):
        await site.full(fields={**FIELDS, "did": "ipPhone"})
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
    site = await make_site(person(0), names=("localhost",))
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


async def test_a_server_that_sends_byte_by_byte_is_given_up_in_time(make_site: SiteFactory, ports: Ports) -> None:
    site = await make_site(person(0))
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"\x30\x84\x7f\xff\xff\xff")  # an answer of 2 GB
        while not reader.at_eof():
            writer.write(b"\x00")
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), timeout=0.05)
        writer.close()
        ended.set()

    port = ports.take()
    async with await asyncio.start_server(drip, HOST, port):
        with pytest.raises(SourceUnavailable, match="took longer than"):
            await site.full(url=f"ldap://{HOST}:{port}", read_minutes=0.01, answer_seconds=100)
        await asyncio.wait_for(ended.wait(), timeout=5)  # nobody is left waiting for the rest

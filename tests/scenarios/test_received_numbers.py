"""What `ringfence explain --as-received` says of a number, and what the dialplan makes of it: the same, over numbers
and trunks made up at random, by real calls."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import quote

import pytest_asyncio

from ringfence.asterisk.site import SiteDialplan, Trunk
from ringfence.domain.received_invite import did_text
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules, read_number
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.site import CallSite, running_site
from tests.scenarios.site_files import TRUNKS

SEED = 6
FORMS_PER_TRUNK = 22
CALLS_AT_ONCE = 30
TEL = re.compile(r"[+]?[0-9]+(;[a-z-]+(=[+0-9a-z.]+)?)*")  # anything else behind tel: is dropped without an answer
RANGES = ("+441134960xxx", "+441134971xxx", "+4411349800xx")


def trunks() -> tuple[Trunk, ...]:
    """Each way of reading with each kind of prefix, and a few of elsewhere."""
    extension = {"bare": BareNumber.EXTENSION, "range_prefix": "+4411349600", "extension_length": 2}
    several = {"bare": BareNumber.EXTENSION, "ranges": RANGES[:2], "extension_length": 4}
    kinds: list[dict[str, object]] = [
        {},
        {"bare": BareNumber.NATIONAL},
        {"international_prefix": "", "national_prefix": ""},
        {"country": "49", "bare": BareNumber.NATIONAL},
        {"country": "1", "national_prefix": "1", "international_prefix": "011"},
        {"national_prefix": "00", "international_prefix": "0"},
        extension,
        several,
        {"bare": BareNumber.EXTENSION, "ranges": RANGES[::2], "national_prefix": "", "international_prefix": "000"},
        *({"source": source} for source in DidSource if source is not DidSource.REQUEST_URI),
        {"source": DidSource.P_CALLED_PARTY_ID, **several},
    ]
    return tuple(
        Trunk(f"t{n}", "uc", number=NumberRules(**kind))  # type: ignore[arg-type]
        for n, kind in enumerate(kinds)
    )


@dataclass(frozen=True, slots=True)
class Case:
    trunk: Trunk
    uri: str
    caller: str

    @property
    def header(self) -> list[tuple[str, str]]:
        if self.trunk.number.source is DidSource.P_CALLED_PARTY_ID:
            return [("P-Called-Party-ID", f'"A <sip:1@x> name" {self.uri}')]
        return [("Diversion", f"{self.uri};reason=unconditional")] * (self.trunk.number.source is DidSource.DIVERSION)


def received(random: Random) -> str:
    """The user part of a URI, as carriers write it and as they do not."""
    digits = f"1134{random.choice(('960', '971', '980', '90'))}{random.randrange(1000):03}"
    starts = ("+44", "44", "0044", "0", "", "", "+", "00", "011", "+0", "+49", "0049", "000", "+440", "1", "+440")
    number = random.choice(starts) + digits
    match random.randrange(10):
        case 0 | 1:
            number = digits[-random.randrange(1, 8) :]
        case 2:
            number = "".join(random.choice("0123456789") for _ in range(random.randrange(1, 18)))
        case 3:
            number += random.choice((";npdi", ";npdi;rn=+441134960000", ";rn=441134;cic=+4412", ";x=y", ";", ";isub=1"))
        case 4:
            context = random.choice(("+44", "+49", "+1", "+4", "ims.example", "+44.example", "a+44"))
            number += f";phone-context={context}" + random.choice(("", ";npdi", ";tgrp=a.b"))
        case 5 if random.random() < 0.5:
            number = random.choice(("anonymous", "trunk", "s", "+", "++44", number + "#", "*" + number, number + "w1"))
    return number


def invented() -> list[Case]:
    random = Random(SEED)
    print(f"seed {SEED}")
    cases = []
    for trunk in trunks():
        for _ in range(FORMS_PER_TRUNK):
            user = quote(received(random), safe="+;=#*") if random.random() < 0.9 else "%2B441134960123"
            scheme = "tel" if random.random() < 0.15 and TEL.fullmatch(user) else "sip"
            uri = f"{scheme}:{user.replace('#', '%23')}" + ("" if scheme == "tel" else "@127.0.0.1")
            if trunk.number.source is not DidSource.REQUEST_URI:
                uri = f"<{uri}>"
            cases.append(Case(trunk, uri, f"+4416329{len(cases):05}"))
    return cases


@pytest_asyncio.fixture
async def many_trunks(installation: Installation) -> AsyncIterator[CallSite]:
    def change(site: SiteDialplan) -> SiteDialplan:
        return replace(site, trunks=(TRUNKS[0], *trunks()))

    async with running_site(installation, change=change) as site:
        yield site


async def place(site: CallSite, case: Case) -> int | None:
    host = f"127.0.0.1:{site.asterisk.ports.sip}"
    uri, to = f"sip:pilot@{host}", ""
    if case.trunk.number.source is DidSource.REQUEST_URI:
        uri = case.uri.replace("@127.0.0.1", f"@{host}")
    elif case.trunk.number.source is DidSource.TO:
        to = case.uri
    call = await site.carrier.call(
        "pilot",
        from_=case.caller,
        raw_request_uri=uri.encode(),
        raw_to=to or None,
        headers=[("X-Lab-Trunk", case.trunk.name), *case.header],
        hold_seconds=0.01,
    )
    return call.final_status


async def test_the_dialplan_reads_what_explain_says(many_trunks: CallSite) -> None:
    site, room, cases = many_trunks, asyncio.Semaphore(CALLS_AT_ONCE), invented()

    async def one(case: Case) -> int | None:
        async with room:
            return await place(site, case)

    statuses = await asyncio.gather(*map(one, cases))
    callers = {case.caller for case in cases}

    def events() -> dict[str, dict[str, str]]:
        return {event["caller"]: event for event in site.events if event["eventname"] == "RingfenceCall"}

    await wait_until(lambda: callers <= events().keys(), what="an event of each call", deadline_seconds=15)
    told, wrong = events(), []
    for case, status in zip(cases, statuses, strict=True):
        event = told[case.caller]
        source = case.trunk.number.source
        field = next(iter(case.header), ("", case.uri))[1]
        reading = read_number(did_text(source, field), case.trunk.number)
        got = (event["path"] == "refused", event["did"])
        if got != (reading.refused, reading.did) or (status == 404) != reading.refused:
            wrong.append(f"{case.trunk} {case.uri}: {got} {status}, foretold {reading}")
    print("\n".join(wrong))
    assert not wrong
    assert len({event["did"] for event in told.values()}) > len(cases) / 2

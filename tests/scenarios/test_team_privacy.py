"""A team's private numbers: in nothing the caller receives, and in nothing Asterisk writes down or tells."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from ringfence.asterisk.call_records import read_row
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.team import Strategy, record_id
from tests.lab.behaviour import Behaviour
from tests.lab.call_result import CallResult
from tests.lab.number_scanner import found_in
from tests.lab.waiting import wait_until
from tests.scenarios.site import QUICK, CallSite
from tests.scenarios.teams import DECLINES, OFF, local_form, mobiles, open_team

MEMBERS = mobiles(3)
SLOTS = tuple(record_id(number) for number in MEMBERS)
CALLER = "+441619960111"
# Where a site has changed its endpoints: what stands between a member and the carrier then is the dialplan.
TALKATIVE = ("send_pai", "send_rpid", "send_connected_line", "send_history_info", "trust_id_inbound")


async def make_talkative(site: CallSite) -> None:
    """Its endpoints believe and pass on whatever they are told."""
    pjsip = site.asterisk.etc / "ringfence" / "pjsip_ringfence.conf"
    text = pjsip.read_text()
    for setting in TALKATIVE:
        assert f"{setting}=no" in text
        text = text.replace(f"{setting}=no", f"{setting}=yes")
    pjsip.write_text(text)
    await site.asterisk.reload("res_pjsip.so")


def telling(number: str, behaviour: Behaviour) -> Behaviour:
    """The same, and all a mobile network might say of whom it rings."""
    identity = f'"Mob Name" <sip:{number}@mobile.example>'
    headers = (
        ("P-Asserted-Identity", identity),
        ("Remote-Party-ID", f"{identity};party=called;privacy=off"),
        ("History-Info", f"<sip:{number}@mobile.example>;index=1"),
        ("Reason", f'SIP;cause=486;text="{number}"'),
    )
    return replace(behaviour, response_headers=headers)


async def call(site: CallSite, strategy: Strategy, wait_seconds: int = 0) -> tuple[str, CallResult]:
    """The DID and what came of a call to a team: one is off, one declines, one answers."""
    team = await open_team(site, MEMBERS, strategy, name=strategy, wait_seconds=wait_seconds)
    did = site.did()
    await team.call_in(did)
    ways = (OFF, DECLINES, replace(QUICK, answer_delay_ms=300))
    for number, behaviour in zip(MEMBERS, ways, strict=True):
        await site.network_a.behave(telling(number, behaviour), number=number)
        await site.network_b.behave(telling(number, behaviour), number=local_form(number))
    return did, await site.carrier.call(did, from_=CALLER, hold_seconds=0.2)


async def cdrs(site: CallSite, dids: Iterable[str]) -> str:
    """Asterisk's own records, once each of these calls has one."""
    file = site.asterisk.directory / "log" / "cdr-csv" / "Master.csv"
    await wait_until(
        lambda: file.exists() and all(f"rf1|{did}|" in file.read_text() for did in dids),
        what="a CDR of each call",
        deadline_seconds=10,
        diagnose=site.asterisk.log_tail,
    )
    return file.read_text()


async def test_nothing_of_a_member_reaches_the_caller_or_an_event(recording: CallSite) -> None:
    site = recording
    await make_talkative(site)
    for strategy in Strategy:
        did, result = await call(site, strategy)
        assert result.answered
        assert (await site.event("RingfenceCall", did))["answered_by"] == "team"
        received = b"\n".join(result.received).decode("latin-1")
        assert found_in(received, MEMBERS) == []
        for word in ("Mob Name", "ringfence-member", *SLOTS):
            assert word not in received
    assert found_in(str(site.events), MEMBERS) == []
    locals_ = [dial for dial in site.dials if "ringfence-member/n" in str(dial.get("dialstring"))]
    assert locals_
    assert found_in(str(locals_), MEMBERS) == []


async def test_asterisks_own_records_hold_no_number_and_tell_each_call_once(recording: CallSite) -> None:
    site = recording
    dids = [(await call(site, strategy))[0] for strategy in Strategy]
    records = await cdrs(site, dids)
    assert CALLER in records
    assert found_in(records, MEMBERS) == []
    rows = [row for line in records.splitlines() if (row := read_row(line)) is not None]
    assert {(row.did, row.answered_by) for row in rows} == {(did, AnsweredBy.TEAM) for did in dids}
    assert len({row.call_id for row in rows}) == len(dids)


async def test_who_is_let_go_while_still_being_dialled_leaves_no_number_behind(recording: CallSite) -> None:
    """The first of many answers at once: the others' channels end wherever they are."""
    site = recording
    many = mobiles(30)
    team = await open_team(site, many, Strategy.ALL)
    await site.network_a.behave(Behaviour(ring_delay_ms=0, answer_delay_ms=0))
    dids = [site.did() for _ in range(5)]
    await team.call_in(*dids)
    await asyncio.gather(*(site.carrier.call(did, from_=CALLER, hold_seconds=0.0) for did in dids))
    records = await cdrs(site, dids)
    assert records.count(f'"{CALLER}"') >= len(dids)
    assert found_in(records, many) == []

"""What Asterisk itself writes down: no private number in its CDR, nothing of a caller who withheld theirs."""

from __future__ import annotations

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.number_scanner import found_in
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, CallSite

SHOWN, WITHHELD = "+441619960111", "+441619960777"


async def test_no_record_of_asterisks_own_holds_a_number_that_was_not_to_be_told(recording: CallSite) -> None:
    site = recording
    answered, refused, withheld = site.did(), site.did(), site.did()
    for did in (answered, refused, withheld):
        await site.record(did, forced="divert")
    await site.carrier.call(answered, from_=SHOWN, hold_seconds=0.2)
    headers = [("Privacy", "id"), ("P-Asserted-Identity", f"<sip:{WITHHELD}@carrier.example>")]
    await site.carrier.call(withheld, from_=WITHHELD, headers=headers, hold_seconds=0.2)
    await site.network_a.behave(Behaviour(manner=Manner.REFUSE, status=486), number=MOBILE)
    await site.carrier.call(refused, from_=SHOWN, hold_seconds=0.2)
    file = site.asterisk.directory / "log" / "cdr-csv" / "Master.csv"
    await wait_until(
        lambda: file.exists() and all(f"rf1|{did}|" in file.read_text() for did in (answered, refused, withheld)),
        what="a CDR of each call",
        deadline_seconds=10,
        diagnose=site.asterisk.log_tail,
    )
    records = file.read_text()
    # One for each number that was dialled, and with the caller: it is not that nothing is recorded.
    assert records.count('"Dial"') == 4
    assert SHOWN in records
    assert found_in(records, (MOBILE, FALLBACK, WITHHELD)) == []


async def test_no_event_holds_the_number_of_a_caller_who_withheld_it(site: CallSite) -> None:
    on_platform, diverted = site.did(), site.did()
    await site.record(on_platform)
    await site.record(diverted, forced="divert")
    headers = [("Privacy", "user;id"), ("P-Asserted-Identity", f"<sip:{WITHHELD}@carrier.example>")]
    for did in (on_platform, diverted):
        await site.carrier.call(did, from_=WITHHELD, headers=headers)
        event = await site.event("RingfenceCall", did)
        assert event["caller"] == ""
        assert found_in(str(event), (WITHHELD,)) == []
    mine = [dial for dial in site.dials if on_platform in str(dial) or diverted in str(dial)]
    assert mine
    assert found_in(str(mine), (WITHHELD,)) == []


async def test_a_caller_who_shows_the_number_is_told(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.carrier.call(did, from_=SHOWN, headers=[("Privacy", "none")])
    assert (await site.event("RingfenceCall", did))["caller"] == SHOWN

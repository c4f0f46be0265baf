"""What a scope's mode and a person's word for one DID do to a call."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, PLAN, CallSite
from tests.scenarios.site_files import RING_BUDGET_SECONDS


async def test_divert_goes_to_the_plan_at_once(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("divert")
    call = await site.carrier.call(did, from_=did)
    assert call.answered
    assert site.rang(site.platform, caller=did) == []
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["reason"], event["decision"]) == ("divert", "scope-divert", "divert")
    assert (event["answered_by"], event["step"], event["platform_status"]) == ("person", "1", "")
    assert site.events_of("RingfenceLeg", did) == []
    moments = [int(event[name]) for name in ("started", "ringing", "answered", "ended")]
    assert moments == sorted(moments)


@pytest.mark.parametrize("status", [503, 404, 486, 480, 500])
async def test_pinned_passes_the_outcome_back(site: CallSite, status: int) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("pinned")
    await site.platform.answer(status, number=did)
    assert (await site.carrier.call(did, from_=did)).final_status == status
    assert site.rang(site.network_a, caller=did) == []
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == ("pinned", "platform", "nobody")


@pytest.mark.parametrize("status", [401, 407, 603])
async def test_pinned_never_passes_back_what_the_carrier_would_misread(site: CallSite, status: int) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("pinned")
    await site.platform.answer(status, number=did)
    assert (await site.carrier.call(did)).final_status == (603 if status == 603 else 503)


async def test_pinned_platform_that_is_silent_is_503(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("pinned")
    await site.platform.silent(number=did)
    assert (await site.carrier.call(did)).final_status == 503


@pytest.mark.parametrize(
    ("pinned_by", "decision"),
    [("scope", "divert"), ("scope", "normal"), ("did", "divert"), ("did", "normal")],
)
async def test_who_waits_under_a_pin_goes_by_the_word_that_took_its_place(
    site: CallSite, pinned_by: str, decision: str
) -> None:
    """An order of DR frees those who wait on the platform: with the pin of before they would be turned away."""
    did = site.did()
    await site.record(did, forced="pinned" if pinned_by == "did" else "-")
    await site.mode("pinned" if pinned_by == "scope" else "normal")
    await site.platform.silent(number=did)
    waiting = asyncio.create_task(site.carrier.call(did, from_=did))
    await wait_until(lambda: site.rang(site.platform, caller=did), what="the platform to be asked", deadline_seconds=20)
    if pinned_by == "scope":
        await site.mode(decision)
    else:
        await site.record(did, forced="divert" if decision == "divert" else "-")
    assert (await waiting).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == (decision, "inline", "person")


@pytest.mark.parametrize("ringing", [True, False])
async def test_who_is_freed_for_an_order_that_is_taken_back_at_once_is_put_through(
    site: CallSite, ringing: bool
) -> None:
    """DR frees who waits on the platform. By the time they look, the platform is what is wanted again."""
    did = site.did()
    await site.record(did, scope="slow")
    await site.mode("pinned", scope="slow")
    await (site.platform.ring_for_ever if ringing else site.platform.trying_only)(number=did)
    waiting = asyncio.create_task(site.carrier.call(did, from_=did))
    await wait_until(lambda: site.rang(site.platform, caller=did), what="the platform to be asked", deadline_seconds=20)
    await site.platform.healthy()
    await site.free("slow", ringing=ringing)
    assert (await waiting).answered
    assert len(site.rang(site.platform, caller=did)) == 2
    assert site.rang(site.network_a, caller=did) == []
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == ("pinned", "platform", "platform")


async def test_who_is_freed_under_a_pin_is_not_sent_back_for_ever(site: CallSite) -> None:
    did = site.did()
    await site.record(did, scope="slow")
    await site.mode("pinned", scope="slow")
    await site.platform.trying_only(number=did)
    waiting = asyncio.create_task(site.carrier.call(did, from_=did))
    for asked in (1, 2):
        await wait_until(
            lambda asked=asked: len(site.rang(site.platform, caller=did)) == asked,  # type: ignore[misc]
            what=f"the platform to be asked {asked} times",
            deadline_seconds=20,
        )
        await site.free("slow", ringing=False)
    assert (await waiting).final_status == 503
    assert len(site.rang(site.platform, caller=did)) == 2


@pytest.mark.parametrize(
    ("scope_decision", "forced", "platform_rings"),
    [("normal", "divert", False), ("divert", "pinned", True), ("pinned", "divert", False)],
)
async def test_word_for_a_did_beats_its_scope(
    site: CallSite, scope_decision: str, forced: str, platform_rings: bool
) -> None:
    did = site.did()
    await site.record(did, forced=forced)
    await site.mode(scope_decision)
    assert (await site.carrier.call(did, from_=did)).answered
    assert bool(site.rang(site.platform, caller=did)) == platform_rings
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["reason"]) == (forced, f"forced-{forced}")


async def test_trial_sends_a_share_to_the_platform_but_nothing_critical(site: CallSite) -> None:
    ordinary, critical = [site.did() for _ in range(40)], [site.did() for _ in range(5)]
    for did in (*ordinary, *critical):
        await site.record(did, critical=did in critical)
    await site.mode("trial", one_in=2)
    await asyncio.gather(*(site.carrier.call(did) for did in (*ordinary, *critical)))
    ends = [await site.event("RingfenceCall", did) for did in ordinary]
    tried = [event for event in ends if event["answered_by"] == "platform"]
    # One in two of 40: outside these bounds once in a hundred million runs.
    assert 3 <= len(tried) <= 37
    assert {event["path"] for event in ends} == {"trial"}
    assert {(await site.event("RingfenceCall", did))["answered_by"] for did in critical} == {"person"}


async def test_trial_is_ready_to_divert_inline(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("trial", one_in=1)
    await site.platform.answer(503, number=did)
    assert (await site.carrier.call(did)).answered
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == ("trial", "inline", "person")


@pytest.mark.parametrize("one_in", [0, -1])
async def test_trial_that_cannot_be_read_takes_the_plan(site: CallSite, one_in: int) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("trial", one_in=one_in if one_in >= 0 else 0)
    assert (await site.carrier.call(did)).answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"


async def test_unknown_did_uses_the_fallback_when_its_scope_is_diverted(site: CallSite) -> None:
    did = site.did()
    await site.mode("divert")
    await site.fallback()
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]
    assert (await site.event("RingfenceCall", did))["answered_by"] == "site"


async def test_unknown_did_without_fallback_is_announced(site: CallSite) -> None:
    did = site.did()
    await site.mode("divert")
    call = await site.carrier.call(did, hold_seconds=1.5)
    assert call.rtp_packet_count > 10
    assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


async def _waits(site: CallSite, did: str) -> None:
    """Until the call stands in the dialplan's Wait()."""

    async def there() -> bool:
        channels = (await site.asterisk.cli("core show channels concise")).splitlines()
        return any("!Wait!" in channel and did in channel for channel in channels)

    await wait_until(there, what="the call to wait for the table", deadline_seconds=5)


async def test_without_a_table_a_call_waits_for_its_record(site: CallSite) -> None:
    """AstDB was lost: the mode is there at once, the records follow."""
    did = site.did()
    await site.no_table()
    await site.mode("divert")
    await site.fallback()
    call = asyncio.create_task(site.carrier.call(did, from_=did))
    await _waits(site, did)
    assert site.rang(site.network_a, caller=did) == []
    await site.record(did)
    assert (await call).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]


async def test_who_has_no_record_goes_to_the_fallback_as_soon_as_the_table_is_there(site: CallSite) -> None:
    did = site.did()
    await site.no_table()
    await site.mode("divert")
    await site.fallback()
    call = asyncio.create_task(site.carrier.call(did, from_=did))
    await _waits(site, did)
    await site.table()
    assert (await call).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]


async def test_nobody_waits_for_ever_for_a_table_that_nobody_writes(site: CallSite) -> None:
    did = site.did()
    await site.no_table()
    await site.mode("divert")
    call = await site.carrier.call(did, hold_seconds=1.5)
    assert call.rtp_packet_count > 10
    assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


async def test_next_step_when_the_person_does_not_answer(site: CallSite) -> None:
    busy, silent = site.did(), site.did()
    for did in (busy, silent):
        await site.record(did, plan=PLAN.replace(":5,s", ":2,s"))
    await site.mode("divert")
    await site.network_a.answer(486, number=MOBILE)
    assert (await site.carrier.call(busy, from_=busy)).answered
    assert site.rang(site.network_a, caller=busy) == [MOBILE, FALLBACK]
    await site.network_a.ring_for_ever(number=MOBILE)
    assert (await site.carrier.call(silent, from_=silent)).answered
    assert site.rang(site.network_a, caller=silent) == [MOBILE, FALLBACK]
    assert (await site.event("RingfenceCall", silent))["step"] == "2"


async def test_ring_budget_ends_in_the_announcement(site: CallSite) -> None:
    """Two steps of 30 s in a budget of 4 s: the second never rings."""
    did = site.did()
    await site.record(did, plan=f"p:{MOBILE}:30,s:{FALLBACK}:30,a:unavailable:0")
    await site.mode("divert")
    await site.network_a.ring_for_ever(number=MOBILE)
    call = await site.carrier.call(did, from_=did, hold_seconds=1.5)
    assert call.answered_after_seconds is not None
    assert RING_BUDGET_SECONDS - 1 < call.answered_after_seconds < 15, "half of one step's time"
    assert call.rtp_packet_count > 10
    assert site.rang(site.network_a, caller=did) == [MOBILE]


async def test_trunk_that_stays_silent_does_not_stretch_the_ring_budget(site: CallSite) -> None:
    """The second trunk rings for what the first has left of it."""
    did = site.did()
    await site.record(did, plan=f"p:{MOBILE}:30,a:unavailable:0")
    await site.mode("divert")
    await site.network_a.silent()
    await site.network_b.ring_for_ever()
    call = await site.carrier.call(did, from_=did)
    assert call.answered_after_seconds is not None
    assert call.answered_after_seconds < RING_BUDGET_SECONDS + 1.0


BROKEN_PLANS = (
    *("", "a", "x:y:z", "p:not a number:5", "p:+44999:5", ",,,", "s::,p::", "a:nowhere:0", 'p:":5', "p:${X}:5"),
    ",".join(["p:+44999:5"] * 60),
)


async def test_broken_plan_still_ends_in_something_heard(site: CallSite) -> None:
    dids = [site.did() for _ in BROKEN_PLANS]
    for did, plan in zip(dids, BROKEN_PLANS, strict=True):
        await site.record(did, plan=plan, forced="divert")
    calls = await asyncio.gather(*(site.carrier.call(did, hold_seconds=1.5) for did in dids))
    for did, plan, call in zip(dids, BROKEN_PLANS, calls, strict=True):
        assert call.rtp_packet_count > 10, plan
        assert (await site.event("RingfenceCall", did))["answered_by"] == "announcement"


async def test_step_without_a_time_rings_all_the_same(site: CallSite) -> None:
    did = site.did()
    await site.record(did, plan=f"p:{MOBILE}", forced="divert")
    assert (await site.carrier.call(did)).answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"

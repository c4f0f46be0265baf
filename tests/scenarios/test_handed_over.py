"""Trunks with a `normal_context`: in NORMAL the site's own dialplan gets the call as it would without us, diverts are
ours, and one line behind its Dial brings back what the platform fails to take. There is no daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ringfence.asterisk.site import SiteDialplan, Trunk
from ringfence.domain.received_number import DidSource, NumberRules
from tests.lab.call_result import CallResult
from tests.lab.installation import Installation
from tests.lab.waiting import wait_until
from tests.scenarios.conftest import CDR
from tests.scenarios.site import FALLBACK, MOBILE, CallSite, running_site

SITE_HANGS_UP_WITH = 38
"""The site's own word for a Dial that failed: 500 to the carrier, which is nothing of ours."""

SECOND = "+447700900177"

NOTED = "+441134960799"
"""The site writes something of its own into this one's call record."""

_DIALPLAN = f"""\
[site-seen]
exten => s,1,Set(CHANNEL(hangup_handler_push)=site-handler,s,1)
 same => n,Set(DB(lab/seen/${{FILTER(0-9a-z,${{ARG1}})}})=${{CALLERID(num)}})
 same => n,Return()
[site-handler]
exten => s,1,UserEvent(LabHandler,did: ${{LAB_NUMBER}})
 same => n,DumpChan(0)
 same => n,Return()
[site-in]
exten => _[+0-9a-z].,1,Set(LAB_NUMBER=${{EXTEN}})
 same => n,Gosub(site-seen,s,1(${{EXTEN}}))
 same => n,GotoIf($["${{EXTEN}}" = "menu"]?menu)
 same => n,ExecIf($["${{EXTEN}}" = "{NOTED}"]?Set(CDR(userfield)=site-word))
 same => n,Dial(PJSIP/uc/sip:${{EXTEN}}@${{RF_P_uc_HOSTPORT}},3^1.5,iI)
 same => n,Hangup({SITE_HANGS_UP_WITH})
 same => n(menu),Answer()
 same => n,Wait(5)
exten => h,1,UserEvent(LabH,did: ${{LAB_NUMBER}})
 same => n,Hangup()
[site-with-door]
exten => _[+0-9].,1,Set(LAB_NUMBER=${{EXTEN}})
 same => n,Gosub(site-dial,s,1(${{EXTEN}}))
 same => n,UserEvent(LabBack,did: ${{LAB_NUMBER}})
 same => n,Hangup({SITE_HANGS_UP_WITH})
[site-recorded]
exten => _[+0-9].,1,Set(LAB_NUMBER=${{EXTEN}})
 same => n,Set(CHANNEL(hangup_handler_push)=site-handler,s,1)
 same => n,Gosub(site-dial,s,1(${{EXTEN}}))
 same => n,Hangup({SITE_HANGS_UP_WITH})
[site-dial]
exten => s,1,Dial(PJSIP/uc/sip:${{ARG1}}@${{RF_P_uc_HOSTPORT}},3^1.5,iI)
 same => n,Gosub(ringfence-failed,s,1)
 same => n,Return()
[site-circle]
exten => _[+0-9].,1,Set(CHANNEL(hangup_handler_push)=site-handler,s,1)
 same => n,Goto(ringfence-in-circle,${{EXTEN}},1)
[site-circle-anew]
exten => _[+0-9].,1,Set(GROUP()=anew)
 same => n,GotoIf($[${{GROUP_COUNT(anew)}} > 4]?enough)
 same => n,Dial(Local/${{EXTEN}}@ringfence-in-anew,5)
 same => n,Hangup()
 same => n(enough),Hangup({SITE_HANGS_UP_WITH})
"""


def _with_sites(site: SiteDialplan) -> SiteDialplan:
    more = (
        Trunk("handed", "uc", normal_context="site-in"),
        Trunk("door", "uc", normal_context="site-with-door"),
        Trunk("recorded", "uc", normal_context="site-recorded"),
        Trunk("gone", "uc", normal_context="site-no-more"),
        Trunk("circle", "uc", normal_context="site-circle"),
        Trunk("anew", "uc", normal_context="site-circle-anew"),
        Trunk("pilot", "uc", number=NumberRules(DidSource.TO), normal_context="site-in"),
    )
    return replace(site, trunks=(*site.trunks, *more))


@pytest_asyncio.fixture(scope="module")
async def shared_handed(installation: Installation) -> AsyncIterator[CallSite]:
    own = {"own_extensions.conf": _DIALPLAN, "cdr.conf": CDR}
    async with running_site(installation, own=own, change=_with_sites) as site:
        await site.asterisk.cli("module load app_dumpchan.so")
        yield site


@pytest_asyncio.fixture
async def site(shared_handed: CallSite) -> CallSite:
    await shared_handed.reset()
    return shared_handed


async def _call(site: CallSite, did: str, trunk: str = "handed", **how: object) -> CallResult:
    headers = [("X-Lab-Trunk", trunk), *how.pop("headers", ())]  # type: ignore[misc]
    return await site.carrier.call(did, **{"from_": did, "headers": headers, **how})  # type: ignore[arg-type]


async def test_in_normal_the_site_gets_the_call_and_its_handlers_run(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.mode("normal")
    assert (await _call(site, did)).answered
    assert site.rang(site.platform, caller=did) == [did]
    await site.event("LabHandler", did)
    await site.event("LabH", did)
    event, handed = await site.event("RingfenceCall", did), await site.event("RingfenceHanded", did)
    assert handed["call"] == event["call"]
    assert (event["decision"], event["path"], event["reason"]) == ("normal", "site", "scope-normal")
    assert (event["answered_by"], event["result"], event["scope"]) == ("platform", "answered", "uc")
    assert int(event["started"]) <= int(event["answered"]) <= int(event["ended"])


async def test_unknown_number_is_handed_over_as_it_came(site: CallSite) -> None:
    national = "01134960444"
    assert (await _call(site, national)).answered
    assert site.rang(site.platform, caller=national) == [national]
    event = await site.event("RingfenceCall", "+441134960444")
    assert (event["path"], event["reason"], event["received"]) == ("site", "no-record", national)


async def test_diverts_are_ours(site: CallSite) -> None:
    diverted, forced, fallback = site.did(), site.did(), site.did()
    for did, how in ((diverted, "-"), (forced, "divert")):
        await site.record(did, forced=how)
    await site.fallback(trunk="handed")
    await site.mode("divert")
    for did, number in ((diverted, MOBILE), (forced, MOBILE), (fallback, FALLBACK)):
        assert (await _call(site, did)).answered
        assert site.rang(site.network_a, caller=did) == [number]
        assert site.events_of("LabHandler", did) == []
    assert (await site.event("RingfenceCall", diverted))["path"] == "divert"
    assert site.rang(site.platform, caller=diverted) == []


@pytest.mark.parametrize(("decision", "path"), [("pinned", "site"), ("trial", "trial")])
async def test_pinned_and_trial_calls_are_the_sites_too(site: CallSite, decision: str, path: str) -> None:
    did = site.did()
    await site.record(did)
    await site.mode(decision, one_in=1)
    assert (await _call(site, did)).answered
    event = await site.event("RingfenceCall", did)
    assert (event["decision"], event["path"], event["answered_by"]) == (decision, path, "platform")
    await site.event("LabHandler", did)


@pytest.mark.parametrize(
    ("status", "result"), [(503, "failure"), (404, "undeliverable"), (486, "busy"), (603, "declined")]
)
async def test_a_failed_dial_stays_the_sites_and_is_told(site: CallSite, status: int, result: str) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(status, number=did)
    assert (await _call(site, did)).final_status == 500
    assert site.rang(site.network_a, caller=did) == []
    event, leg = await site.event("RingfenceCall", did), await site.event("RingfenceLeg", did)
    assert (event["path"], event["answered_by"], event["result"]) == ("site", "nobody", result)
    assert (leg["result"], leg["status"], leg["scope"]) == (result, str(status), "uc")


async def test_the_door_leads_to_the_plan(site: CallSite) -> None:
    refused, silent, gone = site.did(), site.did(), site.did()
    for did in (refused, silent, gone):
        await site.record(did)
    await site.platform.answer(503, number=refused)
    await site.platform.silent(number=silent)
    await site.platform.answer(480, number=gone)
    for did, number, path in (
        (refused, MOBILE, "inline"),
        (silent, MOBILE, "inline"),
        (gone, FALLBACK, "undeliverable"),
    ):
        assert (await _call(site, did, "door")).answered
        assert site.rang(site.network_a, caller=did) == [number]
        event = await site.event("RingfenceCall", did)
        assert (event["path"], event["result"], event["step"]) == (path, "answered", "1")
        assert len(site.events_of("RingfenceLeg", did)) == 1
        assert site.events_of("LabBack", did) == []


@pytest.mark.parametrize(("status", "forced"), [(486, "-"), (603, "-"), (503, "pinned")])
async def test_the_door_comes_back_with_what_is_nobodys_to_divert(site: CallSite, status: int, forced: str) -> None:
    did = site.did()
    await site.record(did, forced=forced)
    await site.platform.answer(status, number=did)
    assert (await _call(site, did, "door")).final_status == 500
    await site.event("LabBack", did)
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"], event["platform_status"]) == ("site", "nobody", str(status))
    assert len(site.events_of("RingfenceLeg", did)) == 1
    assert site.rang(site.network_a, caller=did) == []


async def test_what_answers_in_the_sites_dialplan_is_not_told_as_the_platform(site: CallSite) -> None:
    assert (await _call(site, "menu", from_="+441632960801")).answered
    event = await site.event("RingfenceCall", "")
    assert (event["path"], event["answered_by"], event["result"]) == ("site", "dialplan", "answered")
    assert (event["reason"], event["received"]) == ("number-not-clean", "menu")
    site.events.remove(event)


async def test_caller_who_gives_up_is_told_as_cancelled(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.ring_for_ever(number=did)
    await _call(site, did, cancel_when=lambda: site.heard_ringing(did))
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"], event["result"]) == ("site", "nobody", "cancelled")


async def test_withheld_number_reaches_the_site_as_ever_and_no_event(site: CallSite) -> None:
    """What a site makes of such a caller (a list of the blocked, a telephone's display) stays as it was."""
    normal, diverted, caller = site.did(), site.did(), "+441632960817"
    await site.record(normal)
    await site.record(diverted, forced="divert")
    private = (("Privacy", "id"),)
    assert (await _call(site, normal, from_=caller, headers=private)).answered
    event = await site.event("RingfenceCall", normal)
    assert (event["path"], event["caller"]) == ("site", "")
    assert await site.asterisk.db_get("lab/seen", normal[1:]) == caller
    assert (await _call(site, diverted, from_=caller, headers=private)).answered
    (leg,) = [call for call in site.network_a.calls() if call.number == MOBILE][-1:]
    assert caller.encode() not in leg.invite.raw
    assert (await site.event("RingfenceCall", diverted))["caller"] == ""


@pytest.mark.parametrize("number", ["+441134960001%2C2", "*nobody", "%26%7Cx", "1001%261002"])
async def test_what_the_site_has_no_extension_for_is_404(site: CallSite, number: str) -> None:
    assert (await _call(site, number, from_="+441632960802")).final_status == 404
    assert site.rang(site.platform, caller="+441632960802") == []


@pytest.mark.parametrize("answers", [True, False])
async def test_no_private_number_is_left_for_the_sites_own_handlers(site: CallSite, answers: bool) -> None:
    """They run behind a diverted call too, and may log every variable there is, or keep one in a call record."""
    did = site.did()
    await site.record(did, plan=f"p:{MOBILE}:5,p:{SECOND}:5,a:unavailable:0")
    await site.platform.answer(503, number=did)
    if not answers:
        await site.network_a.answer(486, number=MOBILE)
    assert (await _call(site, did, "recorded")).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE] + ([] if answers else [SECOND])
    await site.event("LabHandler", did)
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"], event["step"]) == ("inline", "person", "1" if answers else "2")
    shown = await _dumped(site, did)
    assert f"RF_DID={did}" in shown, "the handler has shown what there is"
    assert [line for line in shown.splitlines() if MOBILE[1:] in line or SECOND[1:] in line] == []


async def test_nor_behind_a_call_that_it_handed_back(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(503, number=did)
    assert (await _call(site, did, "circle")).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    shown = await _dumped(site, did)
    assert [line for line in shown.splitlines() if MOBILE[1:] in line] == []


async def test_no_private_number_is_there_for_the_site_in_normal(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    await site.platform.answer(486, number=did)
    assert (await _call(site, did, "recorded")).final_status == 500
    assert (await site.event("RingfenceCall", did))["path"] == "site"
    shown = await _dumped(site, did)
    assert f"RF_DID={did}" in shown
    assert [line for line in shown.splitlines() if MOBILE[1:] in line] == []


async def _dumped(site: CallSite, did: str) -> str:
    log = site.asterisk.directory / "log" / "messages"
    begun = "Dumping Info For Channel"
    await wait_until(
        lambda: f"RF_DID={did}" in log.read_text().rpartition(begun)[2], what="the variables", deadline_seconds=20
    )
    variables = log.read_text().rpartition(begun)[2].partition("Variables:")[2]
    return variables.partition("=====")[0]


async def test_a_context_that_is_gone_takes_no_call_down(site: CallSite) -> None:
    """Renamed in the site's dialplan, and not in the configuration: then the platform is dialled as by any trunk."""
    did, failed = site.did(), site.did()
    for one in (did, failed):
        await site.record(one)
    assert (await _call(site, did, "gone")).answered
    assert site.rang(site.platform, caller=did) == [did]
    assert (await site.event("RingfenceCall", did))["path"] == "platform"
    await site.platform.answer(503, number=failed)
    assert (await _call(site, failed, "gone")).answered
    assert (await site.event("RingfenceCall", failed))["path"] == "inline"


async def test_handed_back_to_us_it_is_dialled_once_and_told_once(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    assert (await _call(site, did, "circle")).answered
    assert site.rang(site.platform, caller=did) == [did]
    event = await site.event("RingfenceCall", did)
    assert (event["path"], event["answered_by"]) == ("platform", "platform")


async def test_handed_back_to_us_by_a_channel_of_its_own_it_is_dialled_once(site: CallSite) -> None:
    did = site.did()
    await site.record(did)
    assert (await _call(site, did, "anew")).answered
    assert site.rang(site.platform, caller=did) == [did]
    await wait_until(lambda: len(site.events_of("RingfenceCall", did)) > 1, what="both channels", deadline_seconds=20)
    told = {(event["path"], event["answered_by"]) for event in site.events_of("RingfenceCall", did)}
    assert told == {("site", "dialplan"), ("platform", "platform")}


async def test_pilot_number_stays_the_sites_extension(site: CallSite) -> None:
    """The DID that we read in To decides; the site gets the Request-URI's number, as ever."""
    did, pilot = site.did(), "+441134960000"
    await site.record(did, forced="divert")
    host = f"127.0.0.1:{site.asterisk.ports.sip}"
    uri = f"sip:{pilot}@{host}".encode()
    assert (await _call(site, did, "pilot", raw_request_uri=uri)).answered
    assert site.rang(site.network_a, caller=did) == [MOBILE]
    await site.record(did)
    assert (await _call(site, did, "pilot", raw_request_uri=uri)).answered
    assert site.rang(site.platform, caller=did) == [pilot]


async def test_the_call_records_stay_the_sites(site: CallSite) -> None:
    for number in (site.did(), NOTED):
        await site.record(number)
        await _call(site, number)
        await site.event("RingfenceCall", number)
    records = site.asterisk.directory / "log/cdr-csv/Master.csv"
    await wait_until(
        lambda: records.exists() and "site-word" in records.read_text(), what="its record", deadline_seconds=20
    )
    assert "|normal|site|" not in records.read_text()

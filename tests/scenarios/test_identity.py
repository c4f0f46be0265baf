"""Who a diverted call says it is, rung by rung, and what is learnt where a carrier refuses one."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.sip import SipMessage, user_of
from tests.scenarios.fickle import RingThenRefuse, in_place_of
from tests.scenarios.site import MOBILE, QUICK, CallSite
from tests.scenarios.site_files import IDENTITY_DOMAIN, TRUNK_NUMBER

CALLER = "+441619960555"
PERSON = f"p:{MOBILE}:5,a:unavailable:0"
# Whoever answers by another identity is told who calls, and a key ends that.
HASTY = replace(QUICK, press="5", press_after_ms=0)
ASSERTED = ("p-asserted-identity", "diversion")


@pytest_asyncio.fixture
async def fresh(site: CallSite) -> AsyncIterator[CallSite]:
    """The site; whoever answers has no time to listen."""
    await site.network_a.behave(HASTY)
    yield site
    await site.ami.act("DBDelTree", Family="ringfence/identity")


async def divert(site: CallSite, did: str, *, from_: str = CALLER, **options: object) -> CallResult:
    await site.record(did, plan=PERSON, forced="divert")
    return await site.carrier.call(did, from_=from_, **options)  # type: ignore[arg-type]


async def remember(site: CallSite, rung: str, *, hours_ago: float = 1) -> None:
    await site.put("ringfence/identity", "a", f"1|{rung}|{int(time.time() - hours_ago * 3600)}|403")


def invites(site: CallSite, since: int) -> list[SipMessage]:
    return [call.invite for call in site.network_a.calls()[since:]]


def told_of(invite: SipMessage) -> tuple[str, list[str], list[str]]:
    """The users of From, P-Asserted-Identity and Diversion."""
    asserted = [[user_of(value) for value in invite.all(name)] for name in ASSERTED]
    return user_of(invite.header("from")), asserted[0], asserted[1]


def what_a_rung_says(rung: str, did: str) -> tuple[str, list[str], list[str]]:
    return {
        "caller": (CALLER, [did], [did]),
        "did": (did, [did], [did]),
        "trunk": (TRUNK_NUMBER, [], []),
    }[rung]


@pytest.mark.parametrize("rung", ["caller", "did", "trunk"])
async def test_each_rung_says_what_it_should(fresh: CallSite, rung: str) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    if rung != "caller":
        await remember(fresh, rung)
    assert (await divert(fresh, did, from_=CALLER)).answered
    (invite,) = invites(fresh, before)
    assert told_of(invite) == what_a_rung_says(rung, did)
    assert f"@{IDENTITY_DOMAIN}" in invite.header("from")
    assert invite.header("x-ringfence-hop") == "node1"
    assert (rung == "caller") == (CALLER[1:].encode() in invite.raw)


@pytest.mark.parametrize(
    ("rung", "status"), [("trunk", 403), *(("did", status) for status in (403, 428, 433, 436, 437, 438))]
)
async def test_refused_identity_moves_the_call_down_and_is_remembered(fresh: CallSite, rung: str, status: int) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    takes = {"did": (did, TRUNK_NUMBER), "trunk": (TRUNK_NUMBER,)}[rung]
    await fresh.network_a.behave(replace(HASTY, takes_from=takes, status=status))
    assert (await divert(fresh, did, from_="0555")).answered
    ladder = {"did": ["0555", did], "trunk": ["0555", did, TRUNK_NUMBER]}[rung]
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == ladder
    assert fresh.events_of("RingfenceEgress", did) == []
    event = await fresh.event("RingfenceIdentity", did)
    assert (event["egress"], event["rung"], event["status"]) == ("a", rung, str(status))
    learnt = await fresh.asterisk.db_get("ringfence", "identity/a")
    assert learnt is not None and re.fullmatch(rf"1\|{rung}\|\d{{10}}\|{status}", learnt)
    # The next one loses no time.
    before = len(fresh.network_a.calls())
    await fresh.network_a.behave(HASTY)
    assert (await fresh.carrier.call(did, from_="0555")).answered
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == ladder[-1:]


async def test_rung_that_only_rang_is_remembered(fresh: CallSite) -> None:
    did = fresh.did()
    ringing = replace(QUICK, manner=Manner.RING_FOR_EVER, takes_from=(did,), status=403)
    await fresh.network_a.behave(ringing)
    await fresh.record(did, plan=f"p:{MOBILE}:1,a:unavailable:0", forced="divert")
    await fresh.carrier.call(did, from_=CALLER)
    assert (await fresh.event("RingfenceIdentity", did))["rung"] == "did"


@pytest.mark.parametrize(
    ("taken", "hours_ago", "learns"), [("caller", 0.1, False), ("caller", 1, True), ("did", 0, True)]
)
async def test_refusal_of_one_number_lowers_nobody_else(
    fresh: CallSite, taken: str, hours_ago: float, learns: bool
) -> None:
    """Odd numbers are the caller's to choose; what got through just now was an honest one."""
    honest, odd = fresh.did(), fresh.did()
    if taken == "caller":
        await divert(fresh, honest)
        assert await fresh.asterisk.db_get("ringfence", "taken/a/caller") is not None
    await fresh.put("ringfence/taken/a", taken, f"1|{int(time.time() - hours_ago * 3600)}")
    await fresh.network_a.behave(replace(HASTY, takes_from=(odd,), status=403))
    assert (await divert(fresh, odd, from_="000")).answered
    assert (await fresh.asterisk.db_get("ringfence", "identity/a") is not None) == learns


async def test_identity_that_no_rung_cures_is_a_failure_of_the_trunk(fresh: CallSite) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    await fresh.network_a.answer(403)
    assert (await divert(fresh, did)).answered
    assert len(invites(fresh, before)) == 3
    event = await fresh.event("RingfenceEgress", did)
    assert (event["egress"], event["result"], event["status"]) == ("a", "failure", "403")
    assert (await fresh.event("RingfenceCall", did))["egress"] == "b"
    assert await fresh.asterisk.db_get("ringfence", "identity/a") is None


async def test_lower_rung_that_neither_rang_nor_answered_teaches_nothing(fresh: CallSite) -> None:
    did = fresh.did()
    await fresh.network_a.behave(Behaviour(manner=Manner.REFUSE, status=403, ring_delay_ms=0))
    await fresh.network_b.answer(486)
    await divert(fresh, did)
    assert fresh.events_of("RingfenceIdentity", did) == []


@pytest.mark.parametrize("status", [603, 607, 608, 486])
async def test_what_a_person_said_is_no_matter_of_identity(fresh: CallSite, status: int) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    await fresh.network_a.answer(status)
    await divert(fresh, did)
    assert len(invites(fresh, before)) == 1


async def test_refusal_after_ringing_is_no_matter_of_identity(fresh: CallSite) -> None:
    did = fresh.did()
    async with in_place_of(fresh.network_a, RingThenRefuse({MOBILE: 403})):
        await divert(fresh, did)
    assert fresh.events_of("RingfenceIdentity", did) == []
    assert len(fresh.events_of("RingfenceEgress", did)) == 1


@pytest.mark.parametrize("hours_ago", [24.1, -2])
async def test_what_was_learnt_is_forgotten(fresh: CallSite, hours_ago: float) -> None:
    """After a day; and a clock that was set back makes it last no longer."""
    did, before = fresh.did(), len(fresh.network_a.calls())
    await remember(fresh, "trunk", hours_ago=hours_ago)
    await divert(fresh, did)
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == [CALLER]


@pytest.mark.parametrize(
    "value", ["2|did|1|403", "1|other|{now}|403", "1|did|soon|403", "", "1|did", "1|did|{now}1111|403"]
)
async def test_unreadable_memory_is_none(fresh: CallSite, value: str) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    await fresh.put("ringfence/identity", "a", value.replace("{now}", str(int(time.time()))))
    await divert(fresh, did)
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == [CALLER]


@pytest.mark.parametrize("rung", ["caller", "did", "trunk"])
async def test_withheld_caller_stays_withheld_on_every_rung(fresh: CallSite, rung: str) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    if rung != "caller":
        await remember(fresh, rung)
    withheld = [("Privacy", "id"), ("P-Asserted-Identity", f"<sip:{CALLER}@carrier.example>")]
    assert (await divert(fresh, did, headers=withheld)).answered
    (invite,) = invites(fresh, before)
    assert CALLER[3:].encode() not in invite.raw
    assert "anonymous" in invite.header("from").lower()
    assert invite.all("privacy") == ["id"]
    assert (did in invite.header("from")) is False


async def test_withheld_caller_goes_down_and_teaches_nothing(fresh: CallSite) -> None:
    """A stranger must not be able to take everybody's number away."""
    did, before = fresh.did(), len(fresh.network_a.calls())
    await fresh.network_a.behave(replace(HASTY, takes_from=(TRUNK_NUMBER,), status=403))
    assert (await divert(fresh, did, headers=[("Privacy", "id")])).answered
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == ["anonymous", TRUNK_NUMBER]
    assert await fresh.asterisk.db_get("ringfence", "identity/a") is None
    assert fresh.events_of("RingfenceIdentity", did) == []


@pytest.mark.parametrize("name", ["bob", "12", "1234567890123456", "+"])
async def test_caller_without_a_number_shows_ours(fresh: CallSite, name: str) -> None:
    did, before = fresh.did(), len(fresh.network_a.calls())
    assert (await divert(fresh, did, from_=name)).answered
    assert [told_of(invite)[0] for invite in invites(fresh, before)] == [did]


@pytest.mark.parametrize(
    ("from_", "privacy", "said"),
    [
        ("+4416", "none", ["call-from", "0", "1", "6"]),
        ("058", "none", ["call-from", "0", "5", "8"]),
        ("058", "id", ["call-from", "withheld"]),
        ("bob", "none", ["call-from", "withheld"]),
    ],
)
async def test_who_answers_is_told_who_calls_where_it_is_not_shown(
    fresh: CallSite, from_: str, privacy: str, said: list[str]
) -> None:
    did = fresh.did()
    await remember(fresh, "trunk")
    await fresh.network_a.healthy()
    begun = len(_log(fresh))
    assert (await divert(fresh, did, from_=from_, headers=[("Privacy", privacy)])).answered
    played = re.findall(r"PJSIP/egress_a\S*> Playing '(?:ringfence|digits)/([\w-]+)", _log(fresh, begun))
    assert played == said


async def test_who_answers_is_told_no_more_when_the_caller_has_gone(fresh: CallSite) -> None:
    did = fresh.did()
    await remember(fresh, "trunk")
    await fresh.network_a.healthy()
    begun = len(_log(fresh))

    def played() -> list[str]:
        return re.findall(r"PJSIP/egress_a\S*> Playing '(?:ringfence|digits)/([\w-]+)", _log(fresh, begun))

    await divert(fresh, did, from_=CALLER, cancel_when=played)
    end = await fresh.event("RingfenceCall", did)
    assert (end["answered_by"], end["result"]) == ("nobody", "cancelled")
    assert 0 < len(played()) < 6


async def test_who_answers_is_told_nothing_where_the_caller_is_shown(fresh: CallSite) -> None:
    begun = len(_log(fresh))
    assert (await divert(fresh, fresh.did())).answered
    assert "Playing" not in _log(fresh, begun)


def _log(site: CallSite, begun: int = 0) -> str:
    # Other tests' callers have left in it what is no text.
    return site.asterisk.log_path.read_text(errors="replace")[begun:]

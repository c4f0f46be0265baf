"""Numbers and names meant to break a dialplan: refused with an answer, and nobody else is hurt."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab.sip import HOST, build, new_branch, parse
from tests.scenarios.site import CallSite

# As the user part of the request URI. Another DID is always one repair away.
USERS = (
    b"1001%261002",
    b"1001&1002",
    b"%2B44113496%7C0001",
    b"+441134960001;x=y",
    b"+441134960001%3Bx=y",
    b"+441134960001%2C20",
    b"+441134960001,20",
    b"%24%7BSHELL(id)%7D",
    b"${EXTEN}",
    b"1001%0D%0AX-Evil:%201",
    b"1001%22",
    b"1001 1002",
    b"\xff\xfe\xfd",
    b"%FF%FE",
    b"1" * 1000,
    b"%2B" + b"4" * 1000,
    b"",
    b"s",
    b"i",
    b"h",
    b"t",
    b"_X.",
    b"number",
    b"+",
    b"++44",
    b"44+1134960001",
    b")",
    b"%5B",
)

NAMES = (
    b'"n,evil: 1" <sip:caller@127.0.0.1>',
    b'"a; b & c | d" <sip:caller@127.0.0.1>',
    b'"${SHELL(id)}" <sip:caller@127.0.0.1>',
    b'"quote \\" inside" <sip:caller@127.0.0.1>',
    b'"\xff\xfe" <sip:caller@127.0.0.1>',
    b"<sip:caller%0d%0aInjected:%201@127.0.0.1>",
    b"<sip:n,result:%20x@127.0.0.1>",
    b"<sip:127.0.0.1>",
    b'"" <sip:caller@127.0.0.1>',
    b'"' + b"x" * 1000 + b'" <sip:' + b"9" * 1000 + b"@127.0.0.1>",
    b"<sip:%24%7BEXTEN%7D@127.0.0.1>",
    b"<sip:(@127.0.0.1>",
)


def _uri(site: CallSite, user: bytes) -> bytes:
    host = f"127.0.0.1:{site.asterisk.ports.sip}".encode()
    return b"sip:" + user + b"@" + host if user else b"sip:" + host


async def send_message(site: CallSite, did: str, trunk: str) -> int:
    """A SIP MESSAGE by this trunk; the status it got."""
    loop = asyncio.get_running_loop()
    status = loop.create_future()

    class Sender(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            message = parse(data)
            if message is not None and not status.done():
                status.set_result(message.status)

    sender, _ = await loop.create_datagram_endpoint(Sender, remote_addr=(HOST, site.asterisk.ports.sip))
    port = sender.get_extra_info("sockname")[1]
    headers = [
        ("Via", f"SIP/2.0/UDP {HOST}:{port};branch={new_branch()};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:+441632960009@{HOST}>;tag=lab"),
        ("To", f"<sip:{did}@{HOST}>"),
        ("Call-ID", f"{port}-{trunk}@lab"),
        ("CSeq", "1 MESSAGE"),
        ("X-Lab-Trunk", trunk),
    ]
    raw = build(f"MESSAGE sip:{did}@{HOST} SIP/2.0", headers, b"hello")
    sender.sendto(raw.replace(b"application/sdp", b"text/plain"))
    try:
        return await asyncio.wait_for(status, 5)
    finally:
        sender.close()


async def test_message_rings_nobody(site: CallSite) -> None:
    """Asterisk hands one to the dialplan like a call. The first of these endpoints is ours; the others are as sites may
    have them."""
    await site.asterisk.cli("module load res_pjsip_messaging.so")
    did = site.did()
    await site.record(did)
    before = [len(far_end.calls()) for far_end in (site.platform, site.network_a, site.network_b)]
    for trunk, number in (("carrier", did), ("patient", did), ("by_to", did), ("phone", "999")):
        assert await send_message(site, number, trunk) == 202
    assert (await site.carrier.call(site.did())).answered
    after = [len(far_end.calls()) for far_end in (site.platform, site.network_a, site.network_b)]
    assert after == [before[0] + 1, *before[1:]]


async def test_hostile_numbers_are_refused_and_others_go_on(site: CallSite) -> None:
    ordinary = [site.did() for _ in range(5)]
    for did in ordinary:
        await site.record(did)
    before = len(site.platform.calls())
    hostile = [site.carrier.call("x", raw_request_uri=_uri(site, user), give_up_seconds=2.0) for user in USERS]
    results = await asyncio.gather(*hostile, *(site.carrier.call(did) for did in ordinary))
    assert [call.answered for call in results[len(USERS) :]] == [True] * len(ordinary)
    for user, call in zip(USERS, results, strict=False):
        # Asterisk itself drops a request line it cannot read; whatever it takes in is answered.
        if call.statuses:
            assert call.final_status is not None, user
            assert 400 <= call.final_status < 500 or call.final_status == 603, user
    reached = sorted(call.number for call in site.platform.calls()[before:])
    assert reached == sorted(ordinary)
    assert "fully booted" in (await site.asterisk.cli("core waitfullybooted")).lower()


async def test_refusal_is_told(site: CallSite) -> None:
    site.events.clear()
    call = await site.carrier.call("x", raw_request_uri=_uri(site, b"1001%261002,x"))
    assert call.final_status == 404
    event = await site.event("RingfenceCall", "")
    assert (event["path"], event["reason"], event["result"]) == ("refused", "number-not-clean", "refused")
    assert (event["received"], event["answered_by"]) == ("1001&1002,x", "nobody")


async def test_end_of_a_call_does_not_run_the_entry_again(site: CallSite) -> None:
    """Asterisk looks for `h` where a caller goes. Dialled by that name, it shows what runs there: nothing of a call."""
    site.events.clear()
    assert (await site.carrier.call("x", raw_request_uri=_uri(site, b"h"))).final_status == 404
    await site.carrier.call("x", raw_request_uri=_uri(site, b"i"))
    await site.event("RingfenceCall", "")
    assert [event["received"] for event in site.events] == ["i"]


@pytest.mark.parametrize("forced", ["-", "divert"])
async def test_hostile_callers_are_put_through(site: CallSite, forced: str) -> None:
    dids = [site.did() for _ in NAMES]
    for did in dids:
        await site.record(did, forced=forced)
    calls = await asyncio.gather(
        *(site.carrier.call(did, raw_from=name, give_up_seconds=5.0) for did, name in zip(dids, NAMES, strict=True))
    )
    for did, name, call in zip(dids, NAMES, calls, strict=True):
        if not call.statuses:
            continue  # Asterisk dropped what it could not read as SIP.
        assert call.answered, name
        event = await site.event("RingfenceCall", did)
        assert event["result"] == "answered"
        assert set(event) == EVENT_FIELDS
    assert "fully booted" in (await site.asterisk.cli("core waitfullybooted")).lower()


EVENT_FIELDS = {
    *("eventname", "call", "did", "received", "trunk", "scope", "caller", "decision", "path", "reason"),
    *("step", "answered_by", "result", "platform_status", "egress", "started", "ringing", "answered", "ended"),
}

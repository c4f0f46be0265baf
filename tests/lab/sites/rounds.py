"""One round of calls as a site's people have them, and what came of each: to be the same before, with and after us."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count

from tests.lab.call_result import CallResult
from tests.lab.far_end import FarEnd
from tests.lab.records import ReceivedCall
from tests.lab.sip import HOST, build, new_branch, parse
from tests.lab.sites.running import PHONES, PILOT, Kind, RunningSite, Trunk
from tests.lab.waiting import wait_until

WAIT_SECONDS = 6.0
WAV_HEADER_BYTES = 44
TALK_SECONDS = 0.3
ABROAD = "+447700900456"
"""Whom the site's people call outside."""

_callers = count(1)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What the site did with one call that the carrier brought."""

    status: int | None
    platform: tuple[str, ...]
    """The numbers that the platform was asked for."""
    as_caller: bool
    """Whether the platform was told the caller's number."""
    diverted: bool
    """Whether it was told that the call had been diverted before."""
    recorded: bool
    handlers: tuple[bool, bool]
    """Whether the `h` extension and the hang-up handler ran."""


@dataclass(frozen=True, slots=True)
class Round:
    """All of them; two rounds are compared."""

    when_open: Inbound
    when_closed: Inbound
    internal: tuple[int | None, tuple[str, ...]]
    outgoing: tuple[int | None, tuple[tuple[str, str], ...]]
    """With the number and the caller it shows."""


async def whole_round(site: RunningSite) -> Round:
    """All calls at once, as on a busy morning."""
    trunk = site.trunk
    when_open, when_closed, internal, outgoing = await asyncio.gather(
        inbound(site, trunk.open_did),
        inbound(site, trunk.closed_did, records=False),
        internal_call(site),
        outgoing_call(site),
    )
    return Round(when_open, when_closed, internal, outgoing)


async def inbound(site: RunningSite, did: str, *, records: bool = True, handled: bool = True) -> Inbound:
    """One call to a DID by the site's trunk. What is expected is waited for, for files are written behind a call."""
    caller = new_caller()
    call = await bring(site, did, caller)
    recording = site.asterisk.directory / "spool" / "monitor" / f"in-{did}-{caller[1:]}.wav"
    if records:
        await wait_until(
            lambda: recording.exists() and recording.stat().st_size > WAV_HEADER_BYTES,
            what=f"the recording of a call to {did}",
            deadline_seconds=WAIT_SECONDS,
            diagnose=site.asterisk.log_tail,
        )
    if handled:
        await wait_until(
            lambda: all(handlers_run(site, caller)),
            what=f"the handlers of a call to {did}",
            deadline_seconds=WAIT_SECONDS,
            diagnose=site.asterisk.log_tail,
        )
    legs = legs_of(site.lab.platform, caller)
    return Inbound(
        status=call.final_status,
        platform=tuple(leg.number for leg in legs),
        as_caller=all(leg.caller == caller for leg in legs),
        diverted=any(leg.invite.header("diversion") for leg in legs),
        recorded=recording.exists(),
        handlers=handlers_run(site, caller),
    )


async def bring(site: RunningSite, did: str, caller: str, trunk: Trunk | None = None) -> CallResult:
    """As the site's carrier, or its SBC, writes it."""
    headers = list((trunk or site.trunk).headers)
    if site.kind is not Kind.SBC:
        return await site.lab.caller.call(did, from_=caller, headers=headers, talks=True, hold_seconds=TALK_SECONDS)
    headers += [
        ("P-Called-Party-ID", f"<sip:{did}@sbc.example>"),
        ("P-Asserted-Identity", f'"A caller" <sip:{caller}@sbc.example>'),
        ("Diversion", "<sip:+441134960399@sbc.example>;reason=unconditional"),
    ]
    host = f"127.0.0.1:{site.asterisk.ports.sip}"
    return await site.lab.caller.call(
        PILOT,
        from_="anonymous",
        raw_request_uri=f"sip:{PILOT}@{host}".encode(),
        headers=headers,
        talks=True,
        hold_seconds=TALK_SECONDS,
    )


async def internal_call(site: RunningSite) -> tuple[int | None, tuple[str, ...]]:
    """From one telephone to the other: how it ended, and what that telephone was asked for."""
    seen = len(site.phones.calls())
    call = await site.lab.caller.call(PHONES[1], from_=PHONES[0], hold_seconds=0.1)
    return call.final_status, tuple(leg.number for leg in site.phones.calls()[seen:])


async def outgoing_call(site: RunningSite) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    """From a telephone to the world."""
    seen = len([leg for leg in site.lab.mobile_network.calls() if leg.number == ABROAD])
    call = await site.lab.caller.call(f"9{ABROAD}", from_=PHONES[0], hold_seconds=0.1)
    legs = [leg for leg in site.lab.mobile_network.calls() if leg.number == ABROAD][seen:]
    return call.final_status, tuple((leg.number, leg.caller) for leg in legs)


def legs_of(far_end: FarEnd, caller: str) -> list[ReceivedCall]:
    """The legs of this caller, shown as such or not, which the lab tells by the number in whatever header."""
    return [leg for leg in far_end.calls() if caller.encode() in leg.invite.raw]


def handlers_run(site: RunningSite, caller: str) -> tuple[bool, bool]:
    log = site.asterisk.log_path.read_text(errors="replace")
    return f"site-h of {caller[1:]}" in log, f"site-handler of {caller[1:]}" in log


def new_caller() -> str:
    return f"+4416329601{next(_callers):02}"


async def options_status(site: RunningSite) -> int | None:
    """What Asterisk says to an OPTIONS of the SBC's; None: nothing in time."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _FirstAnswer(answered), local_addr=(HOST, 0)
    )
    port, target = transport.get_extra_info("sockname")[1], (HOST, site.asterisk.ports.sip)
    headers = [
        ("Via", f"SIP/2.0/UDP {HOST}:{port};branch={new_branch()};rport"),
        ("From", f"<sip:sbc@{HOST}:{port}>;tag=lab"),
        ("To", f"<sip:{HOST}:{target[1]}>"),
        ("Call-ID", f"{new_branch()}@lab"),
        ("CSeq", "1 OPTIONS"),
        ("Max-Forwards", "70"),
    ]
    try:
        transport.sendto(build(f"OPTIONS sip:{HOST}:{target[1]} SIP/2.0", headers), target)
        message = parse(await asyncio.wait_for(answered, WAIT_SECONDS))
    except TimeoutError:
        return None
    finally:
        transport.close()
    return message.status if message is not None else None


class _FirstAnswer(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self._answered.done():
            self._answered.set_result(data)

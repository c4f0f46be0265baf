"""Where each carrier puts the DID, how it becomes E.164, and how the platform wants it."""

from __future__ import annotations

import pytest

from tests.scenarios.site import CallSite


@pytest.mark.parametrize(
    ("trunk", "received", "did"),
    [
        ("carrier", "+441134970001", "+441134970001"),
        ("carrier", "441134970002", "+441134970002"),
        ("carrier", "00441134970003", "+441134970003"),
        ("carrier", "01134970004", "+441134970004"),
        ("national", "1134970005", "+441134970005"),
        ("national", "01134970006", "+441134970006"),
        ("national", "+441134970007", "+441134970007"),
        ("extension", "12", "+441134960012"),
        ("extension", "00", "+441134960000"),
        ("extension", "+441134970008", "+441134970008"),
    ],
)
async def test_number_becomes_e164(site: CallSite, trunk: str, received: str, did: str) -> None:
    await site.record(did, forced="divert")
    site.events.clear()
    call = await site.carrier.call(received, headers=[("X-Lab-Trunk", trunk)])
    assert call.answered
    event = await site.event("RingfenceCall", did)
    assert (event["answered_by"], event["trunk"], event["received"]) == ("person", trunk, received)


async def test_extension_of_another_length_goes_to_the_platform_as_it_came(site: CallSite) -> None:
    assert (await site.carrier.call("123", headers=[("X-Lab-Trunk", "extension")])).answered
    assert site.platform.calls()[-1].number == "123"


@pytest.mark.parametrize(
    ("trunk", "header"),
    [
        ("by_called_party", ("P-Called-Party-ID", "<sip:{did}@carrier.example>")),
        ("by_called_party", ("P-Called-Party-ID", '"Some <sip:x@y> one" <sip:{did}@carrier.example>;x=y')),
        ("by_diversion", ("Diversion", "<sip:{did}@carrier.example>;reason=unconditional")),
        ("by_diversion", ("Diversion", "<sip:{did}@a>;reason=x, <sip:+441619960000@b>")),
    ],
)
async def test_did_is_read_from_a_header(site: CallSite, trunk: str, header: tuple[str, str]) -> None:
    did = site.did()
    await site.record(did, forced="divert")
    headers = [("X-Lab-Trunk", trunk), (header[0], header[1].format(did=did))]
    assert (await site.carrier.call("+441134999999", headers=headers)).answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"


async def test_did_is_read_from_to(site: CallSite) -> None:
    did = site.did()
    await site.record(did, forced="divert")
    uri = f"sip:trunk@127.0.0.1:{site.asterisk.ports.sip}".encode()
    call = await site.carrier.call(did, raw_request_uri=uri, headers=[("X-Lab-Trunk", "by_to")])
    assert call.answered
    assert (await site.event("RingfenceCall", did))["answered_by"] == "person"


async def test_header_that_is_not_there_is_refused(site: CallSite) -> None:
    call = await site.carrier.call(site.did(), headers=[("X-Lab-Trunk", "by_called_party")])
    assert call.final_status == 404


async def test_platform_gets_the_number_as_it_wants_it(site: CallSite) -> None:
    for did, wanted in (("+441134970009", "01134970009"), ("+33123456789", "0033123456789")):
        assert (await site.carrier.call(did, headers=[("X-Lab-Trunk", "exchange")])).answered
        assert site.platform.calls()[-1].number == wanted

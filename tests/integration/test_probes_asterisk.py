"""The probes against a real Asterisk: as a far end over UDP, TCP and TLS, as a registrar, and by its own registration
with a carrier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.registrations import RegistrationReader
from ringfence.domain.health import EvidenceKind, Observation, TargetId, TargetRole
from ringfence.probes.certificates import CertificateProbe
from ringfence.probes.registration import RegistrationConfig, RegistrationProbe
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe
from ringfence.probes.sip_transport import Peer, Transport
from ringfence.probes.tls import TlsConfig
from tests.integration.asterisk_links import RealClock, ami_links
from tests.lab.asterisk import AsteriskInstance
from tests.lab.certificates import CertificateAuthority
from tests.lab.fixtures import AsteriskFactory
from tests.lab.ports import HOST, Ports

UC, CARRIER = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.TRUNK, "carrier")
PASSWORD = "a-password-for-tests"

PJSIP = """\
[udp]
type=transport
protocol=udp
bind={host}:{udp}
[tcp]
type=transport
protocol=tcp
bind={host}:{tcp}
[tls]
type=transport
protocol=tls
bind={host}:{tls}
cert_file={inside}/sip.crt
priv_key_file={inside}/sip.key
method=tlsv1_2
[probe]
type=endpoint
context=closed
disallow=all
allow=ulaw
auth=probe
aors=probe
[probe]
type=auth
auth_type=userpass
username=probe
password={password}
[probe]
type=aor
max_contacts=1
[ours](!)
type=registration
transport=udp
server_uri=sip:{host}:{udp}
client_uri=sip:probe@{host}:{udp}
retry_interval=3600
max_random_initial_delay=0
[to-carrier](ours)
outbound_auth=probe
[without-password](ours)
"""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """An Asterisk that listens on all three transports."""

    asterisk: AsteriskInstance
    ports: dict[Transport, int]
    ca_file: Path

    def peer(self, transport: Transport) -> Peer:
        return Peer(HOST, self.ports[transport], transport, TlsConfig(HOST, self.ca_file))


@pytest.fixture
async def far_end(make_asterisk: AsteriskFactory, ports: Ports, tmp_path: Path) -> AsyncIterator[FarEnd]:
    asterisk = make_asterisk("far-end")
    authority = CertificateAuthority(tmp_path / "ca")
    shown = authority.certify(HOST, days=10)
    for made, name in ((shown.certificate, "sip.crt"), (shown.key, "sip.key")):
        (asterisk.etc / name).write_bytes(made.read_bytes())
    taken = {Transport.UDP: asterisk.ports.sip, Transport.TCP: ports.take(), Transport.TLS: ports.take()}
    numbers = {str(transport): port for transport, port in taken.items()}
    text = PJSIP.format(host=HOST, inside=asterisk.inside("etc"), password=PASSWORD, **numbers)
    (asterisk.etc / "pjsip.conf").write_text(text)
    await asterisk.start()
    yield FarEnd(asterisk, taken, authority.file)


async def test_asterisk_answers_options_and_a_registrar_over_every_transport(far_end: FarEnd, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.touch(mode=0o600)
    secret.write_text(f"{PASSWORD}\n")
    for transport in Transport:
        certificates = CertificateProbe(UC)
        peer = replace(far_end.peer(transport), note=certificates.note("SIP"))
        passed, words = await SipOptionsProbe(SipOptionsConfig(UC, peer)).probe(10)
        assert (passed, "answered" in words) == (True, True), words
        account = RegistrationConfig(UC, peer, "probe", secret)
        passed, words = await RegistrationProbe(account).probe(10)
        assert (passed, "lets the account in" in words) == (True, True), words
        passed, words = await RegistrationProbe(replace(account, user="nobody")).probe(10)
        assert (passed, "refuses the account" in words) == (None, True), words
        seen = await certificates.probe(1)
        assert seen[0] is (False if transport is Transport.TLS else None)
    # It was asked for bindings, and none was made.
    assert "probe/sip:" not in await far_end.asterisk.cli("pjsip show contacts")
    secret.chmod(0o644)
    passed, words = await RegistrationProbe(account).probe(10)
    assert (passed, "chmod 600" in words) == (None, True)
    assert PASSWORD not in words


async def test_asterisk_s_own_registration_is_evidence_when_it_is_new(far_end: FarEnd) -> None:
    asterisk, seen = far_end.asterisk, list[Observation]()
    names = {"to-carrier": CARRIER, "without-password": UC, "not-there": UC}

    async def read(reader: RegistrationReader) -> dict[str, tuple[bool | None, str]]:
        seen.clear()
        await reader.read_all(seen.append)
        assert all(one.kind is EvidenceKind.REGISTRATION for one in seen)
        return {name: (one.passed, one.detail) for name, one in zip(names, seen, strict=True)}

    async with ami_links(asterisk, "reading") as (link,):
        await until(link, {"to-carrier": "Registered", "without-password": "Rejected"})
        reader = RegistrationReader(link, names, RealClock())
        found = await read(reader)
        assert found["to-carrier"][0] is True
        assert found["without-password"] == (False, "it rejects Asterisk's registration")
        assert found["not-there"] == (None, "Asterisk has no registration of this name")
        # That it is still registered is no answer; that it has registered again is one.
        assert (await read(reader))["to-carrier"][0] is None
        await asterisk.cli("pjsip send unregister to-carrier")
        await until(link, {"to-carrier": "Unregistered"})
        assert (await read(reader))["to-carrier"] == (False, "Asterisk is not registered there")
        await asterisk.cli("pjsip send register to-carrier")
        await until(link, {"to-carrier": "Registered"})
        assert (await read(reader))["to-carrier"][0] is True


async def until(link: AmiLink, states: dict[str, str]) -> None:
    async with asyncio.timeout(30):
        while True:
            rows = (await link.ask("PJSIPShowRegistrationsOutbound", {})).rows
            found = {row["objectname"]: row.get("status") for row in rows if "objectname" in row}
            if found | states == found:
                return
            await asyncio.sleep(0.05)

"""What a target is asked by: settings, their faults, the promises, and the probes that come of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.bootstrap import values
from ringfence.bootstrap.probing import probes_of
from ringfence.config import ConfigError, Settings, load
from ringfence.config.advice import warnings, witness_count
from ringfence.config.asked import AskedTarget, asked_targets
from ringfence.config.detection import detections
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from tests.fakes.smallest import smallest

UC = TargetId(TargetRole.PLATFORM, "uc")
CARRIER, WEB = TargetId(TargetRole.TRUNK, "carrier"), TargetId(TargetRole.CONTROL, "web")
EVERYTHING = """
probe_transport = "tls"
probe_port = 5061
probe_tcp_port = 443

[platform.probe_tls]
ca_file = "/etc/ringfence/ca.pem"
expiry_days = 30

[platform.probe_http]
url = "https://uc.example/health"
text = "well"

[platform.probe_register]
user = "probe"
password_file = "/etc/ringfence/probe_password"
"""
CONTROL = '\n[[control]]\nname = "web"\nhost_port = "203.0.113.9:443"\nprobe = false\nprobe_tcp_port = 443\n'


def settings_of(tmp_path: Path, platform: str = "", trunk: str = "", last: str = "") -> Settings:
    path = tmp_path / "ringfence.toml"
    text = smallest(trunk=f'sources = ["198.51.100.1"]\n{trunk}', last=last)
    address = 'host_port = "192.0.2.10:5060"\n'
    assert address in text
    path.write_text(text.replace(address, f"{address}{platform}\n"))
    return load(path)


def asked_of(settings: Settings) -> dict[TargetId, AskedTarget]:
    return {asked.target: asked for asked in asked_targets(settings)}


def test_each_kind_that_is_configured_is_watched_and_asked(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, EVERYTHING, 'registration = "to-carrier"', CONTROL)
    asked = asked_of(settings)
    kind = EvidenceKind
    assert set(asked[UC].kinds) == {
        *(kind.CONTACT_STATUS, kind.SIP_OPTIONS, kind.REGISTRATION, kind.TCP, kind.HTTP, kind.CERTIFICATE)
    }
    assert asked[CARRIER].kinds == (kind.REGISTRATION,)
    assert asked[WEB].kinds == (kind.TCP,)
    assert {watched.target: watched.kinds for watched in values.watched(settings)} == {
        target: one.kinds for target, one in asked.items()
    }
    # Contact status, calls, and a trunk's registration are Asterisk's to tell.
    assert [one.probe.kind for one in probes_of(asked[UC])] == [
        *(kind.SIP_OPTIONS, kind.REGISTRATION, kind.TCP, kind.HTTP, kind.CERTIFICATE)
    ]
    assert list(probes_of(asked[CARRIER])) == []
    assert values.registrations(settings) == {"to-carrier": CARRIER}


def test_without_a_word_nothing_more_is_asked_than_before(tmp_path: Path) -> None:
    asked = asked_of(settings_of(tmp_path))
    assert asked[UC].kinds == (EvidenceKind.CONTACT_STATUS, EvidenceKind.SIP_OPTIONS)
    assert CARRIER not in asked


def test_what_was_remembered_of_another_way_is_forgotten(tmp_path: Path) -> None:
    before, after = (values.host_ports(settings_of(tmp_path, text))[UC] for text in ("", 'probe_transport = "tls"\n'))
    assert before != after
    assert values.hosts(settings_of(tmp_path, 'probe_transport = "tls"\n'))[UC] == before.rpartition(":")[0]


def test_no_promise_waits_for_what_decides_nothing(tmp_path: Path) -> None:
    plain = {found.target: found for found in detections(settings_of(tmp_path))}
    deep = {found.target: found for found in detections(settings_of(tmp_path, EVERYTHING, "", CONTROL))}
    assert deep[UC].worst_case_seconds == plain[UC].worst_case_seconds
    assert deep[UC].formula.startswith(f"{plain[UC].formula}. Besides, registration: 10 x 1.1 + 1 + ")
    assert "no verdict waits for it; tcp: 5 x 1.1 + 2 + " in deep[UC].formula
    # A control target that is asked nothing else is as fast as that.
    assert deep[WEB].worst_case_seconds == pytest.approx(21.5)
    (alone,) = (
        found for found in detections(settings_of(tmp_path, "", 'registration = "r"')) if found.target == CARRIER
    )
    assert alone.worst_case_seconds is None
    assert "Asterisk renews it" in alone.formula


def test_advice_on_a_port_that_cannot_be_for_both_and_on_witnesses_that_nobody_asks(tmp_path: Path) -> None:
    silent = CONTROL.replace("probe_tcp_port = 443\n", "")
    counts = [
        witness_count(found, found.platform[0]) for found in (settings_of(tmp_path, last=x) for x in (CONTROL, silent))
    ]
    assert counts == [2, 1]
    tls = 'probe_transport = "tls"\n'
    for text, told in ((tls, True), (f"{tls}probe_port = 5061", False), (f'{tls}endpoint = "uc-tls"', False)):
        assert any("over TLS" in words for words in warnings(settings_of(tmp_path, text))) is told


@pytest.mark.parametrize(
    ("platform", "trunk", "words"),
    [
        ('probe_transport = "sctp"', "", "'udp', 'tcp' or 'tls'"),
        ('[platform.probe_http]\nurl = "ftp://uc.example/"', "", "no http:// or https:// address"),
        ('[platform.probe_http]\nurl = "https://me:secret@uc.example/"', "", "a user or a password"),
        ('[platform.probe_http]\nurl = "https://uc.example:99999/"', "", "port"),
        ('[platform.probe_register]\nuser = "probe"', "", "belong together"),
        ('[platform.probe_register]\nuser = "a\\"b"', "", "form"),
        ('[platform.probe_tls]\nprivate_key = "/key.pem"', "", "without certificate"),
        ("", "probe_tcp_port = 5060", "has no host_port, and probe_tcp_port"),
    ],
)
def test_faults_are_named(tmp_path: Path, platform: str, trunk: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, platform, trunk)
    assert len(caught.value.faults) == 1
    assert words in caught.value.faults[0]
    assert "secret" not in caught.value.faults[0].replace("a user or a password", "")

"""The configuration: every fault at once with its line and fix; secrets; warnings; detection time."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringfence.config import ConfigError, Settings, load, load_secrets, parse
from ringfence.config.advice import warnings
from ringfence.config.detection import detections
from ringfence.config.reading import SECRETS
from tests.fakes.smallest import smallest
from tests.unit.command_line import run_ringfence

GOOD = smallest(
    trunk='sources = ["198.51.100.1"]\nfallback_number = "+441134960999"',
    last='\n[[control]]\nname = "proxy"\nhost_port = "203.0.113.53:5060"\n',
)

TEN_ERRORS = """\
node = "two words"
default_country = "XX"
ring_budget_seconds = 900
colour = "red"

[asterisk]
ami_port = 70000

[egress]
denied_prefixes = ["0900"]

[[platform]]
name = "UC"
host_port = "192.0.2.10"
no_progress_seconds = "soon"

[[trunk]]
name = "carrier"
sources = []

[[egress_trunk]]
name = "out"
host_port = "203.0.113.20:5060"
"""

# Line, setting, and a word of what to do.
EXPECTED = {
    (1, "node", "form"),
    (2, "default_country", "two-letter country"),
    (3, "ring_budget_seconds", "less than or equal to 150"),
    (4, "colour", "no such setting"),
    (7, "asterisk.ami_port", "less than or equal to 65535"),
    (10, "egress.denied_prefixes[1]", "form"),
    (13, "platform[1] (UC).name", "form"),
    (14, "platform[1] (UC).host_port", "form"),
    (15, "platform[1] (UC).no_progress_seconds", "valid number"),
    (17, "trunk[1] (carrier).platform", "is missing"),
    (19, "trunk[1] (carrier).sources", "at least 1"),
}


def settings_of(text: str) -> Settings:
    return parse(tomllib.loads(text))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A good configuration with its secrets."""
    path = tmp_path / "ringfence.toml"
    path.write_text(GOOD)
    for name in SECRETS:
        (tmp_path / name).write_text(f"{name}-0123456789\n")
    return path


def test_a_configuration_with_many_errors_names_each_with_line_and_fix(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.toml"
    path.write_text(TEN_ERRORS)
    with pytest.raises(ConfigError) as caught:
        load(path)
    faults = caught.value.faults
    for line, setting, fix in EXPECTED:
        matching = [fault for fault in faults if fault.startswith(f"{path}:{line}: {setting}: ")]
        assert len(matching) == 1, (line, setting, faults)
        assert fix in matching[0]
    assert len(faults) == len(EXPECTED)


def test_a_budget_that_leaves_nobody_time_to_ring_is_refused() -> None:
    tight = "ring_budget_seconds = 30\nsite_ring_seconds = 20\n" + GOOD + "\n[press_one]\nseconds = {}\n"
    assert settings_of(tight.format(15)).press_one.seconds == 15
    with pytest.raises(ConfigError, match=r"\[press_one\] seconds leaves no 15 seconds"):
        settings_of(tight.format(16))


@pytest.mark.parametrize("port", [0, 65536, 70000])
def test_a_port_nobody_can_have_is_refused_where_it_stands(tmp_path: Path, port: int) -> None:
    path = tmp_path / "ringfence.toml"
    path.write_text(GOOD.replace("192.0.2.10:5060", f"192.0.2.10:{port}"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.faults == [f"{path}:3: platform[1] (uc).host_port: port {port} is not between 1 and 65535"]


def test_references_that_lead_nowhere_are_named_together() -> None:
    text = GOOD.replace('platform = "uc"', 'platform = "ucs"\nannouncement = "none"').replace('"out"', '"carrier"')
    with pytest.raises(ConfigError) as caught:
        settings_of(text)
    (fault,) = caught.value.faults
    for said in ("names platform 'ucs', known: uc", "announcement 'none'", "'carrier' is used twice"):
        assert said in fault


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ('endpoint = "ringfence-uc"', "uses endpoint 'ringfence-uc', as platform 'uc' does"),
        ('qualify_endpoint = "ringfence-uc_qualify"', "uses endpoint 'ringfence-uc_qualify', as platform 'uc' does"),
        ('endpoint = "ringfence-uc_qualify"', "uses endpoint 'ringfence-uc_qualify', as platform 'uc' does"),
    ],
)
def test_two_far_ends_with_one_endpoint_are_refused(out: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(GOOD.replace('name = "out"', f'name = "out"\n{out}'))
    (fault,) = caught.value.faults
    assert f"egress_trunk 'out' {said}; give each its own" in fault


@pytest.mark.parametrize("context", ["ringfence-in-carrier", "from pstn", "pstn,1", "-pstn"])
def test_a_normal_context_is_none_of_ours(context: str) -> None:
    text = GOOD.replace('platform = "uc"', f'platform = "uc"\nnormal_context = "{context}"')
    with pytest.raises(ConfigError) as refused:
        parse(tomllib.loads(text), "it", text)
    assert "normal_context" in str(refused.value.faults)


def test_a_carrier_with_one_endpoint_may_have_it_under_both_its_trunks() -> None:
    own = 'endpoint = "registered"'
    text = GOOD.replace('name = "carrier"', f'name = "carrier"\n{own}').replace('name = "out"', f'name = "out"\n{own}')
    settings = settings_of(text)
    assert settings.trunk[0].endpoint == settings.egress_trunk[0].dial_endpoint == "registered"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"node = \n", "not TOML"),
        (b"node = '\xff'\n", "not UTF-8"),
        (None, "ringfence init"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "ringfence.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert said in caught.value.faults[0]
    assert str(path) in caught.value.faults[0]


@contextmanager
def nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_not_called_missing(config: Path) -> None:
    config.chmod(0)
    (config.parent / "ami_secret").chmod(0)
    config.parent.chmod(0o755)
    with nobody():
        done = run_ringfence("check-config", "--config", str(config))
    assert done.exit_code == 1
    assert "may not be read" in done.output
    assert "there is no such file" not in done.output


def test_missing_secrets_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_secrets(tmp_path / "ringfence.toml")
    assert len(caught.value.faults) == len(SECRETS)
    assert "RINGFENCE_AMI_SECRET" in caught.value.faults[1]


@pytest.mark.parametrize("hostile", ["two words", "line\nAction: Originate", "tab\there", "naïve-secret"])
def test_a_secret_that_could_say_more_than_itself_is_refused(config: Path, hostile: str) -> None:
    (config.parent / "ami_secret").write_text(hostile)
    with pytest.raises(ConfigError) as caught:
        load_secrets(config)
    (fault,) = caught.value.faults
    assert fault.startswith("ami_secret: ")
    assert hostile not in fault


def test_a_secret_from_the_environment_comes_first(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_AMI_SECRET", "from-the-environment")
    other = config.parent / "elsewhere"
    other.write_text("from-another-file\n")
    monkeypatch.setenv("RINGFENCE_ARI_SECRET_FILE", str(other))
    secrets = load_secrets(config)
    assert secrets.ami_secret.get_secret_value() == "from-the-environment"
    assert secrets.ari_secret.get_secret_value() == "from-another-file"
    assert "from-the-environment" not in repr(secrets)


def test_a_sound_configuration_has_no_warnings() -> None:
    assert warnings(settings_of(GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("203.0.113.53", "192.0.2.10", "1 of 2 witnesses"),
        ("203.0.113.53", "127.0.0.1", "1 of 2 witnesses"),
        ('name = "uc"', 'name = "uc"\nprofile = "wan"\nno_progress_seconds = 2', "merely slow"),
        ('name = "uc"', 'name = "uc"\nprobe = false', "contact status"),
        ("203.0.113.20:5060", "192.0.2.10:5070", "die with it"),
        ("[[control]]", '[http]\nhost = "::"\ntrusted_proxies = ["192.0.2.7"]\n[[control]]', "http.host"),
        ("[[control]]", '[asterisk]\nhost = "192.0.2.9"\n[[control]]', "asterisk.host"),
        ("[[platform]]\nname", 'asterisk_conf_dir = "/etc/asterisk/rf"\n[[platform]]\nname', "asterisk_conf_dir"),
        ('"198.51.100.1"', '"0.0.0.0/0"', "from everywhere"),
        ('fallback_number = "+441134960999"', "", "fallback_number"),
        ('name = "out"', 'name = "out"\nchannels = 4', "max_calls"),
        ('name = "carrier"', 'name = "carrier"\nnormal_context = "from-pstn"', "normal_context"),
    ],
)
def test_what_is_allowed_and_unwise_is_said(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert [warning for warning in warnings(settings_of(GOOD.replace(old, new, 1))) if said in warning]


def test_the_worst_case_is_the_slower_of_both_probes() -> None:
    by_name = {str(found.target): found for found in detections(settings_of(GOOD))}
    platform = by_name["platform:uc"]
    assert platform.worst_case_seconds == pytest.approx(0.5 * 1.1 + 0.3 + 4 * (0.05 + 0.3))
    assert platform.formula == (
        "the larger of sip_options: 0.5 x 1.1 + 0.3 + 4 x (0.05 + 0.3) = 2.25 s; contact_status: 1 + 0.5 = 1.50 s"
    )
    assert "no promise without traffic" in platform.refusing
    assert by_name["control:proxy"].formula == "sip_options: 0.5 x 1.1 + 0.3 + 4 x (0.05 + 0.3) = 2.25 s"
    assert by_name["trunk:out"].refusing == ""


def test_where_only_asterisk_asks_its_interval_decides() -> None:
    (platform, *_) = detections(settings_of(GOOD.replace('name = "uc"', 'name = "uc"\nprobe = false', 1)))
    assert platform.worst_case_seconds == 1.5


def test_an_own_endpoint_promises_nothing_by_itself() -> None:
    (platform, *_) = detections(settings_of(GOOD.replace('name = "uc"', 'name = "uc"\nendpoint = "sbc"', 1)))
    assert platform.worst_case_seconds is None
    assert "of your own AOR" in platform.formula


def test_an_inbound_trunk_is_a_target_when_it_has_an_address() -> None:
    text = GOOD.replace('platform = "uc"', 'platform = "uc"\nhost_port = "198.51.100.1:5060"')
    assert "trunk:carrier" in {str(found.target) for found in detections(settings_of(text))}


def test_check_config_prints_table_and_formula(config: Path) -> None:
    done = run_ringfence("check-config", "--config", str(config))
    assert done.exit_code == 0, done.output
    assert re.search(r"platform:uc .*192\.0\.2\.10:5060", done.output)
    assert "0.5 x 1.1 + 0.3 + 4 x (0.05 + 0.3) = 2.25 s" in done.output
    assert "no promise without traffic" in done.output
    assert "can be used" in done.output


def test_check_config_says_all_that_is_wrong_at_once(config: Path) -> None:
    config.write_text(TEN_ERRORS)
    (config.parent / "ari_secret").unlink()
    done = run_ringfence("check-config", "--config", str(config))
    assert done.exit_code == 1
    assert f"{config}:14: platform[1] (UC).host_port" in done.output
    assert "ari_secret: not set" in done.output
    assert f"{len(EXPECTED) + 1} errors" in done.output


def test_check_config_says_what_asterisks_files_would_not_take(config: Path) -> None:
    (config.parent / "ami_secret").write_text("semi;colon;secret\n")
    text = GOOD.replace('name = "out"', 'name = "out"\nendpoint = ""').replace('name = "carrier"', 'name = "uc"')
    config.write_text(text)
    done = run_ringfence("check-config", "--config", str(config), "--json")
    assert done.exit_code == 1
    errors = json.loads(done.output)["errors"]
    assert any("'ringfence-uc' is there twice" in error for error in errors)
    assert any(error.startswith("manager_ringfence.conf: the secret may hold") for error in errors)
    assert "semi;colon" not in done.output


def test_check_config_as_json(config: Path) -> None:
    answer = json.loads(run_ringfence("check-config", "--config", str(config), "--json").output)
    assert answer["errors"] == []
    platform = answer["targets"][0]
    assert platform["target"] == "platform:uc"
    assert platform["worst_case_seconds"] == pytest.approx(2.25)
    assert [probe["kind"] for probe in platform["probes"]] == ["sip_options", "contact_status"]

"""`ringfence explain --as-received` and `--invites`: offline from the configuration, and with a daemon behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.captures import CARRIER, OURS, asterisk_log, ethernet, invite, pcap, sipp_trace, tcp, udp
from tests.fakes.node import DID, OTHER_DID
from tests.fakes.smallest import smallest
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

SECOND_TRUNK = """
[[trunk]]
name = "other"
platform = "uc"
sources = ["2001:db8::/32", "198.51.100.77"]
bare = "extension"
ranges = ["+441134960xxx"]
"""
CONFIG = smallest(trunk='sources = ["198.51.100.0/24", "sip.carrier.example"]', last=SECOND_TRUNK)
DIDS = "did,owner,site,platform\n+441134960100-+441134960199,by extension,Leeds,uc\n0113 496 0205,ada,Leeds,uc\n"
CALLER = "7700900123"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ringfence.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def dids(tmp_path: Path) -> Path:
    path = tmp_path / "dids.csv"
    path.write_text(DIDS)
    return path


def test_a_number_is_read_offline(config: Path, dids: Path) -> None:
    asking = ("explain", "--as-received", "0113 496 0205", "--trunk", "carrier", "--dids", str(dids))
    shown = ringfence(None, *asking, config=config)
    assert shown.exit_code == 0, shown.output
    for words in (
        "01134960205",
        "it begins with the national prefix",
        "+441134960205",
        "a DID of the directory",
        "ada",
    ):
        assert words in shown.stdout
    found = told(ringfence(None, *asking, "--json", config=config))
    assert [one["rule"] for one in found["rules"]] == ["national_prefix"]
    assert (found["did"], found["known"], found["owner"]) == ("+441134960205", True, "ada")


@pytest.mark.parametrize(
    ("received", "trunk", "did", "status"),
    [
        ("1134960205", "carrier", "+1134960205", 4),
        ("001", "other", "+441134960001", 4),
        ("101", "other", "+441134960101", 0),
        ("1134960101;phone-context=+44", "carrier", "+441134960101", 0),
        ("sip:+441134960101;npdi@x", "carrier", "+441134960101", 0),
        ('"Ada" <tel:+441134960101>', "carrier", "+441134960101", 0),
        ("1001&1002", "carrier", None, 4),
        ("12", "carrier", "12", 4),
    ],
)
def test_the_exit_status_says_whether_it_is_a_did(
    config: Path, dids: Path, received: str, trunk: str, did: str | None, status: int
) -> None:
    asking = ("explain", "--as-received", received, "--trunk", trunk, "--dids", str(dids), "--json")
    assert told(ringfence(None, *asking, config=config), status)["did"] == did


def test_without_a_daemon_nobody_knows_the_directory(config: Path) -> None:
    found = told(ringfence(None, "explain", "--as-received", DID, "--trunk", "carrier", "--json", config=config))
    assert (found["known"], found["explanation"]) == (None, None)


def test_with_a_daemon_it_says_what_would_happen(config: Path, served: ServedNode) -> None:
    asking = ("explain", "--as-received", f"00{DID[1:]}", "--trunk", "carrier")
    found = told(ringfence(served, *asking, "--json", config=config))
    assert (found["known"], found["owner"], found["explanation"]["did"]) == (True, "ada", DID)
    assert found["explanation"]["decision_words"] in ringfence(served, *asking, config=config).stdout
    missing = ("explain", "--as-received", "+441134960999", "--trunk", "carrier", "--json")
    assert told(ringfence(served, *missing, config=config), 4)["known"] is False


@pytest.mark.parametrize(
    "received", ["12", "+1", "+1000000", "0000000000000000", "%00", "", "+9" * 40, "<", "sip:@", "tel:"]
)
def test_what_no_directory_could_hold_is_not_asked_for(config: Path, served: ServedNode, received: str) -> None:
    asking = ("explain", "--as-received", received, "--trunk", "carrier", "--json")
    assert told(ringfence(served, *asking, config=config), 4)["known"] in (None, False)


def test_the_trunk_must_be_named_where_there_are_several(config: Path) -> None:
    for more in ((), ("--trunk", "nobody")):
        shown = ringfence(None, "explain", "--as-received", "0113", *more, config=config)
        assert (shown.exit_code, "Known: carrier, other." in shown.stderr) == (2, True)


@pytest.mark.parametrize("given", [(), (DID, "--as-received", "1"), ("--invites", "/dev/null", "--as-received", "1")])
def test_one_thing_is_asked_at_a_time(config: Path, given: tuple[str, ...]) -> None:
    assert ringfence(None, "explain", *given, config=config).exit_code == 2


def day() -> bytes:
    national = [invite(f"sip:1134960{100 + n}@x", f"n{n}") for n in range(98)]
    plus = [invite("sip:+441134960150@x", "p1"), invite("sip:+441134960150@x", "p1", cseq=2)]
    odd = [invite("sip:1134969999@x", "odd"), invite("sip:x@x", "in", to="<sip:x@x>;tag=1")]
    carried = [ethernet(udp(one)) for one in (*national, *plus, *odd)]
    tails = [ethernet(tcp(invite(f"sip:10{n}@x", f"t{n}"), 1 + 5_000 * n, "198.51.100.77")) for n in range(3)]
    away = [ethernet(udp(invite(f"sip:0{CALLER}@carrier", f"o{n}"), OURS, CARRIER)) for n in range(5)]
    return pcap([*carried, *tails, *away])


def test_a_days_calls_are_counted_once_each_by_the_trunk_they_came_by(tmp_path: Path, config: Path, dids: Path) -> None:
    capture = tmp_path / "day.pcap"
    capture.write_bytes(day())
    asking = ("explain", "--invites", str(capture), "--dids", str(dids))
    found = told(ringfence(None, *asking, "--json", config=config), 4)
    assert (found["invites"], found["calls"], found["good"], found["refused"]) == (110, 103, 4, 0)
    forms = {(form["trunk"], form["shape"]): (form["calls"], form["good"]) for form in found["forms"]}
    assert forms == {
        ("carrier", "10 digits"): (99, 0),
        ("carrier", "+44 and 10 digits"): (1, 1),
        ("other", "3 digits"): (3, 3),
    }
    assert {"number": "+1134969999", "calls": 1} in found["unknown"]
    assert found["elsewhere"] == [{"address": OURS, "calls": 5}]
    assert len(found["never_called"]) == 101 - 4
    (suggestion,) = found["suggestions"]
    assert suggestion["sentence"] == 'trunk carrier: 99 % would read with bare = "national" (now 1 %)'
    shown = ringfence(None, *asking, config=config)
    assert "SUGGESTION trunk carrier" in shown.stdout
    assert CALLER not in shown.output


def suggested(tmp_path: Path, config: Path, dids: Path, content: bytes, trunk: str = "carrier") -> list[str]:
    file = tmp_path / "log"
    file.write_bytes(content)
    asking = ("explain", "--invites", str(file), "--trunk", trunk, "--dids", str(dids), "--json")
    return [line for one in told(ringfence(None, *asking, config=config), 4)["suggestions"] for line in one["settings"]]


def test_a_pilot_number_has_the_did_elsewhere(tmp_path: Path, config: Path, dids: Path) -> None:
    calls = [
        (CARRIER, invite("sip:pilot@x", f"{n}", headers=[f"P-Called-Party-ID: <sip:1134960{100 + n}@x>"]))
        for n in range(20)
    ]
    settings = ['did_source = "p-called-party-id"', 'bare = "national"']
    assert suggested(tmp_path, config, dids, asterisk_log(calls)) == settings
    calls = [(CARRIER, invite("sip:pilot@x", f"{n}", to=f"<sip:+441134960{100 + n}@x>")) for n in range(20)]
    assert suggested(tmp_path, config, dids, sipp_trace(calls)) == ['did_source = "to"']


def test_last_digits_suggest_the_range(tmp_path: Path, config: Path, dids: Path) -> None:
    calls = [(CARRIER, invite(f"sip:01{n:02}@x", f"{n}")) for n in range(20)]
    settings = ['bare = "extension"', "extension_length = 4", 'ranges = ["+4411349601xx"]']
    assert sorted(suggested(tmp_path, config, dids, asterisk_log(calls))) == sorted(settings)


def test_with_a_daemon_its_directory_is_compared_with(tmp_path: Path, config: Path, served: ServedNode) -> None:
    file = tmp_path / "log"
    file.write_bytes(asterisk_log([(CARRIER, invite(f"sip:{DID}@x"))]))
    found = told(ringfence(served, "explain", "--invites", str(file), "--json", config=config))
    assert (found["calls"], found["good"], OTHER_DID in found["never_called"]) == (1, 1, True)


def test_a_file_without_a_call_is_not_well(tmp_path: Path, config: Path, dids: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"nothing of the kind\n")
    assert ringfence(None, "explain", "--invites", str(file), "--dids", str(dids), config=config).exit_code == 4
    file.write_bytes(b"\x1f\x8b12345678")
    packed = ringfence(None, "explain", "--invites", str(file), "--dids", str(dids), config=config)
    assert (packed.exit_code, "unpack it first" in packed.stderr) == (1, True)

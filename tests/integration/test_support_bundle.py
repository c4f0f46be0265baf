"""A bundle of a site full of what nobody outside may see: none of it is inside, whatever is dead."""

from __future__ import annotations

import asyncio
import json
import stat
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.cli.client import Daemon, Refused
from ringfence.cli.support import bundle, fields
from ringfence.cli.support.gathering import Sources
from ringfence.cli.support.part import Part
from ringfence.domain.redaction import Redaction
from ringfence.store import tables
from tests.integration.stores import NOW, opened_at
from tests.integration.test_doctor import DoctorSite, open_site
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.number_scanner import found_in

ADA, BEA, CALLER = "+447700900123", "07700 900 124", "+447700900555"
SIP_PASSWORD, WEB_TOKEN, OTHER_GLOBAL = "swordfish-of-the-trunk", "T0ken-in-an-address", "a-password-in-a-global"
ADDRESS = "198.51.100.7"  # where somebody signed in from
PEOPLE = ("Ada Lovelace", "ada@example.org", "her mother is ill")

LOG: list[dict[str, Any] | str] = [
    {
        "event": "mode changed",
        "logger": "ringfence.app.failover",
        "level": "warning",
        "scope": "uc",
        "before": "NORMAL",
    },
    {"event": "an operation failed", "logger": "ringfence.web.errors", "level": "error", "reason": f"no {ADA}, {BEA}"},
    {"event": "a sign-in was refused", "logger": "ringfence.web", "who": PEOPLE[0], "address": ADDRESS},
    {"event": f"GET /reveal/{ADA}", "logger": "uvicorn.access", "level": "info"},
    {
        "event": "task broke, trying again",
        "logger": "ringfence.app.supervisor",
        "exception": f'Traceback:\n  File "/opt/ringfence/app/calls.py", line 12, in look\nValueError: {ADA} {BEA}',
    },
    f"a line of the machine's own: {CALLER} {PEOPLE[0]}",
]


@pytest_asyncio.fixture
async def site(
    make_asterisk: AsteriskFactory, platform: Platform, mobile_network: MobileNetwork, tmp_path: Path
) -> AsyncIterator[DoctorSite]:
    async with open_site(make_asterisk("support"), tmp_path, platform, mobile_network) as opened:
        plant_files(opened)
        async with opened_at(tmp_path / "state" / "ringfence.db") as database:
            await database.write(plant_rows)
        yield opened


def plant_files(site: DoctorSite) -> None:
    config, etc = site.config, site.asterisk.etc
    text = config.read_text()
    assert "[[trunk]]\n" in text
    text = text.replace("[[trunk]]\n", f'[[trunk]]\nfallback_number = "{ADA}"\n', 1)
    config.write_text(f'{text}\n[heartbeat]\nurl = "https://example.org/{WEB_TOKEN}"\n')
    with (etc / "pjsip.conf").open("a") as file:
        file.write(
            f"\n[ada]\ntype=endpoint\ncallerid=Ada Lovelace <{ADA}>\nauth=ada\noutbound_auth=ada\naors=ada\n"
            f"[ada]\ntype=aor\ncontact=sip:{ADA}@127.0.0.1:9\n"
            f"[ada]\ntype=auth\nauth_type=userpass\nusername={ADA}\npassword={SIP_PASSWORD}\n"
        )
    with (etc / "extensions.conf").open("a") as file:
        file.write(f"\n[globals]\nTRUNK_PASSWORD={OTHER_GLOBAL}\nRF_PLANTED={ADA}\n")
    lines = [line if isinstance(line, str) else json.dumps(line) for line in LOG]
    (config.parent / "ringfence.log").write_text("\n".join(lines) + "\n")


async def plant_rows(connection: AsyncConnection) -> None:
    said = {"why": f"{PEOPLE[2]}, ring {BEA}", "who": PEOPLE[1], "evidence": [ADA], "told_at": NOW.wall}
    change = {
        "key": "k",
        "at": NOW.wall,
        "before": "-",
        "after": "dr",
        "signal": "override",
        "reason": "person-forced-dr",
    }
    call: dict[str, Any] = {column.name: "" for column in tables.calls.columns if column.name != "id"}
    call |= {"call_id": "node-1.1", "ended_at": datetime.now(UTC), "did": "+441134960123", "caller": CALLER, "step": 0}
    call |= {"platform_status": 200, "duration_ms": 10, "ringing_after_ms": 1, "scope": "uc", "answered_by": "platform"}
    for table, row in (
        (tables.sites, {"name": "Leeds", "announcement": "unavailable", "fallback_number": BEA.replace(" ", "")}),
        (tables.people, {"key": "ada", "name": PEOPLE[0], "site": "Leeds"}),
        (tables.default_numbers, {"person": "ada", "position": 1, "e164": ADA, "ring_seconds": 20}),
        (tables.transitions, {**change, **said, "scope": f"did:{ADA}"}),
        (tables.calls, call),
    ):
        await connection.execute(insert(table), row)


def sources_of(site: DoctorSite) -> Sources:
    folder = site.config.parent
    return Sources(site.config, Daemon(folder / "control.sock", "ada"), folder / "ringfence.log", site.console)


async def made(sources: Sources, file: Path) -> dict[str, str]:
    """The bundle's files, unpacked: name -> text."""
    done = await asyncio.to_thread(bundle.make, sources, file, rehearse=False)
    assert done["held_back"] == 0, done
    with tarfile.open(file) as archive:
        found = {}
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None
            found[entry.name.removeprefix("ringfence-support/")] = content.read().decode()
    return found


def assert_clean(site: DoctorSite, inside: dict[str, str]) -> None:
    secrets = [path.read_text().strip() for path in site.config.parent.glob("*_secret")]
    assert len(secrets) >= 2, "ARI's and AMI's"
    for name, text in inside.items():
        assert found_in(f"{name} {text}") == [], name
        for private in (*secrets, SIP_PASSWORD, WEB_TOKEN, OTHER_GLOBAL, *PEOPLE, ADDRESS, "4960123"):
            assert private not in text, (name, private)


async def test_nothing_private_is_in_it_and_everything_useful_is(site: DoctorSite, tmp_path: Path) -> None:
    await site.start()
    await site.asterisk.db_put("ringfence/did/1", ADA, f"1|uc|-|voice|0|p:{ADA}:20|a:unavailable:0")
    inside = await made(sources_of(site), tmp_path / "bundle.tar.gz")
    assert_clean(site, inside)
    assert "Asterisk 22" in inside["asterisk.txt"] and "app_dial.so Running" in inside["asterisk.txt"]
    assert "Endpoint ada: " in inside["asterisk.txt"] and "RF_PLANTED=[number " in inside["asterisk.txt"]
    assert json.loads(inside["database.json"])["rows"]["default_numbers"] == 1
    (change,) = json.loads(inside["transitions.json"])
    assert (change["reason"], set(change)) == ("person-forced-dr", set(fields.TRANSITIONS) | {"version"})
    (counted,) = json.loads(inside["calls.json"])
    assert (counted["scope"], counted["answered_by"], counted["calls"]) == ("uc", "platform", 1)
    assert json.loads(inside["configuration.json"])["heartbeat"]["url"] == "[left out]"
    assert any(finding["check"] == "ami login" for finding in json.loads(inside["doctor.json"])["findings"])
    lines = [json.loads(line) for line in inside["log.jsonl"].splitlines()]
    assert (lines[0]["event"], lines[0]["scope"], lines[3]["event"]) == ("mode changed", "uc", "[left out]")
    assert lines[4]["exception"] == ["app/calls.py:12 look", "ValueError"]
    assert lines[-1] == {"lines left out, not of the daemon": 1}
    assert any(name.startswith("snippets/") and "left-out" in text for name, text in inside.items())


async def test_with_everything_dead_it_says_so(site: DoctorSite, tmp_path: Path) -> None:
    sources = replace(sources_of(site), daemon=Daemon(tmp_path / "nobody.sock", "ada"), log=tmp_path / "none.log")
    inside = await made(sources, tmp_path / "bundle.tar.gz")
    assert_clean(site, inside)
    contents = inside["CONTENTS.txt"]
    assert {"status.json", "asterisk.txt", "log.jsonl"} & set(inside) == set()
    assert contents.count("not there: ") == 3, contents
    broken = replace(sources, config=tmp_path / "broken.toml")
    broken.config.write_text(f'node = "{ADA}')
    inside = await made(broken, tmp_path / "other.tar.gz")
    assert found_in("".join(inside.values())) == []
    assert "The configuration cannot be read" in inside["CONTENTS.txt"] and "versions.json" in inside


async def test_it_is_for_its_maker_alone_and_replaces_nothing(site: DoctorSite, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tar.gz"
    rehearsed = await asyncio.to_thread(bundle.make, sources_of(site), file, rehearse=True)
    assert not file.exists() and {"doctor.json", "log.jsonl"} <= {part["name"] for part in rehearsed["parts"]}
    await made(sources_of(site), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(Refused, match="is there already"):
        await asyncio.to_thread(bundle.make, sources_of(site), file, rehearse=False)
    assert file.read_bytes() == before


def test_what_slips_through_is_held_back_with_its_part() -> None:
    redaction = Redaction(b"k", ["open sesame"])
    for text in (f"ring {BEA}", "open sesame", "%2B447700900123", "ada@example.org"):
        held = bundle.looked_at(Part("x.txt", "about", text), redaction)
        assert (held.text, held.missing.startswith("held back: ")) == ("", True), text
    assert bundle.looked_at(Part("x.txt", "about", "all is well"), redaction).text == "all is well"

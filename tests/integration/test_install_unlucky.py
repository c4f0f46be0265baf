"""Installations that were interrupted, edited behind our back or forgotten: nothing half-done stays, or it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from ringfence.cli.install.edits import END
from tests.integration.install_site import InstallSite, plain
from tests.lab.fixtures import AsteriskFactory

ASKS = "exten => _+X.,1,Gosub(ringfence-decide,s,1(${EXTEN},carrier))\n same => n,Dial("
GUARDED = (
    'exten => _+X.,1,GosubIf($["${DIALPLAN_EXISTS(ringfence-decide,s,1)}" = "1"]'
    "?ringfence-decide,s,1(${EXTEN},carrier))\n same => n,Dial("
)


@pytest_asyncio.fixture
async def site(make_asterisk: AsteriskFactory, tmp_path: Path) -> InstallSite:
    """Installed, and its Asterisk runs."""
    found = InstallSite(make_asterisk("unlucky"), tmp_path)
    found.lay(plain(found.asterisk))
    await found.asterisk.start()
    assert found.init("--include").exit_code == 0
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_lines_of_a_handover_that_somebody_edited_go_too(site: InstallSite) -> None:
    """Left, they would lead every call into a context that is gone."""
    pjsip = site.asterisk.etc / "pjsip.conf"
    before = pjsip.read_bytes()
    done = site.run("handover", "carrier")
    assert done.exit_code == 0, done.output
    edit(pjsip, "context=ringfence-in-carrier", "context=ringfence-in-carrier ; bob was here")
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    assert b"ringfence" not in pjsip.read_bytes()
    assert pjsip.read_bytes() in before
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier")


async def test_undo_takes_back_lines_that_somebody_edited(site: InstallSite) -> None:
    pjsip = site.asterisk.etc / "pjsip.conf"
    before = pjsip.read_bytes()
    done = site.run("handover", "carrier")
    assert done.exit_code == 0, done.output
    edit(pjsip, "context=ringfence-in-carrier", "context=ringfence-in-carrier ; bob was here")
    done = site.run("handover", "carrier", "--undo")
    assert done.exit_code == 0, done.output
    assert pjsip.read_bytes() == before, "the include of the same file stays"
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier")


async def test_undo_says_when_the_endpoint_leads_in_all_the_same(site: InstallSite) -> None:
    pjsip = site.asterisk.etc / "pjsip.conf"
    done = site.run("handover", "carrier")
    assert done.exit_code == 0, done.output
    edit(pjsip, "context=from-carrier", "context=ringfence-in-carrier")
    done = site.run("handover", "carrier", "--undo")
    assert done.exit_code == 1
    assert "still leads into ringfence-in-carrier" in done.output


@pytest.mark.parametrize(("lines", "status"), [(ASKS, 1), (GUARDED, 0)], ids=["bare", "guarded"])
async def test_removal_waits_for_the_lines_of_a_dialplan_that_asks(site: InstallSite, lines: str, status: int) -> None:
    """A Gosub to a context that is gone hangs up every call."""
    extensions = site.asterisk.etc / "extensions.conf"
    edit(extensions, "exten => _+X.,1,Dial(", lines)
    asking = site.files()
    done = site.run("remove")
    assert done.exit_code == status, done.output
    if status:
        assert f"{extensions}:2" in done.output
        assert site.files() == asking


async def test_without_an_asterisk_that_runs_a_trunk_led_in_by_hand_is_read_in_its_file(site: InstallSite) -> None:
    pjsip = site.asterisk.etc / "pjsip.conf"
    edit(pjsip, "context=from-carrier", "context=ringfence-in-carrier")
    await site.asterisk.stop()
    done = site.run("remove")
    assert done.exit_code == 1, done.output
    assert "--context carrier=CONTEXT" in done.output
    assert site.run("remove", "--context", "carrier=from-carrier").exit_code == 4
    assert b"ringfence" not in pjsip.read_bytes()


async def test_a_trunk_led_in_by_hand_is_found_without_a_configuration(site: InstallSite) -> None:
    edit(site.asterisk.etc / "pjsip.conf", "context=from-carrier", "context=ringfence-in-carrier")
    await site.asterisk.reload("res_pjsip.so")
    site.config.write_text("not = toml = at all")
    done = site.run("remove")
    assert done.exit_code == 1, done.output
    assert "--context carrier=CONTEXT" in done.output


async def test_a_handover_that_nobody_remembers_needs_no_word_of_where_it_led(site: InstallSite) -> None:
    done = site.run("handover", "carrier")
    assert done.exit_code == 0, done.output
    (site.config.parent / "installed.json").unlink()
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier")
    assert END not in (site.asterisk.etc / "pjsip.conf").read_text()


async def test_a_removal_that_died_before_asterisk_read_it_is_finished(site: InstallSite) -> None:
    """All files are as they were, AstDB holds nothing, and Asterisk still has our contexts."""
    etc = site.asterisk.etc
    for name, text in plain(site.asterisk).items():
        (etc / name).write_text(text)
    for path in (etc / "ringfence").iterdir():
        path.unlink()
    (etc / "ringfence").rmdir()
    assert "created by" in await site.asterisk.cli("dialplan show ringfence-inbound")
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    assert "created by" not in await site.asterisk.cli("dialplan show ringfence-inbound")
    assert "There is nothing" in site.run("remove").output


async def test_half_a_file_that_a_killed_run_left_is_taken_away(site: InstallSite) -> None:
    left = site.asterisk.etc / ".pjsip.conf.ringfence-4711"
    left.write_text("; half of it")
    done = site.run("remove", "--dry-run")
    assert str(left) in done.output
    assert left.exists()
    assert site.run("remove").exit_code == 0
    assert not left.exists()


async def test_init_says_what_undoes_an_interrupted_one(site: InstallSite) -> None:
    done = site.init("--include")
    assert done.exit_code == 1
    assert "ringfence remove" in done.output


async def test_an_endpoint_that_we_made_goes_with_our_files(make_asterisk: AsteriskFactory, tmp_path: Path) -> None:
    site = InstallSite(make_asterisk("made"), tmp_path)
    site.lay(plain(site.asterisk))
    before = site.files()
    assert site.init("--include", "--trunk-source", "192.0.2.77").exit_code == 0
    assert site.run("remove").exit_code == 4
    assert site.files() == before

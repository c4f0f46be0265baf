"""Put beside a running Asterisk by its administrator's own commands, and taken out again without a trace."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.registry import run_checks
from ringfence.cli.install.edits import BEGIN
from ringfence.config import load
from tests.integration.install_site import InstallSite, freepbx, plain
from tests.lab.fixtures import AsteriskFactory
from tests.unit.test_init import QUESTION_SECONDS, await_words

KINDS = {"plain": plain, "freepbx": freepbx}


@pytest.fixture
def site(make_asterisk: AsteriskFactory, tmp_path: Path) -> InstallSite:
    return InstallSite(make_asterisk("install"), tmp_path)


async def checked(site: InstallSite, check: str) -> Finding:
    """What the doctor finds by one of its checks."""
    ground = Ground(site.config, site.console, host_name="localhost")
    return next(finding for finding in await run_checks(ground) if finding.check == check)


@pytest.mark.parametrize("kind", KINDS)
async def test_in_and_out_again_leaves_no_trace(site: InstallSite, kind: str) -> None:
    site.lay(KINDS[kind](site.asterisk))
    await site.asterisk.start()
    await site.asterisk.db_put("site", "own", "kept")
    files, held = site.files(), await site.held()

    done = site.init("--include")
    assert done.exit_code == 0, done.output
    assert f"a {kind} site" in done.output
    assert load(site.config).trunk[0].endpoint == "carrier", "the endpoint that takes these addresses already"
    assert "created by" in await site.asterisk.cli("dialplan show ringfence-inbound")
    assert "ringfence" in await site.asterisk.cli("manager show users")
    assert "ringfence" in await site.asterisk.cli("ari show users")
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier"), "no call has changed"

    done = site.run("handover", "carrier")
    assert done.exit_code == 0, done.output
    endpoint = await site.asterisk.cli("pjsip show endpoint carrier")
    assert "ringfence-in-carrier" in endpoint
    assert "allow_transfer                     : false" in endpoint

    await site.asterisk.db_put("ringfence/mode", "platform", "1")
    done = site.run("remove")
    assert done.exit_code == 0, done.output
    assert site.files() == files
    assert await site.held() == held
    assert "There is nothing" not in done.output
    assert site.run("remove").output.strip() == "There is nothing of Ringfence here."


async def test_a_file_that_a_program_writes_is_never_touched(site: InstallSite) -> None:
    site.lay(freepbx(site.asterisk))
    await site.asterisk.start()
    before = site.files()
    assert site.init("--include").exit_code == 0
    assert site.run("handover", "carrier").exit_code == 0
    after = site.files()
    changed = {name for name in after if "/" not in name and after[name] != before.get(name)}
    assert changed == {
        "extensions_custom.conf",
        "pjsip_custom_post.conf",
        "manager_custom.conf",
        "ari_additional_custom.conf",
    }


async def test_on_a_terminal_it_proposes_what_it_saw(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    program = "import typer; from ringfence.cli.setup_commands import add_to; app = typer.Typer(); add_to(app); app()"
    options = ["--platform", "127.0.0.1:9", "--egress", "127.0.0.1:9", *site.places("init")]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", program, "init", *options], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = await_words(ours, "come from, comma between [127.0.0.1/32]")
    assert "Endpoint carrier: context from-carrier" in seen
    os.write(ours, b"\n")
    await_words(ours, "Add the lines to Asterisk's files")
    os.write(ours, b"y\n")
    await_words(ours, "let in with everything")
    assert child.wait(QUESTION_SECONDS) == 0
    os.close(ours)
    assert load(site.config).trunk[0].sources == ["127.0.0.1/32"]
    assert "created by" in await site.asterisk.cli("dialplan show ringfence-inbound")


async def test_a_dry_run_shows_every_line_and_writes_nothing(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    before = site.files()
    done = site.init("--include", "--dry-run")
    assert done.exit_code == 0, done.output
    assert site.files() == before
    assert not site.config.parent.exists()
    assert "    #include ringfence/extensions_ringfence.conf" in done.output
    assert "    bindaddr = 127.0.0.1" in done.output
    shown = {line.strip() for line in done.output.splitlines() if line.startswith("    ")}
    site.init("--include")
    written = {name: text for name, (text, _) in site.files().items() if "/" not in name and before[name][0] != text}
    added = {
        line for name, text in written.items() for line in text[len(before[name][0]) :].decode().split("\n") if line
    }
    assert added == shown, "what was shown is what is written"


async def test_what_asterisk_does_not_load_is_taken_out_at_once(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    modules = site.asterisk.etc / "modules.conf"
    modules.write_text(modules.read_text().replace("load=pbx_config.so\n", ""))
    await site.asterisk.start()
    before = site.files()
    done = site.init("--include")
    assert done.exit_code == 1
    assert "taken out again" in done.output
    assert site.files() == before
    assert not site.config.exists()
    assert not (site.asterisk.etc / "ringfence").exists()


async def test_removal_waits_for_a_trunk_that_was_led_in_by_hand(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    before = site.files()
    assert site.init("--include").exit_code == 0
    pjsip = site.asterisk.etc / "pjsip.conf"
    pjsip.write_text(pjsip.read_text().replace("context=from-carrier", "context = ringfence-in-carrier"))
    await site.asterisk.reload("res_pjsip.so")
    led_in = site.files()
    done = site.run("remove")
    assert done.exit_code == 1
    assert "--context carrier=CONTEXT" in done.output
    assert site.files() == led_in
    done = site.run("remove", "--context", "carrier=from-carrier")
    assert done.exit_code == 0, done.output
    led_back = before["pjsip.conf"][0].replace(b"context=from-carrier", b"context = from-carrier")
    assert site.files() == before | {"pjsip.conf": (led_back, before["pjsip.conf"][1])}
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier")


async def test_removal_waits_for_the_daemon_to_be_stopped(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    assert site.init("--include").exit_code == 0
    place = site.home / "control.sock"
    site.config.write_text(f'socket = "{place}"\n{site.config.read_text()}')
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen()
        done = site.run("remove")
    assert done.exit_code == 1
    assert "stop it first" in done.output
    assert site.run("remove").exit_code == 0, "a socket that a dead daemon left behind holds nobody up"


async def test_the_doctor_knows_a_trunk_that_asks_and_one_that_is_not_handed_over_yet(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    assert site.init("--include", "--way", "gosub").exit_code == 0
    found = await checked(site, "endpoint guards")
    assert found.state is State.WARN
    assert "ringfence handover carrier" in found.fix
    extensions = site.asterisk.etc / "extensions.conf"
    asking = "exten => _+X.,1,Gosub(ringfence-decide,s,1(${EXTEN},carrier))\n same => n,Dial("
    extensions.write_text(extensions.read_text().replace("exten => _+X.,1,Dial(", asking))
    await site.asterisk.cli("dialplan reload")
    assert (await checked(site, "endpoint guards")).state is State.OK


async def test_the_doctor_misses_a_context_that_calls_are_to_be_handed_to(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    assert site.init("--include", "--way", "goto").exit_code == 0
    assert (await checked(site, "dialplan")).state is State.OK
    extensions = site.asterisk.etc / "extensions.conf"
    extensions.write_text(extensions.read_text().replace("[from-carrier]", "[from-somewhere]"))
    await site.asterisk.cli("dialplan reload")
    found = await checked(site, "dialplan")
    assert found.state is State.FAIL
    assert "'from-carrier'" in found.words


async def test_a_dry_removal_changes_nothing_and_a_purge_leaves_nothing(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    before = site.files()
    assert site.init("--include").exit_code == 0
    (site.home / "state").mkdir()
    site.config.write_text(f'{site.config.read_text()}\n[[notify]]\nname = "chat"\ntype = "apprise"\n')
    for name in ("database_password", "notify_chat_secret"):
        (site.config.parent / name).write_text("a-secret-0123456789")
    installed = site.files()
    done = site.run("remove", "--dry-run", "--purge")
    assert done.exit_code == 0, done.output
    assert str(site.config) in done.output
    assert site.files() == installed
    assert site.run("remove", "--purge").exit_code == 0
    assert site.files() == before
    assert not site.config.parent.exists()
    assert not (site.home / "state").exists()


async def test_lines_that_nobody_remembers_are_found_by_their_marks(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    assert site.init("--include").exit_code == 0
    (site.config.parent / "installed.json").unlink()
    extensions = site.asterisk.etc / "extensions.conf"
    extensions.write_text(extensions.read_text().replace(BEGIN, f"{BEGIN}\n; seen by bob"))
    assert site.run("remove").exit_code == 0
    assert BEGIN not in "".join(text.decode() for text, _ in site.files().values())
    assert "bob" not in extensions.read_text()


async def test_a_user_or_context_of_that_name_is_somebodys(site: InstallSite) -> None:
    files = plain(site.asterisk)
    files["manager.conf"] += "[ringfence]\nsecret=somebodys\n"
    site.lay(files)
    before = site.files()
    done = site.init("--include")
    assert done.exit_code == 1
    assert "a user 'ringfence' of its own" in done.output
    assert site.files() == before


async def test_without_an_asterisk_that_runs_the_lines_are_written_and_what_to_do_is_said(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    done = site.init("--include", "--trunk-endpoint", "carrier")
    assert done.exit_code == 0, done.output
    assert "asterisk -rx 'dialplan reload'" in done.output
    assert site.run("handover", "carrier").exit_code == 1
    done = site.run("remove")
    assert done.exit_code == 4
    assert "database deltree ringfence" in done.output


async def test_an_endpoint_is_handed_over_and_taken_back(site: InstallSite) -> None:
    site.lay(plain(site.asterisk))
    await site.asterisk.start()
    assert site.init("--include").exit_code == 0
    before = site.files()
    assert "Would add" in site.run("handover", "carrier", "--dry-run").output
    assert site.files() == before
    assert site.run("handover", "carrier").exit_code == 0
    assert "already" in site.run("handover", "carrier").output
    assert site.run("handover", "carrier", "--undo").exit_code == 0
    assert site.files() == before
    assert "from-carrier" in await site.asterisk.cli("pjsip show endpoint carrier")
    assert site.run("handover", "nobody").exit_code == 2

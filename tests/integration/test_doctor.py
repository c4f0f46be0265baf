"""`ringfence doctor` against a real Asterisk: everything sound, then one fault at a time."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from ringfence.asterisk.ami import AmiSession, AmiSettings
from ringfence.cli.doctor import daemon_checks
from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.registry import CHECKS, run_checks
from ringfence.cli.doctor.report import exit_status
from ringfence.config import load, load_secrets
from ringfence.domain.records import TableRecord, encode_table
from ringfence.domain.route_table import did_path
from tests.integration.doctor_site import set_up
from tests.lab import new_database
from tests.lab.asterisk import AsteriskInstance
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.fixtures import AsteriskFactory
from tests.lab.waiting import wait_until
from tests.unit.command_line import run_ringfence

DIDS = ("+441134960001", "+441134960002", "+441134960502")
RECORD = "1|uc|-|voice|0|a:unavailable:0|a:unavailable:0"
STATUS: dict[str, object] = {
    "not_ready_because": [],
    "alarms": [],
    "table": {"state": "equal", "age_seconds": 3.0, "detail": "", "lost_scopes": [], "would_loop": []},
}
WHOLE_WALK_SECONDS = 10.0


@dataclass(slots=True)
class DoctorSite:
    """An Asterisk that is not started yet, its configuration, and how the doctor is called."""

    asterisk: AsteriskInstance
    config: Path
    clock: tuple[str, ...] = ("echo", "yes")
    console: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        inside = f"{self.asterisk.inside('etc')}/asterisk.conf"
        self.console = tuple(self.asterisk.home.command("asterisk", "-C", inside))

    async def start(self) -> None:
        """Started, with a published table and every far end known to answer."""
        await self.asterisk.start()
        ami = await self._ami()
        try:
            for did in DIDS:
                await ami.ask("DBPut", {"Family": "ringfence", "Key": did_path(did), "Val": RECORD})
            table = encode_table(TableRecord(generation=1, unix_time=1_700_000_000, rows=len(DIDS)))
            await ami.ask("DBPut", {"Family": "ringfence", "Key": "table", "Val": table})
        finally:
            ami.close()
        await wait_until(self._contacts_answer, what="the qualified contacts", deadline_seconds=10)

    async def examine(self) -> dict[str, list[Finding]]:
        """What the doctor finds, by check."""
        ground = Ground(self.config, self.console, host_name="localhost", clock_command=self.clock)
        findings = await run_checks(ground)
        by_check: dict[str, list[Finding]] = {}
        for finding in findings:
            by_check.setdefault(finding.check, []).append(finding)
        return by_check

    def edit(self, name: str, old: str, new: str) -> None:
        """Changes a file of Asterisk's; the text to be changed must be there."""
        path = self.asterisk.etc / name
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    async def _contacts_answer(self) -> bool:
        contacts = await self.asterisk.cli("pjsip show contacts")
        return contacts.count(" Avail ") == 2

    async def _ami(self) -> AmiSession:
        settings, secrets = load(self.config), load_secrets(self.config)
        secret = secrets.ami_secret.get_secret_value()
        return await AmiSession.open(AmiSettings("ringfence", secret, port=settings.asterisk.ami_port))


@pytest_asyncio.fixture
async def site(
    make_asterisk: AsteriskFactory, platform: Platform, mobile_network: MobileNetwork, tmp_path: Path
) -> AsyncIterator[DoctorSite]:
    async with open_site(make_asterisk("doctor"), tmp_path, platform, mobile_network) as opened:
        yield opened


@asynccontextmanager
async def open_site(
    instance: AsteriskInstance, tmp_path: Path, platform: Platform, mobile_network: MobileNetwork
) -> AsyncIterator[DoctorSite]:
    """The site's files and the daemon's door; its Asterisk is not started."""
    control = tmp_path / "control.sock"
    config = set_up(instance, tmp_path, platform=platform.address, egress=mobile_network.address)
    pjsip = instance.etc / "pjsip.conf"
    pjsip.write_text(f"[global]\ntype=global\ntaskprocessor_overload_trigger=pjsip_only\n{pjsip.read_text()}")
    text = config.read_text()
    records = tmp_path / "Master.csv"
    records.touch()
    text = text.replace("[asterisk]\n", f'[asterisk]\ncdr_csv = "{records}"\n', 1)
    config.write_text(f'socket = "{control}"\n{text}')
    (tmp_path / "state").mkdir(mode=0o750)
    await new_database.lay(tmp_path / "state" / "ringfence.db")
    runner = web.AppRunner(daemon_that_says(STATUS))
    await runner.setup()
    await web.UnixSite(runner, str(control)).start()
    yield DoctorSite(instance, config)
    await runner.cleanup()


def daemon_that_says(status: dict[str, object]) -> web.Application:
    """The one answer the doctor asks the daemon for."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(status)

    application = web.Application()
    application.router.add_get("/v1/status", answer)
    return application


def states(found: dict[str, list[Finding]]) -> dict[str, State]:
    """The worst state of each check."""
    order = list(State)
    worst = (State.OK, State.WARN, State.UNKNOWN, State.FAIL)
    assert set(order) == set(worst)
    return {check: max((f.state for f in findings), key=worst.index) for check, findings in found.items()}


def failing(found: dict[str, list[Finding]]) -> set[str]:
    return {check for check, state in states(found).items() if state is State.FAIL}


def words(findings: list[Finding]) -> str:
    return " ".join(f"{finding.words} {finding.fix}" for finding in findings)


async def test_everything_sound(site: DoctorSite) -> None:
    await site.start()
    found = await site.examine()
    assert set(found) == {check.name for check in CHECKS}
    wrong = {check: words(found[check]) for check, state in states(found).items() if state is not State.OK}
    # A lab on the loopback address has no witnesses off this machine, nobody backs it up, and nobody has called yet.
    assert list(wrong) == ["configuration", "backup", "dialplan edition"], wrong
    assert not any(finding.fix for check in found if check not in wrong for finding in found[check])
    assert await site.asterisk.db_get("ringfence", "doctor") is None, "the scratch key is taken away again"


async def test_a_wrong_ami_secret_is_a_refused_login_and_no_frozen_asterisk(site: DoctorSite) -> None:
    await site.start()
    secret = (site.config.parent / "ami_secret").read_text().strip()
    (site.config.parent / "ami_secret").write_text("quite-another-secret\n")
    found = await site.examine()
    assert "refused the login" in words(found["ami login"])
    assert "manager reload" in words(found["ami login"])
    assert failing(found) == {"ami login", "snippets"}  # the file for Asterisk holds the old one
    assert states(found)["table"] is State.UNKNOWN
    assert states(found)["ari login"] is State.OK
    everything = words([finding for findings in found.values() for finding in findings])
    assert secret not in everything
    assert "quite-another-secret" not in everything


async def test_a_wrong_ari_secret(site: DoctorSite) -> None:
    await site.start()
    (site.config.parent / "ari_secret").write_text("quite-another-secret\n")
    found = await site.examine()
    assert "refused the login" in words(found["ari login"])
    assert states(found)["endpoints"] is State.UNKNOWN
    assert states(found)["ami login"] is State.OK


async def test_nobody_listens(site: DoctorSite) -> None:
    found = await site.examine()
    assert "cannot be reached" in words(found["ami login"])
    assert failing(found) == {"ami login", "ari login"}
    assert states(found)["second timeout"] is State.UNKNOWN


async def test_the_include_is_missing(site: DoctorSite) -> None:
    site.edit("extensions.conf", "#include ringfence/extensions_ringfence.conf", "; forgotten")
    await site.start()
    found = await site.examine()
    assert failing(found) == {"include", "dialplan"}
    assert "#include ringfence/extensions_ringfence.conf" in words(found["include"])
    assert "ringfence-in-carrier" in words(found["dialplan"])


async def test_an_include_that_was_not_reloaded(site: DoctorSite) -> None:
    site.edit("extensions.conf", "#include ringfence/extensions_ringfence.conf", "; not yet")
    await site.start()
    site.edit("extensions.conf", "; not yet", "#include ringfence/extensions_ringfence.conf")
    found = await site.examine()
    assert failing(found) == {"dialplan"}
    assert "dialplan reload" in words(found["dialplan"])


async def test_a_call_tells_by_which_edition_it_ran(site: DoctorSite) -> None:
    await site.start()
    text = (site.asterisk.etc / "ringfence" / "extensions_ringfence_site.conf").read_text()
    edition = text.partition("GLOBAL(RF_SITE)=")[2].partition(")")[0]
    await site.asterisk.cli(f"dialplan set global RF_SITE {edition}")
    assert states(await site.examine())["dialplan edition"] is State.OK
    await site.asterisk.cli("dialplan set global RF_SITE 0123456789ab")
    found = await site.examine()
    assert states(found)["dialplan edition"] is State.UNKNOWN
    assert "dialplan reload" in words(found["dialplan edition"])


async def test_a_database_everybody_can_open(site: DoctorSite) -> None:
    (site.config.parent / "state").chmod(0o755)
    (site.config.parent / "state" / "ringfence.db").chmod(0o644)
    found = await site.examine()
    assert "private numbers" in words(found["database"])


async def test_a_damaged_database(site: DoctorSite) -> None:
    (site.config.parent / "state" / "ringfence.db").write_bytes(b"SQLite format 3\0" + b"damage" * 1000)
    found = await site.examine()
    assert states(found)["database"] is State.FAIL


async def test_a_secret_open_to_others(site: DoctorSite) -> None:
    (site.config.parent / "ami_secret").chmod(0o644)
    (site.asterisk.etc / "ringfence" / "manager_ringfence.conf").chmod(0o644)
    found = await site.examine()
    assert {"secrets", "asterisk secrets"} <= failing(found)
    assert "chmod" in words(found["secrets"])


async def test_an_endpoint_is_missing(site: DoctorSite) -> None:
    text = site.config.read_text()
    site.config.write_text(text.replace("[[platform]]\n", '[[platform]]\nendpoint = "teams_sbc"\n', 1))
    await site.start()
    found = await site.examine()
    assert "teams_sbc" in words(found["endpoints"])
    assert {"endpoints", "evidence"} <= failing(found)
    assert states(found)["endpoint guards"] is State.UNKNOWN


async def test_an_endpoint_that_leaks(site: DoctorSite) -> None:
    site.edit(
        "ringfence/pjsip_ringfence.conf",
        "[ringfence-carrier]\ntype=endpoint\ncontext=ringfence-in-carrier",
        ("[ringfence-carrier]\ntype=endpoint\ncontext=default"),
    )
    site.edit("ringfence/pjsip_ringfence.conf", "send_pai=no", "send_pai=yes")
    await site.start()
    found = await site.examine()
    assert failing(found) == {"snippets", "endpoint guards"}
    assert "context=ringfence-in-carrier" in words(found["endpoint guards"])
    assert "send_pai=no" in words(found["endpoint guards"])


async def test_a_module_is_missing(site: DoctorSite) -> None:
    site.asterisk.prepare()
    site.edit("modules.conf", "load=func_rand.so\n", "")
    await site.start()
    found = await site.examine()
    assert failing(found) == {"modules"}
    assert "func_rand" in words(found["modules"])


async def test_a_privilege_is_missing(site: DoctorSite) -> None:
    site.edit("ringfence/manager_ringfence.conf", "write=system,call", "write=call")
    await site.asterisk.start()
    found = await site.examine()
    assert "`system`" in words(found["ami privileges"])
    assert "DBPut" in words(found["ami privileges"])
    assert "Hangup" not in words(found["ami privileges"])


async def test_an_emptied_astdb(site: DoctorSite) -> None:
    await site.start()
    await site.asterisk.db_delete_tree("ringfence/did")
    found = await site.examine()
    assert failing(found) == {"table rows"}
    assert "emptied" in words(found["table rows"])

    await site.asterisk.db_delete_tree("ringfence")
    found = await site.examine()
    assert failing(found) == set()
    assert states(found)["table"] is State.WARN
    assert states(found)["table rows"] is State.UNKNOWN


async def test_a_table_of_another_version(site: DoctorSite) -> None:
    await site.start()
    await site.asterisk.db_put("ringfence", "table", "2|1|1|1")
    found = await site.examine()
    assert "schema '2'" in words(found["table"])
    assert failing(found) == {"table"}


async def test_a_frozen_asterisk_is_told_within_the_deadline(site: DoctorSite) -> None:
    await site.start()
    await site.asterisk.freeze()
    began = time.monotonic()
    found = await site.examine()
    assert time.monotonic() - began < WHOLE_WALK_SECONDS
    await site.asterisk.thaw()
    assert failing(found) == {"ami login", "ari login"}
    assert "did not answer" in words(found["ami login"])
    assert "frozen" in words(found["ami login"])
    assert states(found)["table"] is State.UNKNOWN
    assert states(found)["second timeout"] is State.UNKNOWN


async def test_a_platform_that_does_not_answer_is_a_warning(site: DoctorSite, platform: Platform) -> None:
    await site.start()
    await platform.freeze()

    async def noticed() -> bool:
        return " Unavail " in await site.asterisk.cli("pjsip show contacts")

    await wait_until(noticed, what="the contact to be unavailable", deadline_seconds=10)
    found = await site.examine()
    assert states(found)["evidence"] is State.WARN
    assert failing(found) == set()


async def test_the_console_that_cannot_be_asked_is_no_failure(site: DoctorSite) -> None:
    findings = await run_checks(Ground(site.config, host_name="localhost"))
    (finding,) = [finding for finding in findings if finding.check == "second timeout"]
    assert finding.state is State.UNKNOWN
    assert "core show application Dial" in finding.fix


async def test_a_name_that_does_not_resolve(site: DoctorSite) -> None:
    findings = await run_checks(Ground(site.config, host_name="no-such-machine.invalid"))
    (finding,) = [finding for finding in findings if finding.check == "own host name"]
    assert finding.state is State.FAIL
    assert "/etc/hosts" in finding.fix


@pytest.mark.parametrize("as_json", [False, True])
def test_without_a_configuration_everything_else_cannot_be_told(tmp_path: Path, as_json: bool) -> None:
    options = ["--json"] if as_json else []
    done = run_ringfence("doctor", "--config", str(tmp_path / "none.toml"), *options)
    assert done.exit_code == 4
    if as_json:
        answer = json.loads(done.stdout)
        assert answer["ok"] is False
        by_check = {finding["check"]: finding["state"] for finding in answer["findings"]}
        assert by_check["configuration"] == "fail"
        assert by_check["ami login"] == "unknown"
    else:
        assert "ringfence init" in done.stdout


@pytest.mark.parametrize(
    ("table", "state", "said"),
    [
        ({"state": "equal", "age_seconds": 3.0}, State.OK, "3 s ago"),
        ({"state": "differs", "detail": "2 records"}, State.WARN, "2 records"),
        (None, State.UNKNOWN, "nothing"),
    ],
)
async def test_what_the_daemon_says_of_its_table(table: object, state: State, said: str) -> None:
    ground = Ground(Path("unused"), daemon_status={"table": table})
    (finding,) = await daemon_checks.table_equal(ground)
    assert finding.state is state
    assert said in finding.words


@pytest.mark.parametrize(
    ("table", "state", "said"),
    [
        ({"lost_scopes": []}, State.OK, "configured"),
        ({"lost_scopes": ["uc_old", "teams"]}, State.FAIL, "uc_old, teams"),
        ({}, State.UNKNOWN, "nothing"),
    ],
)
async def test_a_platform_that_is_not_configured_any_more_is_found(table: object, state: State, said: str) -> None:
    (finding,) = await daemon_checks.platforms_known(Ground(Path("unused"), daemon_status={"table": table}))
    assert finding.state is state
    assert said in finding.words
    (finding,) = await daemon_checks.platforms_known(Ground(Path("unused")))
    assert finding.state is State.UNKNOWN


def test_exit_status() -> None:
    assert exit_status([Finding("a", State.UNKNOWN, ""), Finding("b", State.WARN, "")]) == 0
    assert exit_status([Finding("a", State.OK, ""), Finding("b", State.FAIL, "")]) == 4

"""The configuration of HR sources: which there are, what their faults say, and what the rules become."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from ringfence.bootstrap import values
from ringfence.bootstrap.clock import SystemClock
from ringfence.bootstrap.hr_side import HrSide
from ringfence.config import ConfigError, Settings, parse
from ringfence.config.hr_settings import KINDS, HrSourceSettings
from ringfence.config.reference import reference_page
from ringfence.hr import OPENERS, open_source
from ringfence.store.database import Database
from tests.fakes.roster_site import RosterSite, no_failover
from tests.unit.test_config import GOOD

FOLDER = """
[[hr_source]]
type = "folder"
name = "payroll"
path = "/srv/hr"
fields = { key = "Staff no" }
"""
SCIM = """
[[hr_source]]
type = "scim"
name = "entra"
token_file = "{token}"
"""
OTHERS = """
[[hr_source]]
type = "sftp"
name = "agency"
host = "sftp.example.org"
user = "ringfence"
known_hosts = "/etc/ringfence/known_hosts"
key_file = "/etc/ringfence/agency_key"
fields = { key = "Staff no" }

[[hr_source]]
type = "ldap"
name = "ad"
url = "ldaps://dc.example.org"
bind_dn = "cn=reader,dc=example,dc=org"
password_file = "/etc/ringfence/ad_password"
base = "ou=people,dc=example,dc=org"
fields = { key = "employeeID" }

[[hr_source]]
type = "json"
name = "cloud"
url = "https://hr.example.org/people"
fields = { key = "number" }
"""


def settings_of(text: str) -> Settings:
    return parse(tomllib.loads(GOOD + text), "ringfence.toml", GOOD + text)


def faults_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        settings_of(text)
    return [fault.partition(": ")[2] for fault in refused.value.faults]


@pytest.mark.parametrize("source", OTHERS.strip().split("\n\n"), ids=["sftp", "ldap", "json"])
def test_a_mapping_that_cannot_work_is_told_of_every_kind_of_source(source: str) -> None:
    (fault,) = faults_of("\n" + source.partition("fields")[0])
    assert "fields: " in fault and "key" in fault


def test_there_are_rules_without_any_source() -> None:
    policy = values.roster_policy(settings_of(""))
    assert (policy.sources, policy.zone) == ((), "Europe/London")
    assert (policy.quarantine, policy.retention) == (timedelta(days=30), timedelta(days=30))
    assert policy.private_hours is not None
    assert policy.private_hours.words == "07:00-22:00"


def test_the_rules_become_the_policy() -> None:
    text = '[hr]\ntime_zone = "Europe/Berlin"\nprivate_hours = ""\nguard_rows = 5\nguard_window_hours = 1\n'
    text += 'quarantine_days = 10\nprecedence = { numbers = ["import", "payroll"] }\n'
    policy = values.roster_policy(settings_of(text + FOLDER))
    assert policy.precedence == {"numbers": ("import", "payroll")}
    assert (policy.sources, policy.zone, policy.private_hours) == (("payroll",), "Europe/Berlin", None)
    assert (policy.guard_rows, policy.guard_window) == (5, timedelta(hours=1))
    assert policy.quarantine == timedelta(days=10)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[hr]\ntime_zone = "Mars/Base"\n', "hr.time_zone: 'Mars/Base' is not an IANA time zone such as Europe/London"),
        ('[hr]\nprivate_hours = "all day"\n', "hr.private_hours: 'all day' names no hours; write 07:00-22:00"),
        ("[hr]\nguard_percent = 101\n", "hr.guard_percent: Input should be less than or equal to 100"),
        ('[hr]\nprecedence = { shoe = ["import"] }\n', "hr.precedence names field 'shoe', known: name, email"),
        ('[hr]\nprecedence = { name = ["paylist"] }\n', "hr.precedence.name names source 'paylist', known: import"),
        ('[hr]\nprecedence = { name = ["import", "import"] }\n', "hr.precedence.name names a source twice"),
        ('[hr]\nprecedence = { active = ["import"] }\n', "hr.precedence names field 'active', known: name"),
        (FOLDER + FOLDER, "hr_source name 'payroll' is used twice; give each its own"),
        (FOLDER.replace("payroll", "import"), "hr_source name 'import' is taken"),
        (FOLDER + "archive_days = 90\n", "hr_source 'payroll' keeps files with private numbers for 90 days"),
        (SCIM + SCIM.replace("entra", "okta"), "hr_source entra and okta are both scim"),
        (FOLDER.replace("folder", "fax"), f"hr_source[1] (payroll): type 'fax' is none; known: {', '.join(KINDS)}"),
        ('[[hr_source]]\nname = "payroll"\n', "hr_source[1] (payroll): type is missing; known: folder"),
        (FOLDER + "every_minutes = 0\n", "hr_source[1] (payroll).every_minutes: Input should be greater than"),
        (FOLDER + 'colour = "red"\n', "hr_source[1] (payroll).colour: there is no such setting"),
        ('[[hr_source]]\ntype = "folder"\nname = "payroll"\n', "hr_source[1] (payroll).path: is missing"),
    ],
)
def test_a_fault_names_the_setting_and_what_to_do(text: str, fault: str) -> None:
    assert any(line.startswith(fault) for line in faults_of(text)), faults_of(text)


def test_a_fault_names_the_line_of_the_second_source() -> None:
    text = FOLDER + FOLDER.replace("payroll", "agency") + "every_minutes = -1\n"
    with pytest.raises(ConfigError) as refused:
        settings_of(text)
    line = (GOOD + text).splitlines().index("every_minutes = -1") + 1
    assert refused.value.faults[0].startswith(f"ringfence.toml:{line}: hr_source[2] (agency).every_minutes")


def test_every_kind_is_documented_and_all_but_the_pushed_one_can_be_opened() -> None:
    page = reference_page()
    assert set(OPENERS) | {"scim"} == set(KINDS)
    assert all(f'## `[[hr_source]]` with `type = "{kind}"`' in page for kind in KINDS)
    opened = [open_source(s, "GB", SystemClock()).name for s in settings_of(FOLDER + OTHERS).hr_source]
    assert opened == ["payroll", "agency", "ad", "cloud"]


def test_what_no_source_needs_is_not_imported() -> None:
    heavy = ("ldap3", "asyncssh", "scim2_models", "scim2_server", "openpyxl", "aiohttp")
    code = f"import ringfence.config, ringfence.hr, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "there is no such file"), ("short", "fewer than 32 characters")]
)
async def test_a_token_that_cannot_be_used_closes_scim_and_nothing_else(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.touch(mode=0o600)
        token.write_text(content)
    site, settings = RosterSite(), settings_of(SCIM.format(token=token))
    database = await Database.open(tmp_path / "ringfence.db")
    side = HrSide(settings, database, site.directories, site.keeper, SystemClock(), lambda: None, no_failover)
    assert side.scim is None
    await side.desk.load()
    telling = asyncio.create_task(side.tell_what_was_pushed())
    async with asyncio.timeout(5):
        while not side.desk.sources()[0].fault:
            await asyncio.sleep(0.01)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await database.close()
    (entra,) = side.desk.sources()
    assert reason in entra.fault and "entra" in entra.fault


def test_the_union_has_every_kind() -> None:
    union = HrSourceSettings.__origin__  # type: ignore[attr-defined]  # of the Annotated
    assert len(union.__args__) == len(KINDS)
